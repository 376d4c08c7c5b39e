\echo Use "CREATE EXTENSION netsuite_fdw" to load this file. \quit

CREATE FUNCTION netsuite_fdw_handler() RETURNS fdw_handler
    AS 'MODULE_PATHNAME' LANGUAGE C STRICT;
COMMENT ON FUNCTION netsuite_fdw_handler() IS 'foreign-data wrapper handler';

CREATE FUNCTION netsuite_fdw_validator(options text[], catalog oid) RETURNS void
    AS 'MODULE_PATHNAME' LANGUAGE C STRICT;
COMMENT ON FUNCTION netsuite_fdw_validator(text[], oid) IS 'checks options of servers, user mappings, foreign tables and columns';

CREATE FOREIGN DATA WRAPPER netsuite_fdw HANDLER netsuite_fdw_handler VALIDATOR netsuite_fdw_validator;
COMMENT ON FOREIGN DATA WRAPPER netsuite_fdw IS 'NetSuite: SuiteQL over SuiteTalk REST';

CREATE FUNCTION netsuite_fdw_comment() RETURNS event_trigger
    AS 'MODULE_PATHNAME' LANGUAGE C;
COMMENT ON FUNCTION netsuite_fdw_comment() IS 'turns descriptions of new foreign tables and columns into comments';

CREATE EVENT TRIGGER netsuite_fdw_comment ON ddl_command_end
    WHEN TAG IN ('IMPORT FOREIGN SCHEMA', 'CREATE FOREIGN TABLE')
    EXECUTE FUNCTION netsuite_fdw_comment();

CREATE FUNCTION netsuite_server_time(server name) RETURNS timestamptz
    AS 'MODULE_PATHNAME' LANGUAGE C STRICT VOLATILE PARALLEL RESTRICTED;
COMMENT ON FUNCTION netsuite_server_time(name) IS 'current time by NetSuite''s own clock';

CREATE FUNCTION netsuite_moment(server name, wall_clock timestamp) RETURNS timestamptz
    AS 'MODULE_PATHNAME' LANGUAGE C STRICT VOLATILE PARALLEL RESTRICTED;
COMMENT ON FUNCTION netsuite_moment(name, timestamp) IS 'converts a datetime as SuiteQL shows it, in the account''s time zone, to a timestamptz';

CREATE FUNCTION netsuite_wall_clock(server name, moment timestamptz) RETURNS timestamp
    AS 'MODULE_PATHNAME' LANGUAGE C STRICT VOLATILE PARALLEL RESTRICTED;
COMMENT ON FUNCTION netsuite_wall_clock(name, timestamptz) IS 'converts a timestamptz to a datetime as SuiteQL shows it, in the account''s time zone';

CREATE FUNCTION netsuite_governance(server name) RETURNS jsonb
    AS 'MODULE_PATHNAME' LANGUAGE C STRICT VOLATILE PARALLEL RESTRICTED;
COMMENT ON FUNCTION netsuite_governance(name) IS 'limits on concurrent requests, for administrators of the account';

CREATE FUNCTION netsuite_query(server name, suiteql text, params text[] DEFAULT NULL) RETURNS SETOF jsonb
    AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL RESTRICTED;
COMMENT ON FUNCTION netsuite_query(name, text, text[]) IS 'rows of any SuiteQL query; ? marks a parameter';

CREATE FUNCTION netsuite_tables(server name, OUT "table" text, OUT source text, OUT key text, OUT description text,
    OUT cursor text, OUT parent text, OUT parent_column text)
    RETURNS SETOF record
    AS 'MODULE_PATHNAME' LANGUAGE C STRICT VOLATILE PARALLEL RESTRICTED;
COMMENT ON FUNCTION netsuite_tables(name) IS 'tables that the account may have (known tables, custom records and record types), each with its cursor and, for lines, the table that they belong to';

CREATE FUNCTION netsuite_check(server name, OUT "check" text, OUT ok boolean, OUT detail text)
    RETURNS SETOF record
    AS 'MODULE_PATHNAME' LANGUAGE C STRICT VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION netsuite_check(name) IS 'checks whether everything is in order: one row per check, with what to do';

CREATE FUNCTION netsuite_stats(OUT server name, OUT day date, OUT requests bigint, OUT retries bigint, OUT refusals bigint, OUT bytes bigint,
    OUT waited_seconds double precision, OUT slots_in_use integer, OUT slots integer)
    RETURNS SETOF record
    AS 'MODULE_PATHNAME' LANGUAGE C STRICT VOLATILE PARALLEL RESTRICTED;
COMMENT ON FUNCTION netsuite_stats() IS 'traffic of all sessions with each server that the caller may use, by day (UTC), since PostgreSQL started; slots are the account''s current ones';

