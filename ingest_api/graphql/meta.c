/*
 * meta.c
 *		Introspection: types that describe types, and what is told by them.
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "commands/comment.h"
#include "ingest_api/graphql/execute.h"
#include "ingest_api/graphql/meta.h"
#include "miscadmin.h"
#include "utils/json.h"

/* -- directives -- */

static GDirective *
new_directive(const char *name, const char *locations, const char *description)
{
	GDirective *d = palloc0(sizeof(GDirective));

	d->name = name;
	d->locations = locations;
	d->description = description;
	d->field = field_new(name, NULL, ROLE_PLAIN, description);
	return d;
}

List *
schema_directives(GSchema *schema)
{
	GType *truth = g_non_null(need_type(schema, "Boolean")),
		  *text = need_type(schema, "String");
	GDirective *skip = new_directive("skip", " FIELD FRAGMENT_SPREAD INLINE_FRAGMENT ", "leaves it out if that is true"),
			   *include = new_directive("include", " FIELD FRAGMENT_SPREAD INLINE_FRAGMENT ", "leaves it out if that is false"),
			   *deprecated = new_directive("deprecated",
										   " FIELD_DEFINITION ARGUMENT_DEFINITION INPUT_FIELD_DEFINITION ENUM_VALUE ",
										   "should no longer be used"),
			   *specified = new_directive("specifiedBy", " SCALAR ", "where a scalar is described");

	field_give(skip->field, "if", truth, "whether it is left out");
	field_give(include->field, "if", truth, "whether it is there");
	field_give(deprecated->field, "reason", text, "why")->default_text = "\"No longer supported\"";
	field_give(specified->field, "url", g_non_null(text), "its address");
	return list_make4(skip, include, deprecated, specified);
}

GDirective *
directive_named(GSchema *schema, const char *name)
{
	ListCell *cell;

	foreach (cell, schema_directives(schema))
	{
		GDirective *d = lfirst(cell);

		if (strcmp(d->name, name) == 0)
			return d;
	}
	return NULL;
}

bool
directive_stands_at(const GDirective *directive, const char *location)
{
	return strstr(directive->locations, psprintf(" %s ", location)) != NULL;
}

/* -- types that describe types -- */

/* "name type": ! and [ ] as in the language */
static GType *
written_type(GSchema *schema, const char *text)
{
	size_t n = strlen(text);

	if (text[n - 1] == '!')
		return g_non_null(written_type(schema, pnstrdup(text, n - 1)));
	if (text[0] == '[')
		return g_list(written_type(schema, pnstrdup(text + 1, n - 2)));
	return need_type(schema, text);
}

typedef struct Written
{
	const char *of;
	const char *name;
	const char *type;
	bool deprecated; /* takes includeDeprecated */
} Written;

static const Written written[] = {
	{"__Schema", "description", "String"},
	{"__Schema", "types", "[__Type!]!"},
	{"__Schema", "queryType", "__Type!"},
	{"__Schema", "mutationType", "__Type"},
	{"__Schema", "subscriptionType", "__Type"},
	{"__Schema", "directives", "[__Directive!]!"},
	{"__Type", "kind", "__TypeKind!"},
	{"__Type", "name", "String"},
	{"__Type", "description", "String"},
	{"__Type", "specifiedByURL", "String"},
	{"__Type", "fields", "[__Field!]", true},
	{"__Type", "interfaces", "[__Type!]"},
	{"__Type", "possibleTypes", "[__Type!]"},
	{"__Type", "enumValues", "[__EnumValue!]", true},
	{"__Type", "inputFields", "[__InputValue!]", true},
	{"__Type", "ofType", "__Type"},
	{"__Type", "isOneOf", "Boolean"},
	{"__Field", "name", "String!"},
	{"__Field", "description", "String"},
	{"__Field", "args", "[__InputValue!]!", true},
	{"__Field", "type", "__Type!"},
	{"__Field", "isDeprecated", "Boolean!"},
	{"__Field", "deprecationReason", "String"},
	{"__InputValue", "name", "String!"},
	{"__InputValue", "description", "String"},
	{"__InputValue", "type", "__Type!"},
	{"__InputValue", "defaultValue", "String"},
	{"__InputValue", "isDeprecated", "Boolean!"},
	{"__InputValue", "deprecationReason", "String"},
	{"__EnumValue", "name", "String!"},
	{"__EnumValue", "description", "String"},
	{"__EnumValue", "isDeprecated", "Boolean!"},
	{"__EnumValue", "deprecationReason", "String"},
	{"__Directive", "name", "String!"},
	{"__Directive", "description", "String"},
	{"__Directive", "isRepeatable", "Boolean!"},
	{"__Directive", "locations", "[__DirectiveLocation!]!"},
	{"__Directive", "args", "[__InputValue!]!", true},
};

static GType *
new_enum(GSchema *schema, const char *name, const char *const *values)
{
	GType *type = type_new(schema, G_ENUM, name, NULL);

	for (; *values; values++)
	{
		GValue *v = palloc0(sizeof(GValue));

		v->name = *values;
		type->values = lappend(type->values, v);
	}
	return type;
}

