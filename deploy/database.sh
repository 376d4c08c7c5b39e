#!/bin/bash
# What the image does once, when the data directory is made (docker-entrypoint-initdb.d): the extensions, and how the gateway
# logs in.  PG_INGEST_GATEWAY_PASSWORD_FILE names a file with its password; without one nobody can log in as the gateway.
set -euo pipefail
psql -v ON_ERROR_STOP=1 -qX --username "$POSTGRES_USER" --dbname "${POSTGRES_DB:-$POSTGRES_USER}" <<-'SQL'
	SET client_min_messages = warning;
	CREATE EXTENSION netsuite_fdw;
	CREATE EXTENSION files_fdw;
	CREATE EXTENSION ingest_api CASCADE;
	CREATE EXTENSION ingest_delivery;
SQL
[ -n "${PG_INGEST_GATEWAY_PASSWORD_FILE:-}" ] || exit 0
# nobody else is there yet, and it reaches no log
psql -v ON_ERROR_STOP=1 -qX --username "$POSTGRES_USER" --dbname "${POSTGRES_DB:-$POSTGRES_USER}" <<-'SQL'
	SET log_statement = 'none';
	SET log_min_duration_statement = -1;
	SET log_min_error_statement = 'panic';
	\set password `cat "$PG_INGEST_GATEWAY_PASSWORD_FILE"`
	ALTER ROLE ingest_authenticator PASSWORD :'password';
SQL