-- The names that deletedrecord gives to rows of a table.  Records of a kind without a table of their own are transactions or items.
CREATE FUNCTION netsuite_record_table(type text, iscustomtransaction boolean) RETURNS text[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE
        WHEN iscustomtransaction OR type LIKE 'customtransaction%' THEN '{transaction}'::text[]
        WHEN type LIKE 'customrecord%' THEN ARRAY[type]
        WHEN type IN ('customer', 'lead', 'prospect') THEN '{customer,entity}'::text[]
        WHEN type IN ('vendor', 'employee', 'partner', 'contact') THEN ARRAY[type, 'entity']
        WHEN type IN ('job', 'project') THEN '{job,entity}'::text[]
        WHEN type IN ('othername', 'entitygroup', 'genericresource') THEN '{entity}'::text[]
        WHEN type IN ('classification', 'class') THEN '{classification}'::text[]
        WHEN type IN ('salestaxitem', 'taxgroup', 'taxtype') THEN ARRAY[type]
        WHEN type LIKE '%item' OR type IN ('itemgroup', 'inventorypart') THEN '{item}'::text[]
        WHEN type IN ('salesorder', 'invoice', 'cashsale', 'customerpayment', 'creditmemo', 'purchaseorder', 'vendorbill', 'vendorpayment',
            'journalentry', 'itemfulfillment', 'itemreceipt', 'estimate', 'returnauthorization', 'deposit', 'vendorcredit',
            'inventoryadjustment', 'inventorytransfer', 'inventorycount', 'inventorycostrevaluation', 'inventorystatuschange', 'transferorder',
            'check', 'cashrefund', 'creditcardcharge', 'creditcardrefund', 'customerdeposit', 'customerrefund', 'depositapplication',
            'expensereport', 'intercompanyjournalentry', 'advintercompanyjournalentry', 'intercompanytransferorder',
            'statisticaljournalentry', 'periodendjournal', 'opportunity', 'paycheck', 'paycheckjournal', 'charge', 'purchaserequisition',
            'purchasecontract', 'blanketpurchaseorder', 'requestforquote', 'vendorrequestforquote', 'revenuearrangement',
            'revenuecommitment', 'revenuecommitmentreversal', 'vendorprepayment', 'vendorprepaymentapplication',
            'vendorreturnauthorization', 'workorder', 'workorderissue', 'workordercompletion', 'workorderclose', 'assemblybuild',
            'assemblyunbuild', 'bintransfer', 'binworksheet', 'currencyrevaluation', 'transfer', 'fulfillmentrequest',
            'storepickupfulfillment', 'salestaxpayment', 'inboundshipment', 'subsidiarysettlement', 'waveorder')
            THEN '{transaction}'::text[]
        ELSE ARRAY[type] END;
COMMENT ON FUNCTION netsuite_record_table(text, boolean) IS 'tables that hold the records of a type, as deletedrecord names types';

-- The types are compared here: whether a comparison there heeds case depends on the account, and a lost deletion stays lost.
-- So are the moments: in the hour that winter time repeats the wall clock does not tell their order, so rows of some hours more are asked for.
-- Names of members are found in any case of letters.
CREATE FUNCTION netsuite_deleted(server name, "table" text, since timestamptz, until timestamptz,
    OUT key text, OUT deleted_at timestamptz) RETURNS SETOF record
    LANGUAGE sql VOLATILE STRICT PARALLEL RESTRICTED
    BEGIN ATOMIC
    SELECT r.recordid, m.at
      FROM netsuite_query(netsuite_deleted.server,
             'SELECT recordid AS recordid, type AS type, scriptid AS scriptid, iscustomtransaction AS iscustomtransaction, TO_CHAR(deleteddate, ''YYYY-MM-DD HH24:MI:SS'') AS at'
             ' FROM deletedrecord WHERE deleteddate >= TO_DATE(?, ''YYYY-MM-DD HH24:MI:SS'') AND deleteddate < TO_DATE(?, ''YYYY-MM-DD HH24:MI:SS'')'
             ' ORDER BY recordid ASC, recordtypeid ASC, scriptid ASC',
             ARRAY[to_char(netsuite_wall_clock(netsuite_deleted.server, least(greatest(netsuite_deleted.since, '0001-01-02 00:00:00+00'), '9999-12-30 00:00:00+00')) - interval '3 hours', 'YYYY-MM-DD HH24:MI:SS'),
                   to_char(netsuite_wall_clock(netsuite_deleted.server, least(greatest(netsuite_deleted.until, '0001-01-02 00:00:00+00'), '9999-12-30 00:00:00+00')) + interval '3 hours', 'YYYY-MM-DD HH24:MI:SS')]) AS d(q),
           LATERAL (SELECT max(e.value) FILTER (WHERE lower(e.key) = 'recordid') AS recordid,
                           max(lower(e.value)) FILTER (WHERE lower(e.key) = 'type') AS type,
                           max(lower(e.value)) FILTER (WHERE lower(e.key) = 'scriptid') AS scriptid,
                           coalesce(bool_or(lower(e.value) IN ('t', 'true')) FILTER (WHERE lower(e.key) = 'iscustomtransaction'), false) AS custom,
                           max(e.value) FILTER (WHERE lower(e.key) = 'at') AS at
                      FROM jsonb_each_text(d.q) e) r,
           -- a row without its date is not passed over: nobody would delete what it names
           LATERAL (SELECT netsuite_moment(netsuite_deleted.server, coalesce(r.at, concat('no deleteddate of record ', r.recordid))::timestamp) AS at) m
     WHERE m.at >= date_trunc('second', netsuite_deleted.since) AND m.at < date_trunc('second', netsuite_deleted.until)
       AND (netsuite_deleted."table" IN (r.type, r.scriptid)
        OR netsuite_deleted."table" = ANY (netsuite_record_table(replace(replace(r.type, '_', ''), ' ', ''), r.custom)));
    END;
COMMENT ON FUNCTION netsuite_deleted(name, text, timestamptz, timestamptz) IS 'keys of a table''s rows that deletedrecord lists as deleted between since (inclusive) and until (exclusive)';

CREATE FUNCTION netsuite_changes(foreign_table regclass, cursor name, since timestamptz, deleted_since timestamptz DEFAULT NULL,
    OUT changed bigint, OUT deleted bigint, OUT clock timestamptz)
    AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL RESTRICTED;
COMMENT ON FUNCTION netsuite_changes(regclass, name, timestamptz, timestamptz) IS 'how many of a table''s rows changed and how many records of any kind were deleted, each counted from no later than the given time; and when the reply was sent, by the clock of its sender';

-- They reach out over the network with the caller's credentials: on the server to which USAGE was granted.
