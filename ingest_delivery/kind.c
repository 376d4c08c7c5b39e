/*
 * kind.c
 *		The kinds of sinks there are.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "ingest_delivery/address.h"
#include "ingest_delivery/delivery.h"
#include "ingest_delivery/identity.h"
#include "ingest_delivery/kind.h"
#include "ingest_delivery/outcome.h"
#include "ingest_delivery/reference.h"
#include "lib/stringinfo.h"
#include "access/xlog.h"
#include "commands/dbcommands.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/guc.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

SQL_FUNCTION_OF_ANY_VERSION(ingest_delivery_is_kind);
SQL_FUNCTION(ingest_delivery_check_options);
SQL_FUNCTION(ingest_delivery_types_for);

static const Kind *const kinds[] = {&kind_webhook, &kind_kafka, &kind_event_hubs, &kind_openlineage, &kind_email,
									&kind_alertmanager, &kind_slack, &kind_teams, &kind_pagerduty};

static const Kind *
find(const char *name)
{
	for (int i = 0; i < lengthof(kinds); i++)
		if (strcmp(kinds[i]->name, name) == 0)
			return kinds[i];
	return NULL;
}

const Kind *
kind_named(const char *name)
{
	const Kind *kind = find(name);
	StringInfoData names;

	if (kind)
		return kind;
	initStringInfo(&names);
	for (int i = 0; i < lengthof(kinds); i++)
		appendStringInfo(&names, "%s%s", i == 0 ? "" : i == lengthof(kinds) - 1 ? " and "
																				: ", ",
						 kinds[i]->name);
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("there is no kind of sink \"%s\"", name),
			 lengthof(kinds) == 1 ? errhint("The kind is %s.", names.data) : errhint("The kinds are %s.", names.data)));
}

/* is_kind(kind text) */
Datum
ingest_delivery_is_kind(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(find(text_to_cstring(PG_GETARG_TEXT_PP(0))) != NULL);
}

/* check_options(actor oid, kind text, options jsonb) */
Datum
ingest_delivery_check_options(PG_FUNCTION_ARGS)
{
	const Kind *kind;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("a sink needs a kind")));
	kind = kind_named(text_to_cstring(PG_GETARG_TEXT_PP(1)));
	PG_RETURN_JSONB_P(options_check(kind, PG_GETARG_OID(0), PG_ARGISNULL(2) ? NULL : PG_GETARG_JSONB_P(2)));
}

/* -- what a sink's options say -- */

/* Cluster and database, as the source of events has them, in UTF-8 */
static char *
instance(void)
{
	const char *cluster = GetConfigOption("ingest.cluster_name", true, false);
	char *database = get_database_name(MyDatabaseId);
	char *both = cluster && *cluster ? psprintf("%s/%s", cluster, database) : psprintf(UINT64_FORMAT "/%s", GetSystemIdentifier(), database);

	return pg_server_to_any(both, strlen(both), PG_UTF8);
}

void
sink_load(Sink *sink)
{
	MemoryContext old = MemoryContextSwitchTo(sink->context);

	sink->url = option_text(sink->options, "url");
	sink->settings.ca_file = option_text(sink->options, "ca_file");
	sink->settings.request_timeout_ms = option_number(sink->options, "timeout", 15) * 1000;
	sink->settings.connect_timeout_ms = Min(sink->settings.request_timeout_ms, 10000);
	sink->settings.may_connect = address_forbidden;
	sink->settings.plain = delivery_allow_http;
	sink->settings.only_http1 = true;
	sink->settings.keep_body = KEPT_ANSWER;
	sink->max_in_flight = option_number(sink->options, "max_in_flight", 8);
	sink->max_bytes = option_number(sink->options, "max_bytes", 1048576);
	sink->batch_events = 1;
	sink->instance = instance();
	sink->kind->load(sink);
	MemoryContextSwitchTo(old);
}

const char *
sink_token_for(const Sink *sink)
{
	return sink->kind->token_for ? sink->kind->token_for(sink->options) : NULL;
}

/* What is not at hand is asked of Azure first, which takes its time; true: it is being asked */
static bool
asks_azure(Sink *sink, const AzureIdentity *identity)
{
	if (sink->refused)
	{
		identity_refused(sink, identity);
		sink_forget_secrets(sink);
	}
	sink->refused = false;
	sink->fetch = fetch_begin(sink, identity);
	return sink->fetch != NULL;
}

