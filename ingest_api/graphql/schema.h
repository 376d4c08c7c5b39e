/*
 * schema.h
 *		What a role can ask by GraphQL: types, made of resources, links and routes when they are looked at.
 */
#ifndef GRAPHQL_SCHEMA_H
#define GRAPHQL_SCHEMA_H

#include "postgres.h"

#include "ingest_api/api.h"
#include "ingest_api/resource.h"
#include "nodes/pg_list.h"

typedef enum GKind
{
	G_SCALAR,
	G_OBJECT,
	G_INTERFACE,
	G_ENUM,
	G_INPUT,
	G_LIST,
	G_NON_NULL
} GKind;

/* What stands behind a type */
typedef enum GOrigin
{
	ORIGIN_PLAIN, /* it has what was put into it */
	ORIGIN_QUERY,
	ORIGIN_MUTATION,
	ORIGIN_SUBSCRIPTION,
	ORIGIN_ROW,
	ORIGIN_CONNECTION,
	ORIGIN_EDGE,
	ORIGIN_FILTER,
	ORIGIN_ORDER,
	ORIGIN_OPERATORS, /* how columns of a scalar can be compared */
	ORIGIN_RESULT     /* of a function */
} GOrigin;

/* How a field comes about */
typedef enum GRole
{
	ROLE_PLAIN, /* by its name */
	ROLE_TYPENAME,
	ROLE_SCHEMA,
	ROLE_TYPE,
	ROLE_CONNECTION,
	ROLE_BY_KEY,
	ROLE_NODE,
	ROLE_FUNCTION,
	ROLE_NODE_ID,
	ROLE_COLUMN,
	ROLE_ONE,
	ROLE_MANY,
	ROLE_LINEAGE,
	ROLE_EVENTS,
	/* of filters */
	ROLE_AND,
	ROLE_OR,
	ROLE_NOT,
	ROLE_LINK
} GRole;

typedef struct GType GType;

/* A function that a row of ingest_api_internal.route names */
typedef struct GFunction
{
	bool shown;  /* what it gives is for once */
	char *name;  /* in the schema ingest_api */
	char *field; /* as the schema calls it */
	char *type_name;
	char *description;
	bool writes;
	bool set;    /* it gives several rows or values */
	bool row;    /* what it gives has columns */
	Oid result;  /* type of a value */
	List *given; /* GColumn */
	List *columns;
	GType *type; /* of a row */
} GFunction;

/* A column of a relation or of a function's rows, or an argument */
typedef struct GColumn
{
	char *name;
	char *field;
	Oid type;
	bool readable; /* of an argument: it must be given */
	bool not_null; /* for sure */
	Oid relation;  /* of a column: where its comment is */
	int16 number;
} GColumn;

typedef struct GLink
{
	Link *link;
	char *field;
} GLink;

/* A resource, and its types */
typedef struct GEntry
{
	Resource *resource; /* NULL: the role may read nothing of it */
	char *name;         /* of the resource */
	char *field;
	char *by_key;
	char *type_name;
	bool moved;    /* another resource has the name that it should have */
	bool looked;   /* columns are there */
	bool linked;   /* links, too */
	List *columns; /* GColumn */
	List *taken;   /* names of fields */
	List *links;   /* GLink, of which the role may use those that entry_links() gives */
	bool has_key;  /* which the role may read */
	GType *row;
	GType *connection;
	GType *edge;
	GType *filter;
	GType *order;
} GEntry;

/* A field of an object, an argument, a member of an input */
typedef struct GField
{
	const char *name;
	const char *description;
	GType *type;
	List *arguments;          /* GField */
	const char *default_text; /* of what is given; as a document has it */
	GRole role;
	const GColumn *column;
	const Link *link;
	GEntry *entry;
	GFunction *function;
} GField;

typedef struct GValue
{
	const char *name;
	const GColumn *column; /* that rows are sorted by */
	bool descending;
} GValue;

