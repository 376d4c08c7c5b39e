/*
 * graphql.c
 *		Operations of GraphQL: read, found good, made one statement, run as whoever asks.
 *
 * A query is one statement.  What is done is done in the order in which it stands, each
 * by one of its own, and all of it or nothing.
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "common/door.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "ingest_api/bound.h"
#include "ingest_api/cache.h"
#include "ingest_api/given.h"
#include "ingest_api/graphql/execute.h"
#include "ingest_api/graphql/graphql.h"
#include "ingest_api/graphql/known.h"
#include "ingest_api/once.h"
#include "ingest_api/statement.h"
#include "ingest_api/stream.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"
#include "utils/resowner.h"

SQL_FUNCTION(ingest_api_graphql);

#define CODE_REQUEST "BAD_REQUEST"

typedef enum Stage
{
	STAGE_REQUEST, /* is it one? */
	STAGE_OPERATION,
	STAGE_COMPILE,
	STAGE_RUN,
	STAGE_DONE
} Stage;

/* What is asked, how far it is, and what came of it */
typedef struct Asked
{
	const Request *request; /* NULL: by SQL */
	Answer *answer;         /* likewise */
	Oid role;
	Scope scope;
	const char *query;
	Jsonb *variables;
	const char *operation;
	Stage stage;
	bool acts;    /* something is to be done */
	bool refused; /* something is to be done, by a method that only reads */
	bool known;   /* it was done before, and is answered as then */
	bool streams; /* it may be answered as events */
	char *place;  /* of a subscription: behind what is here of it */
	StringInfoData events;
	int failed; /* its SQLSTATE */
	Execution x;
	List *data; /* texts: objects, whose members together are the answer */
} Asked;

/* -- what is asked by HTTP -- */

static bool
reads(const Request *request)
{
	return strcmp(request->method, "GET") == 0 || strcmp(request->method, "HEAD") == 0;
}

static void
bad(Asked *asked, const char *what)
{
	error_add(&asked->x.errors, CODE_REQUEST, NULL, NULL, "%s", what);
}

static Jsonb *
object_of(Asked *asked, const char *name, const JsonbValue *value)
{
	if (value->type == jbvNull)
		return NULL;
	if (value->type == jbvBinary && JsonContainerIsObject(value->val.binary.data))
		return JsonbValueToJsonb((JsonbValue *) value);
	bad(asked, psprintf("\"%s\" is an object", name));
	return NULL;
}

static char *
text_of(Asked *asked, const char *name, const JsonbValue *value)
{
	if (value->type == jbvString)
		return pnstrdup(value->val.string.val, value->val.string.len);
	if (value->type != jbvNull)
		bad(asked, psprintf("\"%s\" is text", name));
	return NULL;
}

static void
read_body(Asked *asked)
{
	ListCell *cell;

	foreach (cell, given_in_body(asked->request->body, NIL))
	{
		Given *g = lfirst(cell);

		if (strcmp(g->name, "query") == 0)
			asked->query = text_of(asked, g->name, &g->value);
		else if (strcmp(g->name, "operationName") == 0)
			asked->operation = text_of(asked, g->name, &g->value);
		else if (strcmp(g->name, "variables") == 0)
			asked->variables = object_of(asked, g->name, &g->value);
		else if (strcmp(g->name, "extensions") == 0)
			(void) object_of(asked, g->name, &g->value);
	}
}

static void
read_query(Asked *asked)
{
	ListCell *cell;

	foreach (cell, given_in_query(asked->request->query, NIL))
	{
		Given *g = lfirst(cell);
		Jsonb *json;

		if (strcmp(g->name, "query") == 0)
			asked->query = g->text;
		else if (strcmp(g->name, "operationName") == 0)
			asked->operation = g->text;
		else if (strcmp(g->name, "variables") == 0 && g->text[0])
		{
			json = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(g->text)));
			if (JB_ROOT_IS_OBJECT(json))
				asked->variables = json;
			else
				bad(asked, "\"variables\" must be an object");
		}
	}
}

static void
read_request(Asked *asked)
{
	if (asked->request && reads(asked->request))
		read_query(asked);
	else if (asked->request)
		read_body(asked);
	if (asked->query == NULL && asked->x.errors == NIL)
		bad(asked, "\"query\" is missing: the document");
}

/* -- the operation -- */

