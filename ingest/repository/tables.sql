-- What wrappers can do beyond SELECT: names of SQL functions, found in the schema of the wrapper's extension unless
-- qualified.
CREATE TABLE connector (
    wrapper name PRIMARY KEY, -- the foreign data wrapper
    check_function text, -- (server name) -> check text, ok boolean, detail text
    clock_function text, -- (server name) -> timestamptz: the source's own clock
    tables_function text, -- (server name) -> schema, table, key, cursor, parent, parent_column, description: text; null
        -- for what it does not know
    deleted_function text, -- (server name, table text, since timestamptz, until timestamptz) -> key text, deleted_at
        -- timestamptz
    changes_function text, -- (foreign table regclass, cursor name, since timestamptz, deleted_since timestamptz or
        -- null) -> changed bigint, deleted bigint, clock timestamptz: rows changed and records of any kind deleted
        -- since, in one request, nulls if it cannot tell; and roughly the time at the source
    horizon_function text, -- (server name) -> clock timestamptz, running text[]: the time at the source, and the
        -- transactions under way there at that time, under names that are never reused; nulls if it cannot tell
    stats_function text, -- () -> server name, day date and counts of that day, for servers that the caller may use;
        -- each a count that grows, not a rate
    custom_columns text, -- regular expression that matches the names of customers' own fields
    counts boolean NOT NULL DEFAULT false, -- whether the source computes count(*), min and max itself, so that they are
        -- cheap
    may_cut boolean NOT NULL DEFAULT false, -- whether it may take a broken connection for the end of a result, so that
        -- rows read are counted
    pieces_function text, -- (foreign table regclass) -> piece text, version text, extent bigint, bytes bigint, modified
        -- timestamptz, settled boolean: one listing of the pieces, such as files, that contain its rows
    piece_column name, -- column of its foreign tables that names the piece which contains a row
    position_column name, -- column with the position of a row in its piece, a bigint
    version_column name, -- column with the version of the piece that a row is from
    error_column name, -- jsonb column that is null for a good row and says what is wrong with a bad one: a query that
        -- names it gets bad rows as rows
    prefix_function text, -- (foreign table regclass, piece text, extent bigint) -> text: a digest of the content before
        -- extent, by which a piece that only grew is recognised; null if it cannot tell
    watch_function text, -- (server name, wait interval) -> remote names of tables: returns when something may have
        -- changed, or when the wait is over
    lake_columns_function text, -- (foreign table regclass) -> column name, folder boolean: for the foreign table of a
        -- lake, the columns that are written, and whether rows are deleted by them; otherwise no row
    mark_function text, -- (foreign table regclass, app text, mark bigint): records in what this transaction writes to a
        -- lake how far a writer's rows are in it; raises an error if the lake has this mark, or a higher one
    published_function text, -- (foreign table regclass, app text) -> bigint: the highest such mark that a lake has, or
        -- null
    import_options text, -- options of IMPORT FOREIGN SCHEMA ... OPTIONS (...) that give foreign tables these columns
    remote_schema text, -- what IMPORT FOREIGN SCHEMA imports unless the source says otherwise; null: what the server's
        -- options name, if the wrapper can import
    description text, -- for people to read
    built_in boolean NOT NULL DEFAULT false -- whether it comes with the extension: pg_dump saves only those that others
        -- added
);
COMMENT ON TABLE connector IS 'what foreign data wrappers can do beyond SELECT';
INSERT INTO connector (wrapper, check_function, clock_function, tables_function, deleted_function, changes_function,
    horizon_function, stats_function, custom_columns, counts, may_cut, error_column, remote_schema, description,
    built_in)
