#!/bin/bash
# make bench [BENCH=name]: every benchmark, or one, each against its peer in the same run.
. "$(dirname "$0")/../test/lib.sh"
set_up postgresql-contrib
need_packages "postgresql-$MAJOR-pgq3" python3-stdnum nginx-light wrk
all="scan_cpu scan_latency scan_shared scan_memory pushdown sandbox_pages
	profile_speed profile_vs_sql profile_vs_duckdb profile_accuracy profile_memory profile_merge meanings keys outliers drift nab
	csv_scan csv_load csv_infer json_scan parquet_scan pieces_idle files_sync lake_write dialect
	sync_initial sync_incremental sync_unchanged sync_history events webhook kafka jobs repository api_rest api_graphql"
which=${*:-$all}
case " $which " in *" csv_"* | *" parquet_scan"* | *" lake_write"* | *" profile_vs_duckdb"*)
	command -v npm >/dev/null || need_packages nodejs npm
	fetch_npm duckdb
	export DUCKDB_PATH=$WORK/duckdb/node_modules
	;;
esac
case " $which " in *" api_"*)
	command -v npm >/dev/null || need_packages nodejs npm
	fetch_npm postgraphile
	export POSTGRAPHILE_PATH=$WORK/postgraphile/node_modules
esac
say "Data: a table of 200,000 rows × 20 columns, a company of 20,000 transaction lines"
run_as mkdir -p "$WORK/csv"
BENCH_CSV=$WORK/csv/bench_wide.csv
# shellcheck disable=SC2086
run_as env NS_READY=/dev/null BENCH_CSV="$BENCH_CSV" /usr/bin/python3 "$WORK/src/bench/make_data.py" $which
start_sandbox --port 0 --control --scale "${BENCH_SCALE:-1}" --csv "$WORK/csv"
start_cluster bench 6601
# what all backends share of an account is shared memory's
echo "shared_preload_libraries = 'netsuite_fdw'" | run_as tee -a "$WORK/bench/postgresql.conf" >/dev/null
run_as "$BIN/pg_ctl" -D "$WORK/bench" -w -l "$WORK/bench.log" restart >/dev/null
failed=
for name in $which; do
	[ -e "$WORK/src/bench/$name.py" ] || die "there is no benchmark $name; the known ones are: $all"
	say "$name"
	began=$(tenths)
	attend run_as env NS_READY="$WORK/ready.json" BENCH_CSV="$BENCH_CSV" BENCH_DSN="host=$WORK/sock port=6601 user=postgres dbname=postgres" \
		BENCH_BIN="$BIN" BENCH_SOCKET="$WORK/sock" ${PG_INGEST_DATA:+PG_INGEST_DATA="$PG_INGEST_DATA"} \
		PG_INGEST_QUERIES="$WORK/src/sql/pushdown_queries.txt" /usr/bin/python3 -B "$WORK/src/bench/$name.py" || failed="$failed $name"
	enter "$name" $(($(tenths) - began)) "" ""
done
[ -z "$failed" ] || die "failed:$failed"
# one alone ends with its own line
[ $# -gt 0 ] || report bench $((90 * 60))