static void
read_document(Asked *asked)
{
	int n = strlen(asked->query);
	/* names of the document may stand in it */
	char *query = pnstrdup(asked->query, n);
	char *utf8 = pg_server_to_any(query, n, PG_UTF8);
	Document *document = graphql_parse(utf8, utf8 == query ? n : strlen(utf8));
	Ast where = {.line = document->line, .column = document->column};

	asked->x.document = document;
	if (document->error)
		error_add(&asked->x.errors, document->too_long ? CODE_LIMIT : CODE_PARSE, NULL, &where, "%s", document->error);
	else
		check_limits(document, &asked->x.errors);
}

/* What it is asked again with is kept by whoever carries the stream */
#define LONGEST_SUBSCRIPTION 16384

static void
check_may_subscribe(Asked *asked, const Ast *operation)
{
	if (asked->x.schema->subscription == NULL)
		error_add(&asked->x.errors, CODE_OPERATION, NULL, operation, "there is nothing that this role may subscribe to");
	else if (asked->request == NULL)
		error_add(&asked->x.errors, CODE_OPERATION, NULL, operation, "a subscription is a stream, which is asked for by HTTP");
	else if (!asked->streams)
		error_add(&asked->x.errors, CODE_OPERATION, NULL, operation, "a subscription is a stream: the request must "
																	 "accept text/event-stream");
	else if (asked->request->body && strlen(asked->request->body) > LONGEST_SUBSCRIPTION)
		error_add(&asked->x.errors, CODE_LIMIT, NULL, operation, "a subscription is asked for with %d bytes at most", LONGEST_SUBSCRIPTION);
}

static void
choose_operation(Asked *asked)
{
	Ast *found = NULL;
	int n = 0;

	for (Ast *d = asked->x.document->definitions; d; d = d->next)
	{
		if (d->kind != AST_OPERATION)
			continue;
		n++;
		if (asked->operation == NULL || asked->operation[0] == '\0' || (d->name && strcmp(d->name, asked->operation) == 0))
			found = d;
	}
	asked->x.operation = found;
	if (found == NULL && n > 0)
		error_add(&asked->x.errors, CODE_OPERATION, NULL, NULL, "there is no operation \"%s\" in the document", asked->operation);
	else if (found == NULL)
		error_add(&asked->x.errors, CODE_OPERATION, NULL, NULL, "there is no operation in the document");
	else if (n > 1 && (asked->operation == NULL || asked->operation[0] == '\0'))
		error_add(&asked->x.errors, CODE_OPERATION, NULL, NULL, "there are %d operations in the document: operationName says which one", n);
	else if (found->operation == OPERATION_SUBSCRIPTION)
		check_may_subscribe(asked, found);
	else if (found->operation == OPERATION_MUTATION && asked->scope < SCOPE_OPERATE)
		error_add(&asked->x.errors, CODE_OPERATION, NULL, found, "the token's scope is \"read\", and actions need "
																 "\"operate\"");
	else if (found->operation == OPERATION_MUTATION && asked->x.schema->mutation == NULL)
		error_add(&asked->x.errors, CODE_OPERATION, NULL, found, "there is nothing that this role may do");
}

/* What is wrong, or more than the token may, was still asked for */
static bool
wants_to_act(const Asked *asked)
{
	const Document *document = asked->x.document;

	if (asked->request == NULL || reads(asked->request) || document == NULL || document->error)
		return false;
	for (const Ast *d = document->definitions; d; d = d->next)
		if (d->kind == AST_OPERATION && d->operation == OPERATION_MUTATION)
			return true;
	return false;
}

/* Found good by the schema, or by what is remembered of it; false: something is wrong */
static bool
read_good_document(Asked *asked)
{
	KnownSchema *known = known_is_fit(asked->query) ? known_schema(asked->role, asked->scope) : NULL;
	MemoryContext context = CurrentMemoryContext;

	if (known)
	{
		asked->x.schema = known_schema_itself(known);
		asked->x.document = known_document(known, asked->query);
		if (asked->x.document)
			return true;
		context = MemoryContextSwitchTo(known_begin(known, asked->query));
	}
	read_document(asked);
	MemoryContextSwitchTo(context);
	if (asked->x.errors != NIL)
		return false;
	if (known == NULL)
		asked->x.schema = schema_new(asked->role, asked->scope);
	asked->x.errors = graphql_validate(asked->x.schema, asked->x.document);
	if (asked->x.errors == NIL && known)
		known_good(known, asked->query, asked->x.document);
	return asked->x.errors == NIL;
}

