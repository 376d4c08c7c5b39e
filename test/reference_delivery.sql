-- The reference tables of docs/ingest_delivery.md, from the catalogue: functions, then views and tables.
SELECT format('| `%s(%s)` | `%s` | %s |', p.proname, pg_get_function_arguments(p.oid), pg_get_function_result(p.oid), obj_description(p.oid, 'pg_proc'))
FROM pg_proc p WHERE p.pronamespace = 'ingest_delivery'::regnamespace ORDER BY p.proname COLLATE "C", p.oid;
SELECT format('| %s`%s` | %s | %s |', CASE c.relkind WHEN 'v' THEN 'view ' END, c.relname, obj_description(c.oid, 'pg_class'),
    (SELECT string_agg(a.attname, ', ' ORDER BY a.attnum) FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped))
FROM pg_class c WHERE c.relnamespace = 'ingest_delivery'::regnamespace AND c.relkind IN ('r', 'v') ORDER BY c.relkind DESC, c.relname COLLATE "C";