void
meta_types(GSchema *schema)
{
	static const char *const objects[] = {"__Schema", "__Type", "__Field", "__InputValue", "__EnumValue", "__Directive"};
	static const char *const kinds[] = {"SCALAR", "OBJECT", "INTERFACE", "UNION", "ENUM", "INPUT_OBJECT", "LIST", "NON_NULL", NULL};
	static const char *const locations[] = {"QUERY", "MUTATION", "SUBSCRIPTION", "FIELD", "FRAGMENT_DEFINITION", "FRAGMENT_SPREAD", "INLINE_FRAGMENT", "VARIABLE_DEFINITION",
											"SCHEMA", "SCALAR", "OBJECT", "FIELD_DEFINITION", "ARGUMENT_DEFINITION", "INTERFACE", "UNION", "ENUM", "ENUM_VALUE", "INPUT_OBJECT", "INPUT_FIELD_DEFINITION", NULL};

	for (size_t i = 0; i < lengthof(objects); i++)
		(void) type_new(schema, G_OBJECT, objects[i], NULL);
	(void) new_enum(schema, "__TypeKind", kinds);
	(void) new_enum(schema, "__DirectiveLocation", locations);
	for (size_t i = 0; i < lengthof(written); i++)
	{
		GType *of = need_type(schema, written[i].of);
		GField *f = field_new(written[i].name, written_type(schema, written[i].type), ROLE_PLAIN, NULL);

		if (written[i].deprecated)
			field_give(f, "includeDeprecated", need_type(schema, "Boolean"), NULL)->default_text = "false";
		of->fields = lappend(of->fields, f);
	}
}

/* -- what is told -- */

/* What a type that describes describes: one of these */
typedef struct Told
{
	GType *type;
	const GField *field; /* or what is given */
	const GValue *value;
	const GDirective *directive;
	GSchema *schema;
} Told;

static void tell_object(Execution *x, GType *meta, List *asts, Told told, StringInfo out);

static void
tell_text(const char *text, StringInfo out)
{
	if (text)
		escape_json(out, text);
	else
		appendStringInfoString(out, "null");
}

typedef enum Listed
{
	TYPES,
	FIELDS,
	VALUES,
	DIRECTIVES
} Listed;

static void
tell_list(Execution *x, GType *meta, List *asts, List *all, Listed what, StringInfo out)
{
	ListCell *cell;

	appendStringInfoChar(out, '[');
	foreach (cell, all)
	{
		Told told = {0};

		if (cell != list_head(all))
			appendStringInfoChar(out, ',');
		if (what == TYPES)
			told.type = lfirst(cell);
		else if (what == FIELDS)
			told.field = lfirst(cell);
		else if (what == VALUES)
			told.value = lfirst(cell);
		else
			told.directive = lfirst(cell);
		tell_object(x, meta, asts, told, out);
	}
	appendStringInfoChar(out, ']');
}

static const char *
kind_of(const GType *type)
{
	static const char *const kinds[] = {"SCALAR", "OBJECT", "INTERFACE", "ENUM", "INPUT_OBJECT", "LIST", "NON_NULL"};

	return kinds[type->kind];
}

static List *
objects_of(Execution *x, GType *interface)
{
	List *objects = NIL;
	ListCell *cell;

	foreach (cell, schema_types(x->schema))
		if (((GType *) lfirst(cell))->kind == G_OBJECT && type_includes(interface, lfirst(cell)))
			objects = lappend(objects, lfirst(cell));
	return objects;
}

static void
tell_type(Execution *x, GType *meta, const GSelected *s, GType *type, StringInfo out)
{
	const char *name = s->field->name;

	if (strcmp(name, "kind") == 0)
		escape_json(out, kind_of(type));
	else if (strcmp(name, "name") == 0)
		tell_text(type->name, out);
	else if (strcmp(name, "description") == 0)
		tell_text(type->description, out);
	else if (strcmp(name, "fields") == 0 && type_is_composite(type))
		tell_list(x, meta, s->asts, type_fields(type), FIELDS, out);
	else if (strcmp(name, "interfaces") == 0 && type_is_composite(type))
		tell_list(x, meta, s->asts, type->interfaces, TYPES, out);
	else if (strcmp(name, "possibleTypes") == 0 && type->kind == G_INTERFACE)
		tell_list(x, meta, s->asts, objects_of(x, type), TYPES, out);
	else if (strcmp(name, "enumValues") == 0 && type->kind == G_ENUM)
		tell_list(x, meta, s->asts, type_values(type), VALUES, out);
	else if (strcmp(name, "inputFields") == 0 && type->kind == G_INPUT)
		tell_list(x, meta, s->asts, type_fields(type), FIELDS, out);
	else if (strcmp(name, "ofType") == 0 && type->of)
		tell_object(x, meta, s->asts, (Told){.type = type->of}, out);
	else if (strcmp(name, "isOneOf") == 0 && type->kind == G_INPUT)
		appendStringInfoString(out, "false");
	else
		appendStringInfoString(out, "null");
}