/* As the engine, which runs nothing of a user's; false: something is wrong */
static bool
prepare(Asked *asked)
{
	if (!read_good_document(asked))
		return false;
	choose_operation(asked);
	if (asked->x.errors != NIL)
		return false;
	coerce_variables(&asked->x, asked->variables);
	return asked->x.errors == NIL;
}

/* A statement and what it is given */
typedef struct Step
{
	char *sql;
	List *values;
	const char *response;
} Step;

static Step *
compile_step(Execution *x, List *selected, GType *root)
{
	Step *step = palloc0(sizeof(Step));

	x->values = NIL;
	step->sql = graphql_compile(x, selected, root);
	step->values = x->values;
	step->response = x->response;
	return step;
}

static List *
compile_operation(Execution *x)
{
	bool writes = x->operation->operation == OPERATION_MUTATION;
	GType *root = writes ? x->schema->mutation : x->schema->query;
	List *selected = select_operation(x, root);
	List *steps = NIL;
	ListCell *cell;

	if (!writes)
		return list_make1(compile_step(x, selected, root));
	foreach (cell, selected)
		steps = lappend(steps, compile_step(x, list_make1(lfirst(cell)), root));
	return steps;
}

static void
run(Asked *asked, List *steps, bool writes)
{
	ListCell *cell;
	size_t total = 0;

	asked->x.at = NULL;
	foreach (cell, steps)
	{
		Step *step = lfirst(cell);
		char *text;

		asked->x.response = step->response;
		statement_run(step->sql, step->values, writes);
		text = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
		bound_check(total += strlen(text));
		asked->data = lappend(asked->data, text);
	}
}

/* As the engine; the next piece of a stream.  NULL: variables leave nothing of it */
static char *
compile_subscription(Asked *asked, StreamForm *form)
{
	List *selected = select_operation(&asked->x, asked->x.schema->subscription);
	char *place = request_header(asked->request, "last-event-id");
	const GSelected *s = selected ? linitial(selected) : NULL;

	if (list_length(selected) != 1 || s->field->role != ROLE_EVENTS)
	{
		error_add(&asked->x.errors, CODE_OPERATION, NULL, asked->x.operation,
				  "a subscription must ask for one field, not %d",
				  list_length(selected));
		return NULL;
	}
	*form = (StreamForm){.name = "event: next\n", .before = psprintf("{\"data\":{\"%s\":", s->name), .behind = "}}"};
	return subscription_compile(&asked->x, s, place && place[0] ? place : NULL);
}

static void
subscribe(Asked *asked, Identity *saved)
{
	StreamForm form;
	char *sql = compile_subscription(asked, &form);

	become_again(saved);
	if (sql == NULL)
		return;
	asked->stage = STAGE_RUN;
	initStringInfo(&asked->events);
	asked->place = stream_read(asked->role, sql, asked->x.values, &form, &asked->events);
	asked->stage = STAGE_DONE;
}

static void
execute(Asked *asked)
{
	Identity saved;
	List *steps;
	bool writes,
		good;

	read_request(asked);
	if (asked->x.errors != NIL)
		return;
	asked->stage = STAGE_OPERATION;
	become_engine(&saved);
	good = prepare(asked);
	writes = good && asked->x.operation->operation == OPERATION_MUTATION;
	asked->acts = writes || (!good && wants_to_act(asked));
	if (writes && RecoveryInProgress())
	{
		error_add(&asked->x.errors, "25006", NULL, asked->x.operation,
				  "this server is a standby, where nothing can be done");
		good = false;
	}
	asked->refused = writes && asked->request && reads(asked->request);
	if (!good || asked->refused)
	{
		become_again(&saved);
		return;
	}
	if (writes && asked->request)
	{
		/* by HTTP what only reads was told so before; see call.c */
		XactReadOnly = false;
		asked->known = once_known(asked->request, asked->answer);
	}
	if (asked->known)
	{
		become_again(&saved);
		return;
	}
	asked->stage = STAGE_COMPILE;
	if (asked->x.operation->operation == OPERATION_SUBSCRIPTION)
	{
		subscribe(asked, &saved);
		return;
	}
	steps = compile_operation(&asked->x);
	become_again(&saved);
	asked->stage = STAGE_RUN;
	if (!writes)
		XactReadOnly = true;
	become(asked->role, SECURITY_RESTRICTED_OPERATION, &saved);
	run(asked, steps, writes);
	become_again(&saved);
	asked->stage = STAGE_DONE;
}

/* -- what went wrong -- */

