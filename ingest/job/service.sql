
-- Services

CREATE TABLE service (
    name text PRIMARY KEY -- name of the service
        CONSTRAINT "a service's name has 1 to 63 bytes" CHECK (octet_length(name) BETWEEN 1 AND 63),
    library text NOT NULL -- the library, of an extension that is installed here
        CONSTRAINT "library must be the bare name of one in $libdir" CHECK (library ~ '^[A-Za-z0-9_-]{1,63}$'),
    function text NOT NULL -- function in it that a background worker of this database runs, as a superuser
        CONSTRAINT "function must be the name of a C function" CHECK (function ~ '^[A-Za-z_][A-Za-z0-9_]{0,62}$'),
    wake_on_events boolean NOT NULL DEFAULT false, -- whether its latch is set when events have committed
    keeps text, -- relation with columns era and id: events that it still needs, which are not deleted however old they
        -- are
    gives text, -- function (actor oid, "from" oid, "to" oid, called name, trust boolean) -> what, name, remains: hands
        -- over what its extension keeps of a role to another; null: it keeps nothing
    enabled boolean NOT NULL DEFAULT true, -- whether it is to run
    setting text -- it runs only if this setting is not empty in this database; null: there is none
);
COMMENT ON TABLE service
    IS 'services that background workers of this database run besides jobs; belongs to the superuser who created '
    'the extension';

CREATE FUNCTION ingest_internal.wake_services() RETURNS void
    AS 'MODULE_PATHNAME', 'ingest_wake_services' LANGUAGE C;
COMMENT ON FUNCTION ingest_internal.wake_services()
    IS 'wakes services that are woken by events, when the transaction commits';

CREATE FUNCTION ingest_internal.service_lives() RETURNS void
    AS 'MODULE_PATHNAME', 'ingest_service_lives' LANGUAGE C;
COMMENT ON FUNCTION ingest_internal.service_lives()
    IS 'gives a sign of life for the service whose process this is; a service that stops giving them gets an alert';
