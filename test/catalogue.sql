-- All that extensions made, as text: what an upgrade is compared with a fresh installation by.  One line an object and
-- property; nothing in it is a number that another database has otherwise.
WITH extension AS (SELECT oid, extname FROM pg_extension
        WHERE extname IN ('netsuite_fdw', 'files_fdw', 'ingest_profile', 'ingest', 'ingest_delivery', 'ingest_api')),
    member AS (SELECT e.extname, d.classid, d.objid FROM pg_depend d JOIN extension e ON e.oid = d.refobjid
        WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'),
    relation AS (SELECT m.extname, c.* FROM member m JOIN pg_class c ON m.classid = 'pg_class'::regclass
        AND c.oid = m.objid),
    acl (extname, what, items) AS (
        SELECT extname, 'relation ' || oid::regclass, relacl FROM relation
        UNION ALL SELECT r.extname, format('column %s.%I', r.oid::regclass, a.attname), a.attacl FROM relation r
            JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
        UNION ALL SELECT m.extname, 'function ' || p.oid::regprocedure, coalesce(p.proacl, acldefault('f', p.proowner))
            FROM member m JOIN pg_proc p ON m.classid = 'pg_proc'::regclass AND p.oid = m.objid
        UNION ALL SELECT m.extname, 'schema ' || n.nspname, n.nspacl
            FROM member m JOIN pg_namespace n ON m.classid = 'pg_namespace'::regclass AND n.oid = m.objid
        UNION ALL SELECT m.extname, 'server ' || s.srvname, s.srvacl
            FROM member m JOIN pg_foreign_server s ON m.classid = 'pg_foreign_server'::regclass AND s.oid = m.objid),
    property (extname, what, said) AS (
        SELECT m.extname, 'object ' || o.type || ' ' || o.identity, coalesce(obj_description(m.objid,
            (SELECT c.relname FROM pg_class c WHERE c.oid = m.classid)), '(no comment)')
            FROM member m, pg_identify_object(m.classid, m.objid, 0) o
        UNION ALL SELECT m.extname, 'function ' || p.oid::regprocedure, pg_get_functiondef(p.oid)
            || ' OWNER ' || p.proowner::regrole
            FROM member m JOIN pg_proc p ON m.classid = 'pg_proc'::regclass AND p.oid = m.objid AND p.prokind <> 'a'
        UNION ALL SELECT extname, 'relation ' || oid::regclass, concat_ws(' ', relkind, relpersistence, relrowsecurity,
            relreplident, reloptions::text, relowner::regrole, CASE WHEN relkind = 'v' THEN pg_get_viewdef(oid) END)
            FROM relation
        UNION ALL SELECT r.extname, format('column %s %s', r.oid::regclass, row_number() OVER (PARTITION BY r.oid
                ORDER BY a.attnum)), concat_ws(' ', a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
                a.attidentity, a.attgenerated, pg_get_expr(d.adbin, d.adrelid), col_description(r.oid, a.attnum))
            FROM relation r JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
            LEFT JOIN pg_attrdef d ON d.adrelid = r.oid AND d.adnum = a.attnum WHERE r.relkind IN ('r', 'p', 'v')
        UNION ALL SELECT r.extname, format('constraint %s %I', r.oid::regclass, c.conname), pg_get_constraintdef(c.oid)
            FROM relation r JOIN pg_constraint c ON c.conrelid = r.oid
        UNION ALL SELECT r.extname, format('index %s', i.indexrelid::regclass), pg_get_indexdef(i.indexrelid)
            FROM relation r JOIN pg_index i ON i.indrelid = r.oid
        UNION ALL SELECT r.extname, format('trigger %s %I', r.oid::regclass, t.tgname), pg_get_triggerdef(t.oid)
            || t.tgenabled::text FROM relation r JOIN pg_trigger t ON t.tgrelid = r.oid AND NOT t.tgisinternal
        UNION ALL SELECT r.extname, format('policy %s %I', r.oid::regclass, p.polname), concat_ws(' ', p.polcmd,
            p.polpermissive, p.polroles::regrole[], pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck,
            p.polrelid)) FROM relation r JOIN pg_policy p ON p.polrelid = r.oid
        UNION ALL SELECT m.extname, 'event trigger ' || t.evtname, concat_ws(' ', t.evtevent, t.evtfoid::regprocedure,
            t.evtenabled, t.evttags) FROM member m JOIN pg_event_trigger t
            ON m.classid = 'pg_event_trigger'::regclass AND t.oid = m.objid
        UNION ALL SELECT e.extname, 'dumped ' || t.relation::regclass, t.condition FROM pg_extension e
            JOIN extension x ON x.oid = e.oid, unnest(e.extconfig, e.extcondition) t (relation, condition)
        UNION ALL SELECT a.extname, 'right of ' || a.what, x.line FROM acl a, LATERAL (SELECT string_agg(
            concat_ws(' ', CASE WHEN i.grantee = 0 THEN 'PUBLIC' ELSE i.grantee::regrole::text END, i.privilege_type,
            i.is_grantable), ', ' ORDER BY CASE WHEN i.grantee = 0 THEN 'PUBLIC' ELSE i.grantee::regrole::text END,
            i.privilege_type) AS line FROM aclexplode(a.items) i) x)
SELECT extname || ': ' || what || ' = ' || replace(coalesce(said, ''), E'\n', ' ') FROM property ORDER BY 1;
-- what they bring as rows
SELECT 'event type ' || t::text FROM ingest.event_type t ORDER BY 1;
SELECT 'connector ' || c::text FROM ingest.connector c WHERE c.built_in ORDER BY 1;
SELECT 'service ' || s::text FROM ingest.service s ORDER BY 1;
SELECT 'resource ' || r.name || ' ' || r.relation || ' ' || r.key::text || coalesce(r.description, '')
    FROM ingest_api_internal.resource r WHERE r.owner IS NULL ORDER BY 1;
SELECT 'route ' || r::text FROM ingest_api_internal.route r ORDER BY 1;
SELECT 'relationship ' || r::text FROM ingest_api_internal.relationship r ORDER BY 1;
