/*
 * metrics.c
 *		/metrics: what Prometheus reads, as the role that asks sees it.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_type.h"
#include "common/door.h"
#include "executor/spi.h"
#include "ingest_api/compile.h"
#include "ingest_api/metrics.h"
#include "ingest_api/statement.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/syscache.h"

#define PATH "/metrics"
#define OPENMETRICS "application/openmetrics-text"
#define PLAIN "text/plain"

/* Looked up at each request: it may have been dropped, or made mighty, since it was set */
Oid
metrics_role(const char *path)
{
	Oid role;

	if (strcmp(path, PATH) != 0 || api_metrics_role == NULL || api_metrics_role[0] == '\0')
		return InvalidOid;
	role = get_role_oid(api_metrics_role, true);
	if (!OidIsValid(role) || superuser_arg(role) || !is_member_of_role_nosuper(GetSessionUserId(), role))
		return InvalidOid;
	return role;
}

/* The weight of a type in a header Accept; -1: it is not there */
static double
weight_of(const char *accept, const char *type)
{
	double most = -1;

	for (const char *at = accept; at && *at;)
	{
		size_t n = strcspn(at, ",");
		char *part;

		while (n > 0 && (*at == ' ' || *at == '\t'))
			at++, n--;
		part = pnstrdup(at, n);
		if (pg_strncasecmp(part, type, strlen(type)) == 0 && strchr("; \t", part[strlen(type)]) != NULL)
		{
			char *q = strstr(part, "q=");

			most = Max(most, q ? atof(q + 2) : 1);
		}
		at += n + (at[n] == ',');
	}
	return most;
}

/* An older version of OpenMetrics is none that is spoken here */
static bool
wants_openmetrics(const Request *request)
{
	char *accept = request_header(request, "accept");
	double weight = weight_of(accept, OPENMETRICS);

	return weight > 0 && weight >= weight_of(accept, PLAIN);
}

void
metrics_answer(const Request *request, Answer *answer)
{
	bool open = wants_openmetrics(request);
	Value *value = palloc0(sizeof(Value));
	Identity saved;

	value->type = BOOLOID;
	value->text = open ? "true" : "false";
	answer_begin(answer, 200, open ? OPENMETRICS "; version=1.0.0; charset=utf-8" : PLAIN "; version=0.0.4; charset=utf-8");
	answer->route = PATH;
	answer_header(answer, "Cache-Control", "no-store");
	answer_header(answer, "Vary", "Accept, Authorization");
	become(request->role, SECURITY_RESTRICTED_OPERATION, &saved);
	statement_run("SELECT ingest_api_internal.exposition($1)", list_make1(value), false);
	appendStringInfoString(&answer->body, SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1));
	become_again(&saved);
}
