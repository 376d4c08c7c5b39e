-- How people log in: links that are good for once, and the sessions of a browser.  Of either the SHA-256 is kept alone.

CREATE TABLE ingest_api_internal.login_link (
    hash bytea PRIMARY KEY, -- SHA-256 of the secret in the link
    role oid NOT NULL, -- role that it logs in as
    role_name name NOT NULL, -- its name when the link was made
    scopes text[] NOT NULL, -- what the session permits
    home text NOT NULL, -- cluster and database in which it is valid
    created_at timestamptz NOT NULL DEFAULT now(), -- when it was made
    expires_at timestamptz NOT NULL -- until when it is valid, unless it is used before
);
COMMENT ON TABLE ingest_api_internal.login_link IS 'links that log somebody in, once';

CREATE TABLE ingest_api_internal.session (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, -- number
    hash bytea NOT NULL UNIQUE, -- SHA-256 of the browser's cookie
    role oid NOT NULL, -- role that it acts as
    role_name name NOT NULL, -- its name when the session began
    scopes text[] NOT NULL, -- what it permits: the widest of these, and everything narrower
    token bigint REFERENCES ingest_api_internal.token ON DELETE CASCADE, -- token by which it was begun, and with which
        -- it ends; null: it was begun by a link
    home text NOT NULL, -- cluster and database in which it is valid
    address text NOT NULL, -- address from which it was begun; behind a proxy, the proxy's
    created_at timestamptz NOT NULL DEFAULT now(), -- when it began
    expires_at timestamptz NOT NULL, -- when it ends
    used_at timestamptz NOT NULL DEFAULT now() -- when it was last used, within a minute
);
COMMENT ON TABLE ingest_api_internal.session IS 'browser sessions: who is logged in';
CREATE INDEX session_token ON ingest_api_internal.session (token);
CREATE INDEX session_expires_at ON ingest_api_internal.session (expires_at);

CREATE FUNCTION ingest_api_internal.console_url() RETURNS text LANGUAGE sql STABLE
    RETURN coalesce(nullif(rtrim(current_setting('ingest_api.console_url'), '/'), ''),
        CASE WHEN current_setting('ingest_api.gateway_options') LIKE '%--tls-cert%' THEN 'https://' ELSE 'http://' END
        || coalesce(nullif(regexp_replace(current_setting('ingest_api.listen'), '^(0\.0\.0\.0|\[::\]|\*)?:',
            'localhost:'), ''), '127.0.0.1:8080') || '/console');
COMMENT ON FUNCTION ingest_api_internal.console_url()
    IS 'where the console is: ingest_api.console_url, or as ingest_api.listen implies';

CREATE FUNCTION ingest_api.login_link(minutes integer DEFAULT 5, scopes text[] DEFAULT '{admin}') RETURNS text
    AS 'MODULE_PATHNAME', 'ingest_api_door' LANGUAGE C;
COMMENT ON FUNCTION ingest_api.login_link(integer, text[])
    IS 'an address that logs a browser in as the caller, once; it is shown only this once';
CREATE FUNCTION ingest_api_internal.login_link(actor oid, minutes integer, scopes text[]) RETURNS text LANGUAGE plpgsql
    AS $$
DECLARE
    secret CONSTANT text := 'pgl_' || replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', '');
    authenticator CONSTANT text := current_setting('ingest_api.authenticator');
    r pg_roles;
BEGIN
    SELECT * INTO r FROM pg_roles p WHERE p.oid = actor;
    IF pg_is_in_recovery() THEN
        RAISE EXCEPTION USING ERRCODE = 'read_only_sql_transaction',
            MESSAGE = 'a standby makes no links, and nobody can log in there',
            HINT = 'Its primary does; tokens are valid on both.';
    ELSIF minutes IS NULL OR minutes NOT BETWEEN 1 AND 1440 THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = 'a link must be valid for 1 to 1440 '
            'minutes';
    ELSIF scopes IS NULL OR cardinality(scopes) = 0 OR array_position(scopes, NULL) IS NOT NULL
        OR NOT scopes <@ '{read,operate,admin}' THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
            MESSAGE = 'the scopes of a link are read, operate and admin',
            HINT = 'Each includes those before it: scopes => ''{operate}'' may read and act.';
    ELSIF r.rolsuper THEN
        RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege', MESSAGE = 'there are no links for superusers',
            HINT = 'SET ROLE to a role that has what is needed, and ask again.';
    ELSIF NOT EXISTS (SELECT FROM pg_roles a WHERE a.rolname = authenticator AND pg_has_role(a.oid, r.oid, 'MEMBER'))
        THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('the gateway may not serve role %s', quote_ident(r.rolname)),
            HINT = format('Somebody who may grant that role can run GRANT %s TO %s.', quote_ident(r.rolname),
                quote_ident(authenticator));
    END IF;
    INSERT INTO ingest_api_internal.login_link (hash, role, role_name, scopes, home, expires_at)
      VALUES (sha256(convert_to(secret, 'UTF8')), r.oid, r.rolname, scopes, ingest_api_internal.home(),
          now() + make_interval(mins => minutes));
    PERFORM ingest_internal.audit_for(actor, 'login_link', NULL, NULL,
        jsonb_build_object('scopes', scopes, 'minutes', minutes));
    -- behind the # it is neither sent when the page is asked for, nor told to whom the page links
    RETURN ingest_api_internal.console_url() || '/login#' || secret;