typedef struct GSchema
{
	MemoryContext memory; /* of all that it has */
	int making;           /* more than 0, where nothing is made: an error left something half made */
	Oid role;
	List *entries;   /* GEntry */
	List *functions; /* GFunction: those that the role may run */
	List *types;     /* GType: those that have been looked at */
	List *links;     /* Link: of all resources, once one was asked for */
	bool linked;
	bool all; /* types are all that there are */
	GType *query;
	GType *mutation;     /* NULL: the role may do nothing */
	GType *subscription; /* NULL: it may read no events */
	GField *typename;
} GSchema;

struct GType
{
	GKind kind;
	GOrigin origin;
	const char *name;
	const char *description;
	GType *of; /* of lists and non-null */
	GSchema *schema;
	GEntry *entry;
	GFunction *function;
	bool built;
	List *fields; /* GField; by type_fields() */
	List *values; /* GValue; likewise */
	List *interfaces;
};

/* scope: what a credential is good for; functions that need more are not there.  It lives as long as the current memory */
extern GSchema *schema_new(Oid role, Scope scope);
/* What is made between these belongs to the schema; an error leaves it marked */
extern MemoryContext schema_make(GSchema *schema);
extern void schema_made(GSchema *schema, MemoryContext context);
extern GType *type_new(GSchema *schema, GKind kind, const char *name, const char *description);
extern GField *field_new(const char *name, GType *type, GRole role, const char *description);
extern GField *field_give(GField *field, const char *name, GType *type, const char *description);
/* It is there */
extern GType *need_type(GSchema *schema, const char *name);
/* NULL: there is none */
extern GType *schema_type(GSchema *schema, const char *name);
extern List *schema_types(GSchema *schema);
extern GType *g_list(GType *of);
extern GType *g_non_null(GType *of);
extern GType *g_named(GType *type);
extern GType *g_nullable(GType *type);
extern char *g_print(const GType *type);
extern List *type_fields(GType *type);
extern List *type_values(GType *type);
/* __typename, and __schema and __type of the query, are fields, too */
extern GField *type_field(GType *type, const char *name);
extern GField *field_argument(const GField *field, const char *name);
extern bool type_is_input(const GType *type);
extern bool type_is_composite(const GType *type);
extern bool type_is_leaf(const GType *type);
/* Is every object of the one of the other, too? */
extern bool type_includes(GType *type, GType *object);

/* entry.c; names that are taken, of fields and of types, are kept in both lists */
extern void taken_names(List **fields, List **types);
extern List *entries_of(List *readable, bool exposed, List **fields, List **types);
extern GEntry *entry_find(GSchema *schema, const char *resource);
extern void entry_look(GSchema *schema, GEntry *entry);
extern GColumn *entry_column(const GEntry *entry, const char *column);
/* The resources at the other end are given, too */
extern List *entry_links(GSchema *schema, GEntry *entry, List **others);
extern List *functions_of(Oid role, Scope scope, List **fields, List **types);

/* names.c: a name of GraphQL, from letters, digits and _; unique among those that are taken, to which it is added */
extern char *graphql_name(const char *name);
extern char *graphql_unique(const char *name, const char *whole, List **taken);
extern char *graphql_type_name(const char *field);

/* scalar.c: the scalar of a type, and how it goes into an answer */
extern const char *scalar_name(Oid type);
extern bool scalar_is_text(Oid type); /* answers hold it as text, which is more than JSON's numbers hold */
extern bool scalar_has_equality(Oid type);
extern bool scalar_has_order(Oid type);
extern const char *const scalar_names[];
extern const char *scalar_description(const char *name);

/* subscribe.c: where the role may read events, what it may subscribe to */
extern void subscription_types(GSchema *schema);
extern List *subscription_fields(GSchema *schema);

/* meta.c */
extern void meta_types(GSchema *schema);

#endif /* GRAPHQL_SCHEMA_H */
