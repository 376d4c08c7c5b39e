/*
 * api.c
 *		The library: its settings.
 */
#include "postgres.h"

#include <limits.h>

#include "common/door.h"
#include "fmgr.h"
#include "ingest_api/api.h"
#include "ingest_api/clean.h"
#include "utils/guc.h"

PG_MODULE_MAGIC;

extern PGDLLEXPORT void _PG_init(void);
SQL_FUNCTION(ingest_api_door);

char *api_authenticator = NULL;
char *api_metrics_role = NULL;
char *api_listen = NULL;
char *api_gateway_dsn = NULL;
char *api_gateway_options = NULL;
int api_max_rows = 1000;
int api_max_response = 64 * 1024;
int api_requests = 60000;
char *api_console_url = NULL;
int api_session_idle = 3600;
int api_session_lifetime = 12 * 3600;
int api_logins = 60;

/* A server that reads its settings again writes what changed into its log */
static bool
check_dsn(char **value, void **extra, GucSource source)
{
	if (*value && (strcasestr(*value, "password") || strstr(*value, "://")))
	{
		GUC_check_errdetail("It must contain no password, which logs would show, and must not be an address.");
		GUC_check_errhint("passfile=... names a file that holds it; or log in by peer.");
		return false;
	}
	return true;
}

/* What stands behind it is put there as it is */
static bool
check_url(char **value, void **extra, GucSource source)
{
	if (*value == NULL || (*value)[0] == '\0')
		return true;
	if ((strncmp(*value, "http://", 7) != 0 && strncmp(*value, "https://", 8) != 0) || strpbrk(*value, " \t\r\n#?\"'<>\\"))
	{
		GUC_check_errdetail("It is an address such as https://ingest.example.com/console, without a query.");
		return false;
	}
	return true;
}

void
_PG_init(void)
{
	DefineCustomStringVariable("ingest_api.authenticator", "Role that the gateway logs in as: it may serve roles that it is a member of.", NULL, &api_authenticator,
							   "ingest_authenticator", PGC_SUSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("ingest_api.max_rows", "Maximum number of rows in one answer.",
							NULL, &api_max_rows, 1000, 1, 1000000, PGC_SUSET, 0, NULL, NULL, NULL);
	DefineCustomStringVariable("ingest_api.metrics_role", "Role as which /metrics is answered without a token; empty: "
														  "it is not answered without one.",
							   NULL, &api_metrics_role, "",
							   PGC_SUSET, 0, NULL, NULL, NULL);
	DefineCustomStringVariable("ingest_api.listen", "Address and port where PostgreSQL keeps a gateway running; empty: it keeps none.", NULL, &api_listen, "", PGC_SUSET, 0, NULL, NULL, NULL);
	DefineCustomStringVariable("ingest_api.gateway_dsn", "How that gateway reaches the database; empty: by the socket, as ingest_api.authenticator.", NULL, &api_gateway_dsn, "", PGC_SUSET,
							   GUC_SUPERUSER_ONLY, check_dsn, NULL, NULL);
	DefineCustomStringVariable("ingest_api.gateway_options", "Further options of that gateway, separated by blanks.", NULL, &api_gateway_options, "", PGC_SUSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("ingest_api.requests_per_minute", "Maximum number of requests of one token that are "
															  "answered within a minute; 0: any number.",
							NULL, &api_requests, 60000, 0, 100000000, PGC_SUSET, 0, NULL,
							NULL, NULL);
	DefineCustomIntVariable("ingest_api.max_response", "How large an answer may be.", NULL,
							&api_max_response, 64 * 1024, 64, 512 * 1024, PGC_SUSET, GUC_UNIT_KB, NULL, NULL, NULL);
	DefineCustomStringVariable("ingest_api.console_url", "Where people find the console, for ingest_api.login_link(); empty: where ingest_api.listen says.", NULL, &api_console_url, "", PGC_SUSET, 0,
							   check_url, NULL, NULL);
	DefineCustomIntVariable("ingest_api.session_idle", "How long a session of the console may be unused before it "
													   "ends.",
							NULL, &api_session_idle, 3600, 60, 30 * 86400, PGC_SUSET, GUC_UNIT_S, NULL, NULL,
							NULL);
	DefineCustomIntVariable("ingest_api.session_lifetime", "How long a session of the console lasts at most.",
							NULL, &api_session_lifetime, 12 * 3600, 60, 30 * 86400, PGC_SUSET, GUC_UNIT_S, NULL, NULL,
							NULL);
	DefineCustomIntVariable("ingest_api.logins_per_minute", "Maximum number of log-ins from an address that may fail "
															"within a minute; 0: any number.",
							NULL, &api_logins, 60, 0, 1000000, PGC_SUSET, 0, NULL, NULL, NULL);
	MarkGUCPrefixReserved("ingest_api");
	clean_init();
}

/* What users call and what writes the extension's tables: see common/door.h */
Datum
ingest_api_door(PG_FUNCTION_ARGS)
{
	return door_call(fcinfo);
}