END $$;
COMMENT ON FUNCTION ingest_api_internal.login_link(oid, integer, text[]) IS 'see login_link';

-- Who comes second with a link waits for who came first, and finds it gone
CREATE FUNCTION ingest_api_internal.log_in(secret text, before text, role oid, scopes text[], token bigint, link text,
    address text, seconds integer) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    began bigint;
BEGIN
    DELETE FROM ingest_api_internal.login_link l
        WHERE l.hash IN (SELECT x.hash FROM ingest_api_internal.login_link x WHERE x.expires_at < now()
        LIMIT 1000 FOR UPDATE SKIP LOCKED);
    DELETE FROM ingest_api_internal.session s WHERE s.id IN (SELECT x.id FROM ingest_api_internal.session x
        WHERE x.expires_at < now() LIMIT 1000 FOR UPDATE SKIP LOCKED);
    IF link IS NOT NULL THEN
        DELETE FROM ingest_api_internal.login_link l WHERE l.hash = decode(link, 'hex')
            AND l.expires_at > clock_timestamp();
        IF NOT FOUND THEN
            RETURN NULL;
        END IF;
    END IF;
    DELETE FROM ingest_api_internal.session s WHERE s.hash = decode(before, 'hex');
    INSERT INTO ingest_api_internal.session (hash, role, role_name, scopes, token, home, address, expires_at)
      SELECT decode(secret, 'hex'), role, r.rolname, scopes, token, ingest_api_internal.home(), address,
        least(now() + make_interval(secs => seconds),
            (SELECT t.expires_at FROM ingest_api_internal.token t WHERE t.id = log_in.token))
      FROM pg_roles r WHERE r.oid = log_in.role RETURNING id INTO began;
    RETURN began;
END $$;
COMMENT ON FUNCTION ingest_api_internal.log_in(text, text, oid, text[], bigint, text, text, integer)
    IS 'begins a session and ends the previous one in that browser; null if the link has been used in the meantime';

CREATE FUNCTION ingest_api_internal.log_out(session bigint) RETURNS void LANGUAGE sql
BEGIN ATOMIC
    DELETE FROM ingest_api_internal.session s WHERE s.id = session;
END;
COMMENT ON FUNCTION ingest_api_internal.log_out(bigint) IS 'ends a session';

CREATE FUNCTION ingest_api_internal.session_used(which bigint) RETURNS void LANGUAGE sql
BEGIN ATOMIC
    UPDATE ingest_api_internal.session SET used_at = clock_timestamp()
        WHERE id IN (SELECT s.id FROM ingest_api_internal.session s WHERE s.id = which FOR NO KEY UPDATE SKIP LOCKED);
    SELECT ingest_api_internal.prune();
END;
COMMENT ON FUNCTION ingest_api_internal.session_used(bigint)
    IS 'records that a session was used, unless another session is already doing so';

CREATE FUNCTION ingest_api_internal.who_is(session bigint, prefix text)
    RETURNS TABLE (expires_at timestamptz, token text) LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT s.expires_at, t.prefix FROM ingest_api_internal.session s LEFT
        JOIN ingest_api_internal.token t ON t.id = s.token WHERE s.id = session
    UNION ALL SELECT t.expires_at, t.prefix FROM ingest_api_internal.token t WHERE session IS NULL
        AND t.prefix = who_is.prefix;
END;
COMMENT ON FUNCTION ingest_api_internal.who_is(bigint, text)
    IS 'until when a session or a token is valid, and how the token begins';