VALUES
    ('netsuite_fdw', 'netsuite_check', 'netsuite_server_time', 'netsuite_tables', 'netsuite_deleted',
        'netsuite_changes', NULL, 'netsuite_stats', '^cust(entity|body|col|item|record|event)', true, false, '_error',
        'suiteql', 'NetSuite over SuiteTalk REST', true),
    ('postgres_fdw', NULL, NULL, 'ingest_internal.postgres_tables', NULL, NULL,
        'ingest_internal.postgres_horizon', NULL, NULL, true, false, NULL, 'public',
        'another PostgreSQL', true),
    ('mysql_fdw', 'ingest_internal.mysql_check', NULL, 'ingest_internal.mysql_tables', NULL, NULL, NULL, NULL, NULL,
        true, true, NULL, NULL, 'MySQL and MariaDB; tested on MariaDB', true),
    ('tds_fdw', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, false, false, NULL, 'dbo',
        'SQL Server and Sybase; not tested on either', true),
    ('oracle_fdw', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, false, false, NULL, NULL, 'Oracle; not tested',
        true),
    ('file_fdw', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, false, false, NULL, NULL,
        'files of the server; its foreign tables are created by hand', true);
INSERT INTO connector (wrapper, check_function, clock_function, tables_function, pieces_function, piece_column,
    position_column, version_column, error_column, prefix_function, watch_function, lake_columns_function,
    mark_function, published_function, import_options, remote_schema, description, built_in)
VALUES ('files_fdw', 'files_check', 'files_clock', 'files_tables', 'files_pieces', '_file', '_position', '_version',
    '_error', 'files_prefix', 'files_watch', 'files_lake_columns', 'files_mark', 'files_published',
    $$metadata 'file, position, version, error'$$, '/', 'files, each a piece of its table', true);

CREATE TABLE data_source (
    id integer GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, -- number of the source
    name text NOT NULL UNIQUE -- name of the source
        CONSTRAINT "a name has at most 500 bytes" CHECK (octet_length(name) <= 500),
    server name NOT NULL, -- the foreign server that connects to it; secrets stay in its user mappings
    server_oid oid NOT NULL, -- its OID, which stays the same when it is renamed; 0: gone
    owner oid NOT NULL, -- role that registered it and as which its jobs run
    owner_name name NOT NULL, -- its name when last looked at, by which it is found again after a restore
    description text, -- for people to read
    remote_schemas text[] NOT NULL, -- schemas at the source that a crawl imports; empty: foreign tables are created by
        -- hand
    local_schema name NOT NULL, -- local schema that holds its foreign tables
    schema_oid oid NOT NULL, -- its OID, which stays the same when it is renamed; 0: gone
    include text[], -- tables to import; null: all
    refresh_schedule text, -- when it is crawled, as cron's five fields or an interval
    state text NOT NULL DEFAULT 'active' -- active or paused
        CONSTRAINT "state must be active or paused" CHECK (state IN ('active', 'paused')),
    max_parallel integer NOT NULL DEFAULT 2 -- number of jobs on it that may run at the same time
        CONSTRAINT "max_parallel must be at least 1" CHECK (max_parallel > 0),
    registered_at timestamptz NOT NULL DEFAULT now(), -- when it was registered
    last_check_at timestamptz, -- when it was last checked
    last_check_ok boolean, -- whether that check found everything in order
    last_check jsonb, -- what that check found: an array of check, ok, detail
    last_crawl_at timestamptz, -- when a crawl last finished
    crawl_began_at timestamptz -- when the crawl began that has not finished yet: the next one resumes it
);
COMMENT ON TABLE data_source IS 'sources: a foreign server each';

CREATE TABLE source_grant (
    source integer NOT NULL REFERENCES data_source ON DELETE CASCADE, -- the source
    role oid NOT NULL, -- members of this role see it
    role_name name NOT NULL, -- its name when last looked at
    PRIMARY KEY (source, role)
);
COMMENT ON TABLE source_grant IS 'who may see a source besides its owner';

CREATE TABLE source_schema (
    id integer GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, -- number of the schema
    source integer NOT NULL REFERENCES data_source ON DELETE CASCADE, -- the source it belongs to
    name text NOT NULL, -- its name at the source
    first_seen timestamptz NOT NULL DEFAULT now(), -- when a crawl first found it
    gone_at timestamptz, -- when a crawl found it gone
    UNIQUE (source, name)
);
COMMENT ON TABLE source_schema IS 'schemas of sources';

