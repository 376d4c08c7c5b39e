/*
 * api.c
 *		The library: its settings.
 */
#include "postgres.h"

#include <limits.h>

#include "common/door.h"
#include "fmgr.h"
#include "ingest_api/api.h"
#include "utils/guc.h"

PG_MODULE_MAGIC;

extern PGDLLEXPORT void _PG_init(void);
SQL_FUNCTION(ingest_api_door);

char *api_authenticator = NULL;
int api_max_rows = 1000;
int api_requests = 60000;

void
_PG_init(void)
{
	DefineCustomStringVariable("ingest_api.authenticator", "Role that the gateway logs in as: it may serve roles that it is a member of.", NULL, &api_authenticator,
							   "ingest_authenticator", PGC_SUSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("ingest_api.max_rows", "Rows that one answer holds at most.", NULL, &api_max_rows, 1000, 1, 1000000, PGC_SUSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("ingest_api.requests_per_minute", "Requests of one token that are answered within a minute; 0: any number.", NULL, &api_requests, 60000, 0, 100000000, PGC_SUSET, 0, NULL,
							NULL, NULL);
	MarkGUCPrefixReserved("ingest_api");
}

/* What users call and what writes the extension's tables: see common/door.h */
Datum
ingest_api_door(PG_FUNCTION_ARGS)
{
	return door_call(fcinfo);
}
