"""sync_history: a merge of 50,000 changed rows that keeps history, against the usual way to keep it: an audit trigger per row.

The copy is an ordinary table in both; the peer is a PL/pgSQL trigger that writes old and new row as JSON.
"""

import statistics

from common import compared, finish, table, timed
from syncing import prepare

ROWS, RUNS = 50000, 5
TRIGGER = """
CREATE TABLE audit (seq bigint GENERATED ALWAYS AS IDENTITY, operation text, key jsonb, before jsonb, after jsonb, seen_at timestamptz DEFAULT now());
CREATE INDEX ON audit (key, seq);
CREATE INDEX ON audit (seen_at);
CREATE FUNCTION audit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO audit (operation, key, before, after) VALUES (lower(TG_OP), jsonb_build_object('id', NEW.id), CASE WHEN TG_OP = 'UPDATE' THEN to_jsonb(OLD) END, to_jsonb(NEW));
    RETURN NULL;
END $$;"""


def main():
    conn = prepare({})
    conn.execute("CREATE EXTENSION IF NOT EXISTS file_fdw")
    conn.execute("DROP TABLE IF EXISTS origin CASCADE")
    conn.execute("CREATE EXTENSION IF NOT EXISTS postgres_fdw")
    conn.execute("DROP SERVER IF EXISTS loop CASCADE")
    info = conn.info
    conn.execute("CREATE SERVER loop FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '%s', port '%s', dbname '%s', fetch_size '10000')" % (info.host, info.port, info.dbname))
    conn.execute("CREATE USER MAPPING FOR CURRENT_USER SERVER loop OPTIONS (user '%s')" % info.user)
    conn.execute("CREATE TABLE origin AS SELECT i::bigint AS id, 'name ' || i AS name, i * 1.25 AS amount, md5(i::text) AS memo, timestamptz '2020-01-01' AS changed FROM generate_series(1, %d) i" % ROWS)
    conn.execute("ALTER TABLE origin ADD PRIMARY KEY (id)")
    conn.execute("SELECT ingest.register_source('loop', 'loop', schema => 'looped', tables => '{origin}')")
    conn.execute("CALL ingest.crawl('loop')")
    for name, history in (("with_history", "true"), ("with_trigger", "false")):
        conn.execute("SELECT ingest.create_sync('looped.origin', 'copy.%s', name => '%s', mode => 'full', key => '{id}', history => %s)" % (name, name, history))
        conn.execute("CALL ingest.sync('%s')" % name)
    conn.execute(TRIGGER)
    conn.execute("CREATE TRIGGER audit AFTER INSERT OR UPDATE ON copy.with_trigger FOR EACH ROW EXECUTE FUNCTION audit()")
    seconds = {"with_history": [], "with_trigger": []}
    for _ in range(RUNS):
        conn.execute("UPDATE origin SET amount = amount + 1, changed = changed + interval '1 min'")
        for name in seconds:
            seconds[name].append(timed(lambda n=name: conn.execute("CALL ingest.sync('%s')" % n))[0])
    versions = conn.execute("SELECT count(*) FROM ingest.change WHERE operation = 'update'").fetchone()[0]
    assert versions == conn.execute("SELECT count(*) FROM audit").fetchone()[0] == ROWS * RUNS, versions
    table([("way", "seconds", "versions/s")] + [(n, "%.2f" % statistics.median(s), "%.0f" % (ROWS / statistics.median(s))) for n, s in seconds.items()])
    finish(speedup=compared("trigger ÷ history", seconds["with_trigger"], seconds["with_history"]))


if __name__ == "__main__":
    main()