static void
look_up(Sink *sink, const AzureIdentity *identity)
{
	MemoryContext old;
	char *secret;

	sink_forget_secrets(sink);
	if (sink->secret_context == NULL)
		sink->secret_context = AllocSetContextCreate(sink->context, "secrets of a sink", ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(sink->secret_context);
	for (const OptionRule *rule = sink->kind->options; rule->name; rule++)
	{
		char *reference = rule->form == OPTION_REFERENCE ? option_text(sink->options, rule->name) : NULL;

		if (reference == NULL)
			continue;
		secret = reference_resolve(sink->owner, identity, rule->name, reference);
		sink_keep_secret(sink, rule->name, secret, strlen(secret));
		if (rule->check)
			rule->check(rule->name, secret);
	}
	if (sink->old_secret)
	{
		secret = reference_resolve(sink->owner, identity, "secret", sink->old_secret);
		sink_keep_secret(sink, "old secret", secret, strlen(secret));
	}
	if (sink_token_for(sink))
	{
		secret = azure_token(identity, sink_token_for(sink));
		sink_keep_secret(sink, "token", secret, strlen(secret));
	}
	if (sink->kind->prepare)
		sink->kind->prepare(sink);
	MemoryContextSwitchTo(old);
}

void
sink_resolve(Sink *sink)
{
	MemoryContext old;
	AzureIdentity *identity;

	if (sink->fetch_context == NULL)
		sink->fetch_context = AllocSetContextCreate(sink->context, "what a sink asks Azure for", ALLOCSET_SMALL_SIZES);
	MemoryContextReset(sink->fetch_context);
	old = MemoryContextSwitchTo(sink->fetch_context);
	identity = identity_of(sink->owner, sink->options);
	if (!asks_azure(sink, identity))
	{
		look_up(sink, identity);
		identity_wipe(identity);
		sink->ready = true;
		sink->resolved_at = GetCurrentTimestamp();
	}
	MemoryContextSwitchTo(old);
}

bool
sink_asks(Sink *sink)
{
	if (sink->fetch && fetch_over(sink->fetch))
	{
		sink->fetch = NULL;
		sink->resolved_at = 0;
	}
	return sink->fetch != NULL;
}

TimestampTz
sink_asks_next(const Sink *sink)
{
	return sink->fetch ? fetch_next(sink->fetch) : DT_NOEND;
}

/* -- types of events -- */

/* Does what stands for types, with a * at its end perhaps, mean none that is not meant by one of these? */
static bool
is_within(const char *type, const char *types)
{
	for (const char *t = types; *t; t += strcspn(t, ","), t += *t == ',')
	{
		size_t n = strcspn(t, ",");

		if (t[n - 1] == '*' ? strncmp(type, t, n - 1) == 0 : strlen(type) == n && strncmp(type, t, n) == 0)
			return true;
	}
	return false;
}

static ArrayType *
default_types(const Kind *kind)
{
	Datum items[8];
	int n = 0;

	for (const char *t = kind->types; *t && n < lengthof(items); t += strcspn(t, ","), t += *t == ',')
		items[n++] = PointerGetDatum(cstring_to_text_with_len(t, strcspn(t, ",")));
	return construct_array(items, n, TEXTOID, -1, false, TYPALIGN_INT);
}

/* types_for(kind text, types text[]): those of a sink of that kind, which were given or not */
Datum
ingest_delivery_types_for(PG_FUNCTION_ARGS)
{
	const Kind *kind;
	Datum *items;
	bool *nulls;
	int n;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	kind = kind_named(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	if (PG_ARGISNULL(1))
	{
		if (kind->types == NULL)
			PG_RETURN_NULL();
		PG_RETURN_ARRAYTYPE_P(default_types(kind));
	}
	if (kind->only_alerts)
	{
		deconstruct_array(PG_GETARG_ARRAYTYPE_P(1), TEXTOID, -1, false, TYPALIGN_INT, &items, &nulls, &n);
		for (int i = 0; i < n; i++)
			if (!nulls[i] && !is_within(TextDatumGetCString(items[i]), kind->types))
				ereport(ERROR,
						(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						 errmsg("%s carries no events of type \"%s\"", kind->what, TextDatumGetCString(items[i])),
						 errhint("It carries alerts: %s.", kind->types)));
	}
	PG_RETURN_DATUM(PG_GETARG_DATUM(1));
}
