-- The door

CREATE FUNCTION ingest_api.serve(credential text, method text, path text, query text, request_headers jsonb,
    request_body bytea, OUT status integer, OUT headers jsonb, OUT body text)
    AS 'MODULE_PATHNAME', 'ingest_api_serve' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION ingest_api.serve(text, text, text, text, jsonb, bytea)
    IS 'answers an HTTP request as the role of its credential; for the gateway alone';

CREATE FUNCTION ingest_api_internal.in_address(text) RETURNS text LANGUAGE sql STABLE
    RETURN (SELECT coalesce(string_agg(CASE WHEN c ~ '^[A-Za-z0-9_.~-]$' THEN c
        ELSE regexp_replace(upper(encode(convert_to(c, 'UTF8'), 'hex')), '(..)', '%\1', 'g') END, '' ORDER BY n), '')
        FROM regexp_split_to_table($1, '') WITH ORDINALITY x (c, n));
COMMENT ON FUNCTION ingest_api_internal.in_address(text) IS 'a text as it is written in an address';

-- Tokens

CREATE FUNCTION ingest_api.create_token(name text, role regrole DEFAULT NULL, scopes text[] DEFAULT '{read}',
    expires interval DEFAULT '90 days') RETURNS text
    AS 'MODULE_PATHNAME', 'ingest_api_door' LANGUAGE C;
COMMENT ON FUNCTION ingest_api.create_token(text, regrole, text[], interval)
    IS 'creates a token for a role, the caller''s own if none is named; it is shown only this once';
CREATE FUNCTION ingest_api_internal.create_token(actor oid, name text, role regrole, scopes text[], expires interval)
    RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    secret CONSTANT text := replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', '');
    whole CONSTANT text := 'pgi_' || left(secret, 8) || '_' || substr(secret, 9);
    authenticator CONSTANT text := current_setting('ingest_api.authenticator');
    r pg_roles;
BEGIN
    IF name IS NULL OR expires IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed',
            MESSAGE = 'a token needs a name and a time for which it is valid';
    ELSIF octet_length(name) NOT BETWEEN 1 AND 400 OR name ~ '[[:cntrl:]]' THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
            MESSAGE = 'the name of a token has 1 to 400 bytes and no control characters';
    ELSIF scopes IS NULL OR cardinality(scopes) = 0 OR array_position(scopes, NULL) IS NOT NULL
        OR NOT scopes <@ '{read,operate,admin}' THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
            MESSAGE = 'the scopes of a token are read, operate and admin',
            HINT = 'Each includes those before it: scopes => ''{operate}'' may read and act.';
    ELSIF expires <= interval '0' OR expires > interval '10 years' THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
            MESSAGE = 'a token must be valid for some time, at most ten years',
            HINT = 'The default is expires => ''90 days''.';
    END IF;
    SELECT * INTO r FROM pg_roles p WHERE p.oid = coalesce(role::oid, actor);
    IF r.oid IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'undefined_object', MESSAGE = 'that role does not exist';
    ELSIF r.rolsuper THEN
        RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege', MESSAGE = 'there are no tokens of superusers',
            HINT = 'Name a role that has what is needed: create_token(..., role => ''...'').';
    ELSIF pg_has_role(actor, r.oid, 'MEMBER') IS NOT TRUE THEN
        RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege',
            MESSAGE = format('only a member of role %s can make a token of it', quote_ident(r.rolname));
    ELSIF NOT EXISTS (SELECT FROM pg_roles a WHERE a.rolname = authenticator AND pg_has_role(a.oid, r.oid, 'MEMBER'))
        THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('the gateway may not serve role %s', quote_ident(r.rolname)),
            HINT = format('Somebody who may grant that role can run GRANT %s TO %s.', quote_ident(r.rolname),
                quote_ident(authenticator));
    ELSIF EXISTS (SELECT FROM ingest_api_internal.token t WHERE t.owner = actor AND t.name = create_token.name
        AND t.revoked_at IS NULL AND t.expires_at > now()
          AND t.home = ingest_api_internal.home()) THEN
        RAISE EXCEPTION USING ERRCODE = 'duplicate_object', MESSAGE = format('token "%s" exists already', name),
            HINT = format('SELECT ingest_api.revoke_token(%L);', name);
    END IF;
    DELETE FROM ingest_api_internal.token t WHERE t.owner = actor AND t.name = create_token.name;
    INSERT INTO ingest_api_internal.token (name, prefix, hash, role, role_name, scopes, home, owner, owner_name,
        expires_at)
      VALUES (name, left(whole, 12), sha256(convert_to(whole, 'UTF8')), r.oid, r.rolname, scopes,
          ingest_api_internal.home(), actor, (SELECT p.rolname FROM pg_roles p WHERE p.oid = actor), now() + expires);
    PERFORM ingest_internal.audit_for(actor, 'create_token', name, NULL,
        jsonb_build_object('role', r.rolname, 'scopes', scopes, 'expires_at', now() + expires));
    RETURN whole;
