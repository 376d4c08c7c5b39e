"""The database of a sandbox: a company that is generated, or copied from one that was generated before."""

from psycopg import connect, sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from .data import load

# one at a time generates; a name of its own for the advisory lock
LOCK = "SELECT %s(hashtext('netsuite-sandbox: company'))"


def loaded(conn):
    return conn.execute("SELECT to_regclass('ns.transactionline') IS NOT NULL").fetchone()[0]


def create(dsn, scale=None):
    """Make the database of dsn anew: empty, or a copy of the company of this scale."""
    name = conninfo_to_dict(dsn)["dbname"]
    with connect(make_conninfo(dsn, dbname="postgres"), autocommit=True) as conn:
        template = "template0" if scale is None else generated(conn, dsn, scale)
        conn.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        conn.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(*map(sql.Identifier, (name, template))))


def generated(conn, dsn, scale):
    """The name of the database that holds the company of this scale; it is there when it is whole."""
    name = "company_%g" % scale
    conn.execute("SET statement_timeout = 0")
    conn.execute(LOCK % "pg_advisory_lock")
    try:
        if not conn.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
            making = sql.Identifier(name + " in the making")
            conn.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(making))
            conn.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(making))
            with connect(make_conninfo(dsn, dbname=name + " in the making"), autocommit=True) as new:
                load(new, scale)
            conn.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(making, sql.Identifier(name)))
    finally:
        conn.execute(LOCK % "pg_advisory_unlock")
    return name
