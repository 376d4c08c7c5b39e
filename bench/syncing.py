"""What the benchmarks of ingest share: the extension, a source over the sandbox's benchmark tables."""

from common import connect, control, server


def prepare(tables, **options):
    """A connection with the engine, and foreign tables (name: columns, key) of the sandbox as source bench."""
    conn = connect()
    conn.prepare_threshold = None
    control("reset")
    server(conn, max_concurrency=5, **options)
    conn.execute("DROP EXTENSION IF EXISTS ingest CASCADE")
    conn.execute("DROP SCHEMA IF EXISTS erp, copy CASCADE")
    conn.execute("CREATE EXTENSION ingest CASCADE")
    conn.execute("CREATE SCHEMA erp")
    conn.execute("CREATE SCHEMA copy")
    conn.execute("SELECT ingest.register_source('bench', 'ns', schema => 'erp', remote_schemas => '{}')")
    for name, (columns, key) in tables.items():
        conn.execute("CREATE FOREIGN TABLE erp.%s (%s) SERVER ns OPTIONS (\"table\" '%s', key '%s')" % (
            name, ", ".join("%s %s" % c for c in columns), name, key))
    # a crawl that finds nothing says that something is missing
    if tables:
        conn.execute("CALL ingest.crawl('bench', count_rows => false)")
    return conn


def requests():
    """What the sandbox was asked since its log was cleared."""
    return control("log")["requests"]