END $$;
COMMENT ON FUNCTION ingest_api_internal.create_token(oid, text, regrole, text[], interval) IS 'see create_token';

CREATE FUNCTION ingest_api.revoke_token(name text) RETURNS void
    AS 'MODULE_PATHNAME', 'ingest_api_door' LANGUAGE C;
COMMENT ON FUNCTION ingest_api.revoke_token(text) IS 'ends a token at once, given its name or its beginning';
CREATE FUNCTION ingest_api_internal.revoke_token(actor oid, name text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    n bigint;
BEGIN
    WITH gone AS (UPDATE ingest_api_internal.token t SET revoked_at = now()
        WHERE revoke_token.name IN (t.name, t.prefix) AND t.revoked_at IS NULL
        AND ingest_internal.acts_for(actor, t.owner) RETURNING 1)
    SELECT count(*) INTO n FROM gone;
    IF n = 0 THEN
        RAISE EXCEPTION USING ERRCODE = 'undefined_object',
            MESSAGE = format('you have no valid token "%s"', coalesce(name, '')),
            HINT = 'SELECT name FROM ingest_api.tokens; lists them.';
    END IF;
    PERFORM ingest_internal.audit_for(actor, 'revoke_token', name, NULL, NULL);
END $$;
COMMENT ON FUNCTION ingest_api_internal.revoke_token(oid, text) IS 'see revoke_token';

CREATE VIEW ingest_api.tokens WITH (security_barrier) AS
SELECT t.name AS name, -- its name
    t.prefix AS prefix, -- its beginning
    ingest_internal.role_name(t.role, t.role_name) AS role, -- role that it acts as
    t.scopes AS scopes, -- what it permits: read, operate, admin
    ingest_internal.role_name(t.owner, t.owner_name) AS owner, -- role that made it
    t.created_at AS created_at, -- when it was made
    t.expires_at AS expires_at, -- until when it is valid
    t.revoked_at AS revoked_at, -- when it was revoked; null: it was not
    t.used_at AS used_at -- when it was last used, within a minute
FROM ingest_api_internal.token t WHERE ingest_internal.acts_for(t.owner) AND t.home = ingest_api_internal.home();
COMMENT ON VIEW ingest_api.tokens
    IS 'the caller''s tokens, or all of them for an admin; the tokens themselves are not shown';

-- JSON Web Tokens

CREATE FUNCTION ingest_api.map_claim(claim text, value text, role regrole) RETURNS void
    AS 'MODULE_PATHNAME', 'ingest_api_door' LANGUAGE C;
COMMENT ON FUNCTION ingest_api.map_claim(text, text, regrole)
    IS 'JSON Web Tokens with this claim act as a role; for admins';
CREATE FUNCTION ingest_api_internal.map_claim(actor oid, claim text, value text, role regrole) RETURNS void
    LANGUAGE plpgsql AS $$
DECLARE
    authenticator CONSTANT text := current_setting('ingest_api.authenticator');
    r pg_roles;
BEGIN
    IF claim IS NULL OR value IS NULL OR role IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed', MESSAGE = 'a claim, its value and a role are needed';
    ELSIF octet_length(claim) NOT BETWEEN 1 AND 400 OR octet_length(value) NOT BETWEEN 1 AND 400 THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
            MESSAGE = 'a claim and its value have 1 to 400 bytes';
    ELSIF claim IN ('iss', 'aud', 'exp', 'nbf', 'iat', 'jti') THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('claim "%s" does not identify anybody', claim), HINT = 'sub, roles or groups do.';
    ELSIF ingest_internal.acts_for(actor, 0) IS NOT TRUE THEN
        RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege',
            MESSAGE = 'only an admin can map claims to roles';
    END IF;
    SELECT * INTO r FROM pg_roles p WHERE p.oid = role::oid;
    IF r.oid IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'undefined_object', MESSAGE = 'that role does not exist';
    ELSIF r.rolsuper THEN
        RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege', MESSAGE = 'no token acts as a superuser';
    ELSIF pg_has_role(actor, r.oid, 'MEMBER') IS NOT TRUE THEN
        RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege',
            MESSAGE = format('only a member of role %s can map claims to it', quote_ident(r.rolname));
    ELSIF NOT EXISTS (SELECT FROM pg_roles a WHERE a.rolname = authenticator AND pg_has_role(a.oid, r.oid, 'MEMBER'))
        THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('the gateway may not serve role %s', quote_ident(r.rolname)),
            HINT = format('Somebody who may grant that role can run GRANT %s TO %s.', quote_ident(r.rolname),
                quote_ident(authenticator));
    ELSIF EXISTS (SELECT FROM ingest_api_internal.claim c WHERE c.claim = map_claim.claim AND c.value = map_claim.value
        AND c.home = ingest_api_internal.home()) THEN
        RAISE EXCEPTION USING ERRCODE = 'duplicate_object', MESSAGE = 'that claim is already mapped to a role',
            HINT = format('SELECT ingest_api.unmap_claim(%L, %L);', claim, value);
    END IF;
    DELETE FROM ingest_api_internal.claim c WHERE c.claim = map_claim.claim AND c.value = map_claim.value;
    INSERT INTO ingest_api_internal.claim (claim, value, role, role_name, home)
        VALUES (claim, value, r.oid, r.rolname, ingest_api_internal.home());
    PERFORM ingest_internal.audit_for(actor, 'map_claim', claim, NULL,
        jsonb_build_object('value', value, 'role', r.rolname));
END $$;
COMMENT ON FUNCTION ingest_api_internal.map_claim(oid, text, text, regrole) IS 'see map_claim';

CREATE FUNCTION ingest_api.unmap_claim(claim text, value text) RETURNS void
    AS 'MODULE_PATHNAME', 'ingest_api_door' LANGUAGE C;
COMMENT ON FUNCTION ingest_api.unmap_claim(text, text) IS 'revokes what map_claim granted, at once; for admins';
CREATE FUNCTION ingest_api_internal.unmap_claim(actor oid, claim text, value text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    n bigint := 0;
BEGIN
    IF ingest_internal.acts_for(actor, 0) THEN
        DELETE FROM ingest_api_internal.claim c WHERE c.claim = unmap_claim.claim AND c.value = unmap_claim.value;
        GET DIAGNOSTICS n = ROW_COUNT;
    END IF;
    IF n = 0 THEN
        RAISE EXCEPTION USING ERRCODE = 'undefined_object',
            MESSAGE = 'there is no such claim, or you may not unmap it',
            HINT = 'SELECT * FROM ingest_api.claims; lists them for admins.';
    END IF;
    PERFORM ingest_internal.audit_for(actor, 'unmap_claim', claim, jsonb_build_object('value', value), NULL);
END $$;
COMMENT ON FUNCTION ingest_api_internal.unmap_claim(oid, text, text) IS 'see unmap_claim';

CREATE VIEW ingest_api.claims WITH (security_barrier) AS
SELECT c.claim AS claim, -- name of a claim in a token
    c.value AS value, -- its value, or one of its values
    ingest_internal.role_name(c.role, c.role_name) AS role, -- role that such a token acts as
    c.created_at AS created_at -- since when
FROM ingest_api_internal.claim c WHERE ingest_internal.acts_for(0);
COMMENT ON VIEW ingest_api.claims IS 'which claims of JSON Web Tokens act as which role; for admins';

-- Resources

-- In a restored copy roles have other numbers: they are found by their names, once.  0: there is no such role
CREATE FUNCTION ingest_api_internal.bind_resources() RETURNS void LANGUAGE sql
BEGIN ATOMIC
    UPDATE ingest_api_internal.resource r SET home = ingest_api_internal.home(),
        owner = coalesce((SELECT o.oid FROM pg_roles o WHERE o.rolname = r.owner_name), 0)
      WHERE r.owner IS NOT NULL AND r.home IS DISTINCT FROM ingest_api_internal.home();
END;
COMMENT ON FUNCTION ingest_api_internal.bind_resources() IS 'finds after a restore who exposed what';

CREATE FUNCTION ingest_api.expose(relation regclass, name text DEFAULT NULL) RETURNS text
    AS 'MODULE_PATHNAME', 'ingest_api_door' LANGUAGE C;
COMMENT ON FUNCTION ingest_api.expose(regclass, text)
    IS 'makes a table or view of the caller''s a resource, named by its schema and name unless another name is '
    'given; its own privileges decide who sees what of it';
CREATE FUNCTION ingest_api_internal.expose(actor oid, relation regclass, name text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    c record;
    called text;
BEGIN
    SELECT k.oid, k.relowner, k.relkind, k.relname, n.nspname INTO c FROM pg_class k
        JOIN pg_namespace n ON n.oid = k.relnamespace WHERE k.oid = relation;
    IF c.oid IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'undefined_table', MESSAGE = 'that relation does not exist';
    ELSIF c.relkind NOT IN ('r', 'v', 'm', 'f', 'p') THEN
        RAISE EXCEPTION USING ERRCODE = 'wrong_object_type',
            MESSAGE = format('%s is neither a table nor a view', relation);
    ELSIF c.nspname LIKE 'pg\_%' OR c.nspname = 'information_schema' THEN
        RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege',
            MESSAGE = 'system relations and temporary relations cannot be exposed';
    ELSIF (pg_has_role(actor, c.relowner, 'USAGE') OR ingest_internal.acts_for(actor, c.relowner)) IS NOT TRUE THEN
        RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege', MESSAGE = format('must be owner of %s', relation);
    END IF;
    called := coalesce(name, c.nspname || '.' || c.relname);
    PERFORM ingest_api_internal.bind_resources();
    -- what was dropped is in nobody's way
    DELETE FROM ingest_api_internal.resource r WHERE r.owner IS NOT NULL
        AND NOT EXISTS (SELECT FROM pg_class k WHERE k.oid = r.relation);
    IF called !~ '^[a-z_][a-z0-9_.]{0,126}$' THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('"%s" cannot be the name of a resource', called),
            DETAIL = 'It must have lower-case letters, digits, _ and dots, at most 127, and begin with a letter.',
            HINT = format('SELECT ingest_api.expose(%L, name => ''...'');', relation);
    ELSIF EXISTS (SELECT FROM ingest_api_internal.route x WHERE split_part(x.path, '/', 1) = called)
        OR called IN ('session', 'rpc') THEN
        RAISE EXCEPTION USING ERRCODE = 'duplicate_object',
            MESSAGE = format('/v1/%s is already something else', called),
            DETAIL = 'Rows could not be asked for at that address.',
            HINT = format('SELECT ingest_api.expose(%L, name => ''...'');', relation);
    ELSIF EXISTS (SELECT FROM ingest_api_internal.resource r WHERE r.name = called OR r.relation = expose.relation) THEN
        RAISE EXCEPTION USING ERRCODE = 'duplicate_object',
            MESSAGE = format('%s is already exposed, or something else is exposed as "%s"', relation, called);
    END IF;
    INSERT INTO ingest_api_internal.resource (name, relation, key, description, owner, owner_name, home)
      SELECT called, relation, coalesce((SELECT ingest_api_internal.names(i.indrelid, i.indkey::smallint[])
          FROM pg_index i WHERE i.indrelid = relation AND i.indisprimary), '{}'), obj_description(relation, 'pg_class'),
          actor,
          pg_get_userbyid(actor), ingest_api_internal.home();
    PERFORM ingest_internal.audit_for(actor, 'expose', called, NULL, jsonb_build_object('relation', relation::text));
    RETURN called;
END $$;
COMMENT ON FUNCTION ingest_api_internal.expose(oid, regclass, text) IS 'see expose';

CREATE FUNCTION ingest_api.unexpose(name text) RETURNS void
    AS 'MODULE_PATHNAME', 'ingest_api_door' LANGUAGE C;
COMMENT ON FUNCTION ingest_api.unexpose(text) IS 'removes a resource: it can no longer be asked for';
CREATE FUNCTION ingest_api_internal.unexpose(actor oid, name text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    r ingest_api_internal.resource;
BEGIN
    PERFORM ingest_api_internal.bind_resources();
    SELECT * INTO r FROM ingest_api_internal.resource q WHERE q.name = unexpose.name;
    IF r.name IS NULL OR r.owner IS NULL OR ingest_internal.acts_for(actor, r.owner) IS NOT TRUE THEN
        RAISE EXCEPTION USING ERRCODE = 'undefined_object',
            MESSAGE = format('there is no resource "%s" that you exposed', coalesce(name, ''));
    END IF;
    DELETE FROM ingest_api_internal.resource q WHERE q.name = unexpose.name;
    PERFORM ingest_internal.audit_for(actor, 'unexpose', name, jsonb_build_object('relation', r.relation::text), NULL);
END $$;
COMMENT ON FUNCTION ingest_api_internal.unexpose(oid, text) IS 'see unexpose';

-- One role's things go over to another.  Whoever holds a token is not to become somebody else by it: one that acts as
-- the old role does so as long as that is there.
CREATE FUNCTION ingest_api_internal.hand_over(actor oid, "from" oid, "to" oid, called name, trust boolean)
    RETURNS TABLE (what text, name text, remains text) LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM ingest_api_internal.bind_resources();
    RETURN QUERY WITH moved AS (UPDATE ingest_api_internal.resource r
            SET owner = "to", owner_name = pg_get_userbyid("to")
            WHERE ingest_internal.is_had_by(r.owner, r.owner_name, "from", called) RETURNING r.name)
        SELECT 'resource', m.name, NULL::text FROM moved m ORDER BY m.name;
    -- of two tokens of one name the new owner's own keeps it
    RETURN QUERY WITH moved AS (UPDATE ingest_api_internal.token t SET owner = "to", owner_name = pg_get_userbyid("to"),
                name = CASE WHEN EXISTS (SELECT FROM ingest_api_internal.token o WHERE o.owner = "to"
                    AND o.name = t.name) THEN t.prefix ELSE t.name END
            WHERE ingest_internal.is_had_by(t.owner, t.owner_name, "from", called)
                AND t.home = ingest_api_internal.home() RETURNING t.name, t.prefix)
        SELECT 'token', m.name, CASE WHEN m.name = m.prefix THEN format('%s has one of its name already: it is '
            'called as it begins now', "to"::regrole) END FROM moved m ORDER BY m.name;
    RETURN QUERY SELECT 'token', t.name, format('it acts as %s, and is no longer valid when that role is gone: '
        'ingest_api.create_token creates one that acts as another', t.role_name)
        FROM ingest_api_internal.token t WHERE t.home = ingest_api_internal.home() AND t.revoked_at IS NULL
            AND t.expires_at > now() AND ingest_internal.is_had_by(t.role, t.role_name, "from", called)
        ORDER BY t.name;
    RETURN QUERY SELECT 'claim', format('%s %s', c.claim, c.value), format('it acts as %s: SELECT '
            'ingest_api.unmap_claim(%L, %L)', c.role_name, c.claim, c.value)
        FROM ingest_api_internal.claim c WHERE c.home = ingest_api_internal.home()
            AND ingest_internal.is_had_by(c.role, c.role_name, "from", called) AND ingest_internal.acts_for(actor, 0)
        ORDER BY c.claim, c.value;
END $$;
COMMENT ON FUNCTION ingest_api_internal.hand_over(oid, oid, oid, name, boolean)
    IS 'hands over what a role exposed and the tokens that it made; see ingest.reassign';