static void
add_caught(Asked *asked, const ErrorData *error)
{
	const char *code = unpack_sql_state(error->sqlerrcode);
	GError *e;

	if (asked->stage < STAGE_RUN)
		code = error->sqlerrcode == ERRCODE_PROGRAM_LIMIT_EXCEEDED || error->sqlerrcode == ERRCODE_STATEMENT_TOO_COMPLEX ? CODE_LIMIT : asked->stage == STAGE_REQUEST ? CODE_REQUEST
																																									  : CODE_INPUT;
	if (error->sqlerrcode == ERRCODE_ANSWER_TOO_LARGE)
		code = CODE_LIMIT;
	asked->x.errors = NIL;
	asked->data = NIL;
	asked->failed = error->sqlerrcode;
	e = error_add(&asked->x.errors, pstrdup(code), NULL, asked->x.at, "%s%s%s", error->message, error->detail ? ": " : "", error->detail ? error->detail : "");
	e->hint = error->hint;
	e->path = asked->stage >= STAGE_COMPILE ? asked->x.response : NULL;
}

/* In a subtransaction, so that an answer can still be given */
static void
execute_safely(Asked *asked)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		execute(asked);
		ReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
	}
	PG_CATCH();
	{
		ErrorData *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		/* also where it goes on: whoever catches it knows of no subtransaction but its own */
		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
		if (problem_status(error->sqlerrcode, true) == 0 && error->sqlerrcode != ERRCODE_STATEMENT_TOO_COMPLEX)
			ReThrowError(error);
		add_caught(asked, error);
	}
	PG_END_TRY();
}

/* -- the answer -- */

/* Members of several objects are those of one */
static void
write_data(StringInfo out, List *data)
{
	ListCell *cell;

	appendStringInfoChar(out, '{');
	foreach (cell, data)
	{
		char *object = lfirst(cell);

		if (cell != list_head(data))
			appendStringInfoChar(out, ',');
		appendBinaryStringInfo(out, object + 1, strlen(object) - 2);
	}
	appendStringInfoChar(out, '}');
}

static void
write_answer(StringInfo out, const Asked *asked)
{
	appendStringInfoChar(out, '{');
	if (asked->x.errors != NIL)
	{
		appendStringInfoString(out, "\"errors\":");
		errors_json(out, asked->x.errors);
	}
	if (asked->x.errors == NIL)
	{
		appendStringInfoString(out, "\"data\":");
		write_data(out, asked->data);
	}
	/* once it is executed there is data, if only none */
	else if (asked->stage >= STAGE_COMPILE)
		appendStringInfoString(out, ",\"data\":null");
	appendStringInfoChar(out, '}');
}

/* -- by HTTP -- */

#define TYPE_RESPONSE "application/graphql-response+json; charset=utf-8"
#define TYPE_JSON "application/json; charset=utf-8"

#define TYPE_STREAM "text/event-stream"

/* NULL: none of what is accepted */
static const char *
answer_type(const Request *request)
{
	const char *accept = request_header(request, "accept");

	if (accept == NULL || accept[0] == '\0')
		return TYPE_JSON;
	if (strstr(accept, "application/graphql-response+json"))
		return TYPE_RESPONSE;
	/* as text/event-stream, of which errors before its begin are none */
	if (strstr(accept, "text/event-stream") && strstr(accept, "application/json") == NULL)
		return TYPE_STREAM;
	return strstr(accept, "application/json") || strstr(accept, "application/*") || strstr(accept, "*/*") ? TYPE_JSON : NULL;
}

static int
answer_status(const Asked *asked, const char *type)
{
	if (asked->x.errors == NIL || asked->stage >= STAGE_COMPILE)
		return 200;
	/* whoever knows of graphql-response+json is told by the status, too */
	return asked->stage == STAGE_REQUEST || strcmp(type, TYPE_RESPONSE) == 0 ? 400 : 200;
}

/* False: another answer was given */
static bool
is_fit(const Request *request, Answer *answer, const char *type)
{
	if (!reads(request) && strcmp(request->method, "POST") != 0)
	{
		answer_problem(answer, 405, "PGRST117", "the method is not allowed here", NULL,
					   "Allowed are GET, HEAD, POST.");
		answer_header(answer, "Allow", "GET, HEAD, POST");
	}
	else if (!reads(request) && !request_is_json(request))
		answer_problem(answer, 415, "PGRST107", "an operation must be posted as application/json",
					   NULL, "Content-Type: application/json; {\"query\": \"...\"}.");
	else if (type == NULL)
		answer_problem(answer, 406, "PGRST107", "none of the accepted types is available",
					   NULL,
					   "Available are application/graphql-response+json, application/json and text/event-stream.");
	else
		return true;
	return false;
}

