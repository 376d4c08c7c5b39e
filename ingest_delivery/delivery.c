/*
 * delivery.c
 *		The library: its settings.
 */
#include "postgres.h"

#include <limits.h>

#include "common/azure.h"
#include "fmgr.h"
#include "ingest_delivery/address.h"
#include "ingest_delivery/delivery.h"
#include "utils/guc.h"

PG_MODULE_MAGIC;

extern PGDLLEXPORT void _PG_init(void);

bool delivery_allow_http = false;
int delivery_unavailable_alert = 60;
int delivery_behind_alert = 900;
int delivery_retention = 30 * 24 * 60;

void
_PG_init(void)
{
	address_settings();
	azure_settings();
	DefineCustomBoolVariable("ingest_delivery.allow_http", "Whether sinks may send without TLS.", NULL, &delivery_allow_http, false, PGC_SUSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("ingest_delivery.retention", "How long attempts and dead events are kept.", NULL, &delivery_retention,
							30 * 24 * 60, 1, INT_MAX, PGC_SUSET, GUC_UNIT_MIN, NULL, NULL, NULL);
	DefineCustomIntVariable("ingest_delivery.unavailable_alert", "How long nothing may arrive at a sink before there is an alert.", NULL, &delivery_unavailable_alert,
							60, 0, INT_MAX / 1000, PGC_SUSET, GUC_UNIT_S, NULL, NULL, NULL);
	DefineCustomIntVariable("ingest_delivery.behind_alert", "How long a sink may not have got an event before there is an alert.", NULL, &delivery_behind_alert,
							900, 0, INT_MAX / 1000, PGC_SUSET, GUC_UNIT_S, NULL, NULL, NULL);
	MarkGUCPrefixReserved("ingest_delivery");
}
