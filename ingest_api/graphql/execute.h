/*
 * execute.h
 *		An operation on its way from the document to the answer.
 */
#ifndef GRAPHQL_EXECUTE_H
#define GRAPHQL_EXECUTE_H

#include "postgres.h"

#include "ingest_api/graphql/ast.h"
#include "ingest_api/graphql/schema.h"
#include "lib/stringinfo.h"
#include "utils/jsonb.h"

/* What an answer says of something wrong, by extensions.code */
#define CODE_PARSE "GRAPHQL_PARSE_FAILED"
#define CODE_VALIDATION "GRAPHQL_VALIDATION_FAILED"
#define CODE_INPUT "BAD_USER_INPUT"
#define CODE_OPERATION "OPERATION_RESOLUTION_FAILURE"
#define CODE_LIMIT "LIMIT_EXCEEDED"

typedef struct GError
{
	char *message;
	const char *code;
	const char *rule; /* of the specification's validation; NULL: none */
	const char *hint;
	int line; /* 0: nowhere */
	int column;
	const char *path; /* a response name of the operation; NULL: none */
} GError;

typedef struct GVariable
{
	const char *name;
	Ast *value; /* NULL: not given */
} GVariable;

typedef struct Execution
{
	GSchema *schema;
	Document *document;
	Ast *operation;
	List *variables; /* GVariable */
	List *errors;    /* GError */
	/* of the compiler */
	List *values; /* compile.h's Value */
	int aliases;
	int conditions;       /* of filters, as often as they are used: variables make many of few words */
	size_t given;         /* bytes of values, likewise */
	const Ast *at;        /* what is compiled: where an error is */
	const char *response; /* the field of the operation that it belongs to */
} Execution;

/* What one name of an answer comes from: fields of one name, which were found to be the same */
typedef struct GSelected
{
	const char *name;
	GField *field;
	List *asts;
} GSelected;

/* error.c */
extern GError *error_add(List **errors, const char *code, const char *rule, const Ast *where, const char *format, ...) pg_attribute_printf(5, 6);
/* The errors of an answer, as a JSON array */
extern void errors_json(StringInfo out, List *errors);

/* validate.c: all rules of the specification */
extern List *graphql_validate(GSchema *schema, Document *document);
extern GType *type_of_ast(GSchema *schema, const Ast *type);
/* Of an operation; NULL: there is none */
extern GType *root_type(GSchema *schema, const Ast *operation);
extern Ast *find_fragment(const Document *document, const char *name);
/* merge.c: two fields of one name are one */
extern void check_merging(GSchema *schema, Document *document, List **errors);
/* literal.c: is this what such a leaf can be? */
extern bool leaf_accepts(GType *type, const Ast *value, bool in_document);
/* subscribe.c: an operation of it asks for one thing */
extern void check_subscription(Document *document, Ast *operation, List **errors);
/* The statement that gives a place and an object in each row, in x->values what it is given; place: NULL: none but what the operation says */
extern char *subscription_compile(Execution *x, const GSelected *s, const char *place);
/* limit.c: an operation asks for no more than that */
extern void check_limits(Document *document, List **errors);

/* values.c */
extern Ast *ast_of_json(const JsonbValue *value);
extern void coerce_variables(Execution *x, Jsonb *given);
/* Without variables; NULL: it was not given */
extern Ast *argument_of(Execution *x, const Ast *field, const char *name);

/* select.c: what is asked for of these fields, in the document's order */
extern List *select_below(Execution *x, GType *type, List *asts);
extern List *select_operation(Execution *x, GType *type);

/* meta.c: __schema and __type */
extern void meta_json(Execution *x, const GSelected *s, StringInfo out);

/* compile.c: SELECT of an object that answers these, in x->values what it is given */
extern char *graphql_compile(Execution *x, List *selected, GType *root);

#endif /* GRAPHQL_EXECUTE_H */