CREATE TABLE source_table (
    id integer GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, -- number of the table
    source integer NOT NULL REFERENCES data_source ON DELETE CASCADE, -- the source it belongs to
    schema_id integer NOT NULL REFERENCES source_schema ON DELETE CASCADE, -- the schema it belongs to
    name text NOT NULL, -- its name at the source
    local_schema name NOT NULL, -- schema of the foreign table, when last looked at
    local_name name NOT NULL, -- name of the foreign table, likewise
    relation oid NOT NULL, -- OID of the foreign table, which stays the same when it is renamed; 0: gone
    kind text NOT NULL DEFAULT 'table', -- table, custom record, view ...
    description text, -- from the source, or COMMENT ON the foreign table
    row_count bigint, -- rows at the source when last counted
    last_change timestamptz, -- the newest cursor seen
    key text[], -- columns that identify a row
    key_origin text, -- where the key comes from: source, user, data (verified by reading it)
    cursor_column text, -- the column that shows that a row changed
    parent text, -- the table whose rows these belong to, such as headers of lines
    parent_column text, -- the column that names the parent's row
    freshness_objective interval -- a copy older than this is stale
        CONSTRAINT "freshness is at most 1000 years" CHECK (freshness_objective <= '1000 years'),
    first_seen timestamptz NOT NULL DEFAULT now(), -- when a crawl first found it
    crawled_at timestamptz, -- when a crawl last looked
    gone_at timestamptz, -- when a crawl found it gone
    UNIQUE (schema_id, name)
);
COMMENT ON TABLE source_table IS 'tables of sources, each a foreign table here';
CREATE INDEX source_table_source ON source_table (source, name);
CREATE INDEX source_table_local ON source_table (local_schema, local_name);
CREATE INDEX source_table_relation ON source_table (relation);

CREATE TABLE source_column (
    id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, -- number of the column
    source integer NOT NULL REFERENCES data_source ON DELETE CASCADE, -- the source it belongs to
    table_id integer NOT NULL REFERENCES source_table ON DELETE CASCADE, -- the table it belongs to
    name text NOT NULL, -- its name
    attnum smallint NOT NULL DEFAULT 0, -- its number in the foreign table, which stays the same when it is renamed; 0:
        -- none
    position integer NOT NULL, -- its place among the columns
    type text NOT NULL, -- its type here
    nullable boolean NOT NULL DEFAULT true, -- whether it may be null
    constraints text[], -- declared locally: NOT NULL, CHECK ...
    description text, -- from the source, or COMMENT ON the foreign table's column
    custom boolean NOT NULL DEFAULT false, -- whether it is a customer's own field
    key_position integer, -- its place in the key
    sample_values text[], -- real values, for those who may read the column
    hidden_type text, -- the type that its text values really have
    semantic_type text, -- what its values mean
    first_seen timestamptz NOT NULL DEFAULT now(), -- when a crawl first found it
    gone_at timestamptz, -- when a crawl found it gone
    UNIQUE (table_id, name)
);
COMMENT ON TABLE source_column IS 'columns of sources';
CREATE INDEX source_column_source ON source_column (source);
CREATE INDEX source_column_name ON source_column (name);

CREATE TABLE metadata_change (
    id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, -- number of the change
    source integer NOT NULL REFERENCES data_source ON DELETE CASCADE, -- the source
    table_id integer REFERENCES source_table ON DELETE CASCADE, -- the table
    object_kind text NOT NULL -- what changed
        CONSTRAINT "object_kind must be schema, table or column" CHECK (object_kind IN ('schema', 'table', 'column')),
    object_name text NOT NULL, -- its name; that of a column follows its table's
    change text NOT NULL -- how it changed
        CONSTRAINT "change must be one of the changes that are kept" CHECK (change IN ('added', 'removed', 'returned',
            'retyped', 'renamed', 'altered')),
    before jsonb, -- state before
    after jsonb, -- state after
    seen_at timestamptz NOT NULL DEFAULT now(), -- when a crawl saw it
    run bigint -- the run that saw it
);
COMMENT ON TABLE metadata_change IS 'every change of metadata that crawls saw';
CREATE INDEX metadata_change_seen ON metadata_change (source, seen_at);
CREATE INDEX metadata_change_table ON metadata_change (table_id, seen_at);