/* Something of the answer is for once, such as a secret */
static bool
shows(Asked *asked)
{
	ListCell *cell;

	foreach (cell, select_operation(&asked->x, asked->x.schema->mutation))
	{
		const GFunction *f = ((GSelected *) lfirst(cell))->field->function;

		if (f && f->shown)
			return true;
	}
	return false;
}

/* Blanks are what stands between values alone: a line is an event's */
static void
write_on_one_line(StringInfo out, const Asked *asked)
{
	int from = out->len;

	write_answer(out, asked);
	for (int i = from; i < out->len; i++)
		if (out->data[i] == '\n' || out->data[i] == '\r')
			out->data[i] = ' ';
}

static bool
is_subscription(const Asked *asked)
{
	return asked->x.operation && asked->x.operation->operation == OPERATION_SUBSCRIPTION;
}

/* What is wrong before a stream began is told by a status */
static int
stream_status(const Asked *asked)
{
	int status = asked->failed ? problem_status(asked->failed, false) : 0;

	return status >= 400 ? status : 400;
}

/* The protocol of graphql-sse, a connection for each operation: next for each result, and complete, which a subscription never is by itself */
static void
answer_events(const Asked *asked, Answer *answer)
{
	if (asked->x.errors != NIL && (is_subscription(asked) || asked->stage < STAGE_COMPILE))
	{
		answer_begin(answer, stream_status(asked), TYPE_JSON);
		answer_header(answer, "Cache-Control", "no-store");
		write_answer(&answer->body, asked);
		return;
	}
	stream_head(answer, asked->place);
	if (is_subscription(asked))
	{
		answer->keeps = true;
		answer->body = asked->events;
		return;
	}
	appendStringInfoString(&answer->body, "event: next\ndata: ");
	write_on_one_line(&answer->body, asked);
	appendStringInfoString(&answer->body, "\n\nevent: complete\ndata:\n\n");
}

void
graphql_answer(const Request *request, Answer *answer)
{
	const char *type = answer_type(request);
	Asked asked = {.request = request, .answer = answer, .role = request->role, .scope = request->scope, .streams = stream_is_wanted(request)};

	if (!is_fit(request, answer, type))
		return;
	execute_safely(&asked);
	answer->acts = asked.acts && !asked.refused;
	if (asked.refused)
	{
		answer_problem(answer, 405, "PGRST117", "actions must be posted",
					   NULL, "POST, with Content-Type: application/json.");
		answer_header(answer, "Allow", "POST");
		return;
	}
	if (asked.known)
		return;
	if (is_subscription(&asked) || strcmp(type, TYPE_STREAM) == 0)
		answer_events(&asked, answer);
	else
	{
		answer_begin(answer, answer_status(&asked, type), type);
		answer_header(answer, "Cache-Control", "no-store");
		write_answer(&answer->body, &asked);
	}
	if (asked.acts && asked.stage == STAGE_DONE)
	{
		/* that it is, ended with what was done */
		XactReadOnly = false;
		once_done(request, shows(&asked), answer);
	}
}

/* -- by SQL -- */

/* graphql(query, variables, operation), as the caller */
Datum
ingest_api_graphql(PG_FUNCTION_ARGS)
{
	Asked asked = {.role = GetUserId(),
				   /* by SQL the role alone decides */
				   .scope = SCOPE_ADMIN,
				   .query = PG_ARGISNULL(0) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(0)),
				   .variables = PG_ARGISNULL(1) ? NULL : PG_GETARG_JSONB_P(1),
				   .operation = PG_ARGISNULL(2) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(2))};
	MemoryContext context = CurrentMemoryContext;
	StringInfoData out;
	text *result;

	if (asked.variables && !JB_ROOT_IS_OBJECT(asked.variables))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("variables must be an object of values by "
																		 "name")));
	/* what is run for another request may look at it still */
	if (!InLocalUserIdChange())
		cache_let_go();
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI is not there");
	execute_safely(&asked);
	initStringInfo(&out);
	write_answer(&out, &asked);
	MemoryContextSwitchTo(context);
	result = cstring_to_text_with_len(out.data, out.len);
	SPI_finish();
	PG_RETURN_TEXT_P(result);
}
