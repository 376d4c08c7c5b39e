/*
 * subscribe.c
 *		Subscriptions: events as they come, of each what is asked for.
 *
 * The stream is the one of stream.c: an operation is asked again from the place on where it
 * was, so that who asks and what the schema has for him is looked at with each piece.  An
 * event has no relations: one that is asked for is a few values of its own row.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "ingest_api/api.h"
#include "ingest_api/graphql/sql.h"
#include "ingest_api/stream.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#define EVENTS "events"

/* Of a row e of ingest_internal.read_after() */
#define CLOUD_EVENT "ingest.cloud_event(ROW(e.id, e.era, NULL, e.type, e.source, e.subject, e.\"time\", e.data, NULL, 0)::ingest.event)"

static const struct
{
	const char *name;
	const char *type;
	bool always;
	const char *sql;
	const char *description;
} members[] = {
	{"id", "String", true, "e.era || '-' || e.id", "what identifies it"},
	{"type", "String", true, "e.type", "what it is"},
	{"source", "String", true, "e.source", "where it came from"},
	{"subject", "String", false, "e.subject", "what it is of"},
	{"time", "DateTime", true, "e.\"time\"", "when it was written"},
	{"data", "JSON", false, "e.data", "its data, as the schema of its type describes them"},
	{"dataschema", "String", false, CLOUD_EVENT "->>'dataschema'", "the schema that data are as"},
	{"specversion", "String", true, "'1.0'", "of CloudEvents"},
	{"place", "String", true, "e.place", "its place among the events: a subscription that begins with this as after, "
										 "or as Last-Event-ID, continues after it"},
};

/* -- the schema -- */

void
subscription_types(GSchema *schema)
{
	GType *event;
	ListCell *cell;
	bool may = false;

	foreach (cell, schema->entries)
	{
		const GEntry *e = lfirst(cell);

		may = may || (e->resource && strcmp(e->name, EVENTS) == 0);
	}
	if (!may)
		return;
	event = type_new(schema, G_OBJECT, "CloudEvent", "an event as it comes");
	for (size_t i = 0; i < lengthof(members); i++)
	{
		GType *type = need_type(schema, members[i].type);

		event->fields = lappend(event->fields, field_new(members[i].name, members[i].always ? g_non_null(type) : type, ROLE_PLAIN, members[i].description));
	}
	schema->subscription = type_new(schema, G_OBJECT, "Subscription", "what can be subscribed to");
	schema->subscription->origin = ORIGIN_SUBSCRIPTION;
}

List *
subscription_fields(GSchema *schema)
{
	GType *text = need_type(schema, "String");
	GField *f = field_new(EVENTS, g_non_null(need_type(schema, "CloudEvent")), ROLE_EVENTS, "events that the role sees, each as it is committed");

	field_give(f, "types", g_list(g_non_null(text)), "of these types; ingest.sync.* is all that begin so");
	field_give(f, "subject", text, "of this subject");
	field_give(f, "after", text, "after this place; 0: from the first one that is kept. By default from now on");
	return list_make1(f);
}

/* -- the rule: one field, and none of introspection -- */

typedef struct Roots
{
	const Document *document;
	List *names; /* of the answer */
	List *seen;  /* fragments */
	const Ast *second;
	const Ast *meta;
} Roots;

/* Whether a directive that says so itself leaves it out; what variables say is not known */
static bool
is_left_out(const Ast *selection)
{
	for (const Ast *d = selection->directives; d; d = d->next)
	{
		const Ast *given = d->arguments ? d->arguments->value : NULL;

		if (given == NULL || given->kind != AST_BOOLEAN)
			continue;
		if (strcmp(d->name, "skip") == 0 ? strcmp(given->name, "true") == 0 : strcmp(d->name, "include") == 0 && strcmp(given->name, "false") == 0)
			return true;
	}
	return false;
}

static void
look_at_root(Roots *r, const Ast *field)
{
	const char *name = ast_response_name(field);
	ListCell *cell;

	/* of several under one name the first is looked at, as the specification says: that they cannot be merged, another
	 * rule says */
	foreach (cell, r->names)
		if (strcmp(lfirst(cell), name) == 0)
			return;
	if (field->name[0] == '_' && field->name[1] == '_' && r->meta == NULL)
		r->meta = field;
	if (r->names != NIL && r->second == NULL)
		r->second = field;
	r->names = lappend(r->names, (char *) name);
}

static void
look_at_roots(Roots *r, const Ast *selections)
{
	check_stack_depth();
	for (const Ast *one = selections; one; one = one->next)
	{
		const Ast *fragment = one;

		if (is_left_out(one))
			continue;
		if (one->kind == AST_FIELD)
		{
			look_at_root(r, one);
			continue;
		}
		if (one->kind == AST_SPREAD)
		{
			fragment = find_fragment(r->document, one->name);
			if (fragment == NULL || list_member_ptr(r->seen, fragment))
				continue;
			r->seen = lappend(r->seen, (void *) fragment);
		}
		if (fragment->type == NULL || strcmp(fragment->type->name, "Subscription") == 0)
			look_at_roots(r, fragment->selections);
	}
}

void
check_subscription(Document *document, Ast *operation, List **errors)
{
	Roots r = {.document = document};

	look_at_roots(&r, operation->selections);
	if (r.second)
		error_add(errors, CODE_VALIDATION, "SingleFieldSubscriptions", r.second,
				  "a subscription must ask for one field");
	if (r.meta)
		error_add(errors, CODE_VALIDATION, "SingleFieldSubscriptions", r.meta,
				  "a subscription cannot ask for \"%s\"",
				  r.meta->name);
}

/* -- the statement -- */

static char *
object_of(Execution *x, const GSelected *s)
{
	GType *type = g_named(s->field->type);
	StringInfoData items;
	ListCell *cell;

	initStringInfo(&items);
	foreach (cell, select_below(x, type, s->asts))
	{
		const GSelected *one = lfirst(cell);
		const char *sql = psprintf("%s::text", quote_literal_cstr(type->name));

		for (size_t i = 0; i < lengthof(members); i++)
			if (one->field->role == ROLE_PLAIN && strcmp(members[i].name, one->field->name) == 0)
				sql = members[i].sql;
		appendStringInfo(&items, "%s%s AS %s", items.len ? ", " : "", sql, quote_identifier(one->name));
	}
	return psprintf("(SELECT row_to_json(o)::text FROM (SELECT %s) o)", items.data);
}

/* $n, which is null where it is not given */
static char *
parameter(Execution *x, const GSelected *s, const char *name, Oid type)
{
	const Ast *value = argument_of(x, linitial(s->asts), name);

	return value ? sql_given(x, type, value) : sql_parameter(x, type, NULL);
}

char *
subscription_compile(Execution *x, const GSelected *s, const char *place)
{
	char *after,
		*types,
		*subject,
		*limit;

	x->at = linitial(s->asts);
	x->response = s->name;
	after = place ? sql_parameter(x, TEXTOID, place) : parameter(x, s, "after", TEXTOID);
	types = parameter(x, s, "types", TEXTARRAYOID);
	subject = parameter(x, s, "subject", TEXTOID);
	limit = sql_parameter(x, INT4OID, psprintf("%d", STREAM_PIECE));
	return psprintf("SELECT e.place, CASE WHEN e.id IS NULL THEN NULL WHEN %s IS NOT NULL AND e.subject IS DISTINCT FROM %s THEN '' ELSE %s END "
					"FROM ingest_internal.read_after(%s, %s, %s) e",
					subject, subject, object_of(x, s), after, types, limit);
}