/* Read when it is told: no other operation needs it */
static const char *
comment_of(const GColumn *column)
{
	return OidIsValid(column->relation) ? GetComment(column->relation, RelationRelationId, column->number) : NULL;
}

/* Nothing is deprecated yet */
static void
tell_field(Execution *x, GType *meta, const GSelected *s, const GField *field, StringInfo out)
{
	const char *name = s->field->name;

	if (strcmp(name, "name") == 0)
		escape_json(out, field->name);
	else if (strcmp(name, "description") == 0)
		tell_text(field->column ? comment_of(field->column) : field->description, out);
	else if (strcmp(name, "args") == 0)
		tell_list(x, meta, s->asts, field->arguments, FIELDS, out);
	else if (strcmp(name, "type") == 0)
		tell_object(x, meta, s->asts, (Told){.type = field->type}, out);
	else if (strcmp(name, "defaultValue") == 0)
		tell_text(field->default_text, out);
	else
		appendStringInfoString(out, strcmp(name, "isDeprecated") == 0 ? "false" : "null");
}

static void
tell_value(const GSelected *s, const GValue *value, StringInfo out)
{
	const char *name = s->field->name;

	if (strcmp(name, "name") == 0)
		escape_json(out, value->name);
	else if (strcmp(name, "description") == 0)
		tell_text(value->column ? comment_of(value->column) : NULL, out);
	else
		appendStringInfoString(out, strcmp(name, "isDeprecated") == 0 ? "false" : "null");
}

static void
tell_directive(Execution *x, GType *meta, const GSelected *s, const GDirective *directive, StringInfo out)
{
	const char *name = s->field->name;

	if (strcmp(name, "name") == 0)
		escape_json(out, directive->name);
	else if (strcmp(name, "description") == 0)
		tell_text(directive->description, out);
	else if (strcmp(name, "args") == 0)
		tell_list(x, meta, s->asts, directive->field->arguments, FIELDS, out);
	else if (strcmp(name, "isRepeatable") == 0)
		appendStringInfoString(out, "false");
	else
	{
		const char *at = directive->locations + 1;

		appendStringInfoChar(out, '[');
		for (; *at; at += strcspn(at, " ") + 1)
			appendStringInfo(out, "%s\"%.*s\"", at > directive->locations + 1 ? "," : "", (int) strcspn(at, " "), at);
		appendStringInfoChar(out, ']');
	}
}

static void
tell_schema(Execution *x, GType *meta, const GSelected *s, GSchema *schema, StringInfo out)
{
	const char *name = s->field->name;

	if (strcmp(name, "types") == 0)
		tell_list(x, meta, s->asts, schema_types(schema), TYPES, out);
	else if (strcmp(name, "queryType") == 0)
		tell_object(x, meta, s->asts, (Told){.type = schema->query}, out);
	else if (strcmp(name, "mutationType") == 0 && schema->mutation)
		tell_object(x, meta, s->asts, (Told){.type = schema->mutation}, out);
	else if (strcmp(name, "subscriptionType") == 0 && schema->subscription)
		tell_object(x, meta, s->asts, (Told){.type = schema->subscription}, out);
	else if (strcmp(name, "directives") == 0)
		tell_list(x, meta, s->asts, schema_directives(schema), DIRECTIVES, out);
	else if (strcmp(name, "description") == 0)
		escape_json(out, "pg_ingest: what a role may read and do");
	else
		appendStringInfoString(out, "null");
}

static void
tell_object(Execution *x, GType *meta, List *asts, Told told, StringInfo out)
{
	ListCell *cell;
	bool first = true;

	check_stack_depth();
	appendStringInfoChar(out, '{');
	foreach (cell, select_below(x, meta, asts))
	{
		const GSelected *s = lfirst(cell);
		GType *below = s->field->role == ROLE_TYPENAME ? NULL : g_named(s->field->type);

		appendStringInfoString(out, first ? "" : ",");
		first = false;
		escape_json(out, s->name);
		appendStringInfoChar(out, ':');
		if (s->field->role == ROLE_TYPENAME)
			escape_json(out, meta->name);
		else if (told.type)
			tell_type(x, below, s, told.type, out);
		else if (told.field)
			tell_field(x, below, s, told.field, out);
		else if (told.value)
			tell_value(s, told.value, out);
		else if (told.directive)
			tell_directive(x, below, s, told.directive, out);
		else
			tell_schema(x, below, s, told.schema, out);
	}
	appendStringInfoChar(out, '}');
}

void
meta_json(Execution *x, const GSelected *s, StringInfo out)
{
	GType *meta = g_named(s->field->type);
	Ast *name;
	GType *type;

	/* all of it is there before any of it is told */
	(void) schema_types(x->schema);
	if (s->field->role == ROLE_SCHEMA)
	{
		tell_object(x, meta, s->asts, (Told){.schema = x->schema}, out);
		return;
	}
	name = argument_of(x, linitial(s->asts), "name");
	type = name && name->name ? schema_type(x->schema, name->name) : NULL;
	if (type)
		tell_object(x, meta, s->asts, (Told){.type = type}, out);
	else
		appendStringInfoString(out, "null");
}