CREATE TABLE lineage_edge (
    id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, -- number of the edge
    source integer REFERENCES data_source ON DELETE CASCADE, -- the source it starts from
    from_schema name NOT NULL, -- where data come from: schema
    from_table name NOT NULL, -- relation
    from_column name NOT NULL DEFAULT '', -- column; empty: the relation as a whole
    to_schema name NOT NULL, -- where they go: schema
    to_table name NOT NULL, -- relation
    to_column name NOT NULL DEFAULT '', -- column; empty: the relation as a whole
    kind text NOT NULL -- import, sync, export, or what set_lineage was told
        CONSTRAINT "kind has at most 100 bytes" CHECK (octet_length(kind) <= 100),
    job bigint, -- the job that made it
    run bigint, -- the run that made it
    first_seen timestamptz NOT NULL DEFAULT now(), -- when it was first made
    last_seen timestamptz NOT NULL DEFAULT now(), -- when it was last made
    owner oid, -- role that declared it; null: the engine
    owner_name name, -- its name when last looked at, by which it is found again after a restore
    from_relation oid, -- OID of the relation that data come from, which stays the same when it is renamed; 0: none in
        -- this database
    from_attnum smallint, -- number of its column; 0: none
    to_relation oid, -- OID of the relation that they go to, likewise
    to_attnum smallint, -- number of its column; 0: none
    -- of what several roles declare each is that role's
    CONSTRAINT lineage_edge_flow UNIQUE NULLS NOT DISTINCT (to_schema, to_table, to_column, from_schema, from_table,
        from_column, kind, owner)
);
COMMENT ON TABLE lineage_edge
    IS 'where data flow from and to; flows of views and foreign keys are read from the catalogue';
CREATE INDEX lineage_edge_from ON lineage_edge (from_schema, from_table, from_column);
CREATE INDEX lineage_edge_source ON lineage_edge (source);
CREATE INDEX lineage_edge_from_relation ON lineage_edge (from_relation) WHERE from_relation <> 0;
CREATE INDEX lineage_edge_to_relation ON lineage_edge (to_relation) WHERE to_relation <> 0;

CREATE TABLE annotation (
    id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, -- number of the annotation
    source integer NOT NULL REFERENCES data_source ON DELETE CASCADE, -- the source
    table_id integer NOT NULL REFERENCES source_table ON DELETE CASCADE, -- the table, even if it is renamed
    column_id bigint REFERENCES source_column ON DELETE CASCADE, -- the column, likewise; null: the table itself
    name text NOT NULL -- what it says: description, tags, classification ...
        CONSTRAINT "the name of an annotation has 1 to 400 bytes" CHECK (octet_length(name) BETWEEN 1 AND 400),
    value jsonb NOT NULL, -- its value
    said_by text, -- who says so, in their own words: a person, a service, a model
    role oid NOT NULL, -- role that made it
    role_name name NOT NULL, -- its name when last looked at
    said_at timestamptz NOT NULL DEFAULT clock_timestamp(), -- since when
    ended_at timestamptz -- until when it was valid; null: it still is
);
COMMENT ON TABLE annotation
    IS 'annotations of tables and columns by people and services, current and past; crawls leave them alone';
CREATE UNIQUE INDEX annotation_holds ON annotation (table_id, column_id, name) NULLS NOT DISTINCT
    WHERE ended_at IS NULL;
CREATE INDEX annotation_of ON annotation (table_id, column_id, said_at);
CREATE INDEX annotation_source ON annotation (source);
CREATE INDEX annotation_column ON annotation (column_id) WHERE column_id IS NOT NULL;
CREATE INDEX annotation_ended ON annotation (ended_at) WHERE ended_at IS NOT NULL;
