/*
 * quality.c
 *		What must hold in a table.
 *
 * Rules about single rows become conditions that are true of rows that violate them; all
 * of a table's are counted in one scan.
 */
#include "postgres.h"

#include "funcapi.h"
#include "ingest/repository/anomaly.h"
#include "ingest/base/attempt.h"
#include "ingest/base/compat.h"
#include "ingest/event/event.h"
#include "ingest/sync/merge.h"
#include "ingest/repository/run.h"
#include "ingest/base/sql.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/tuplestore.h"

SQL_FUNCTION(ingest_add_rule);
SQL_FUNCTION(ingest_check_quality);

typedef struct Rule
{
	char *id;
	char *kind;
	char **columns; /* quoted */
	int n_columns;
	char *arguments;
	char *severity;
	double tolerance;
	char *violation; /* condition on t, NULL: of the table as a whole */
	char *measure;   /* of the table as a whole: what is measured ... */
	char *verdict;   /* ... and whether it is wrong, given it as m */
	int64 rows, violations;
	char *examples; /* array literal */
	bool ok;
} Rule;

static char *
argument(const Rule *rule, const char *name)
{
	return repo_value("SELECT $1::jsonb ->> $2", arg_text(rule->arguments), arg_text(name));
}

static char *
needed(const Rule *rule, const char *name)
{
	char *value = argument(rule, name);

	if (value == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a rule of kind %s needs the argument \"%s\"", rule->kind, name),
				 errhint("arguments => '{\"%s\": …}'.", name)));
	return value;
}

static char *
column_type(const char *relation, const char *column)
{
	char *type = own_value("SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = $1::regclass AND quote_ident(attname) = $2 AND NOT attisdropped AND attnum > 0",
						   arg_text(relation), arg_text(column));

	if (type == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("%s has no column %s", relation, column)));
	return type;
}

/* "x < low OR x > high", as far as they are given */
static char *
outside(const char *value, const char *low, const char *high, const char *type)
{
	StringInfoData sql;

	if (low == NULL && high == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the rule needs \"min\", \"max\" or both")));
	initStringInfo(&sql);
	if (low)
		appendStringInfo(&sql, "%s < %s::%s", value, quote_literal_cstr(low), type);
	if (high)
		appendStringInfo(&sql, "%s%s > %s::%s", low ? " OR " : "", value, quote_literal_cstr(high), type);
	return sql.data;
}

/* What violates it */
static void
compile(Rule *rule, const char *relation)
{
	char *c = rule->n_columns > 0 ? psprintf("t.%s", rule->columns[0]) : NULL;
	bool needs_column = strcmp(rule->kind, "row_count") != 0 && strcmp(rule->kind, "sql") != 0;

	if (needs_column && c == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a rule of kind %s needs a column", rule->kind),
				 errhint("columns => '{…}'.")));
	for (int i = 0; i < rule->n_columns; i++)
		(void) column_type(relation, rule->columns[i]);

	if (strcmp(rule->kind, "not_null") == 0)
		rule->violation = psprintf("%s IS NULL", c);
	else if (strcmp(rule->kind, "in_set") == 0)
		rule->violation = psprintf("%s::text <> ALL (%s::text[])", c,
								   quote_literal_cstr(repo_value("SELECT array_agg(v)::text FROM jsonb_array_elements_text($1::jsonb) v", arg_text(needed(rule, "values")))));
	else if (strcmp(rule->kind, "range") == 0)
		rule->violation = outside(c, argument(rule, "min"), argument(rule, "max"), column_type(relation, rule->columns[0]));
	else if (strcmp(rule->kind, "pattern") == 0)
		rule->violation = psprintf("%s::text !~ %s", c, quote_literal_cstr(needed(rule, "pattern")));
	else if (strcmp(rule->kind, "length") == 0)
		rule->violation = outside(psprintf("length(%s::text)", c), argument(rule, "min"), argument(rule, "max"), "integer");
	else if (strcmp(rule->kind, "sql") == 0)
		rule->violation = psprintf("NOT (%s)", needed(rule, "condition"));
	else if (strcmp(rule->kind, "unique") == 0)
	{
		char *list = column_list(rule->columns, rule->n_columns, "");
		StringInfoData match;

		initStringInfo(&match);
		for (int i = 0; i < rule->n_columns; i++)
			appendStringInfo(&match, "%su.%s = t.%s", i > 0 ? " AND " : "", rule->columns[i], rule->columns[i]);
		rule->violation = psprintf("(%s) IN (SELECT %s FROM %s GROUP BY %s HAVING count(*) > 1)", column_list(rule->columns, rule->n_columns, "t."), list, relation, list);
	}
	else if (strcmp(rule->kind, "references") == 0)
	{
		char *table = own_value("SELECT $1::regclass::text", arg_text(needed(rule, "table")));
		int n;
		char **there = parse_array(repo_value("SELECT array_agg(quote_ident(v)) FROM jsonb_array_elements_text(coalesce($1::jsonb -> 'columns', '[\"id\"]')) v", arg_text(rule->arguments)), &n);
		StringInfoData match,
			given;

		if (n != rule->n_columns)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("a reference needs as many columns here as there")));
		initStringInfo(&match);
		initStringInfo(&given);
		for (int i = 0; i < n; i++)
		{
			appendStringInfo(&match, "%sr.%s = t.%s", i > 0 ? " AND " : "", there[i], rule->columns[i]);
			appendStringInfo(&given, "t.%s IS NOT NULL AND ", rule->columns[i]);
		}
		rule->violation = psprintf("%sNOT EXISTS (SELECT FROM %s r WHERE %s)", given.data, table, match.data);
	}
	else if (strcmp(rule->kind, "freshness") == 0)
	{
		rule->measure = psprintf("max(%s)::timestamptz", c);
		rule->verdict = psprintf("m IS NULL OR m < now() - %s::interval", quote_literal_cstr(needed(rule, "within")));
	}
	else if (strcmp(rule->kind, "row_count") == 0)
	{
		rule->measure = "count(*)";
		rule->verdict = outside("m", argument(rule, "min"), argument(rule, "max"), "bigint");
	}
	else
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("there is no kind of rule \"%s\"", rule->kind),
				 errhint("The kinds are not_null, unique, in_set, range, pattern, length, references, freshness, row_count and sql.")));
}

static char **
quoted_columns(const char *literal, int *n)
{
	char **columns = parse_array(literal, n);

	for (int i = 0; i < *n; i++)
		columns[i] = pstrdup(quote_identifier(columns[i]));
	return columns;
}

/* add_rule(relation, kind, columns, arguments, severity, tolerance): its number */
Datum
ingest_add_rule(PG_FUNCTION_ARGS)
{
	int level = sql_begin();
	Subject subject = subject_of_relation(PG_GETARG_OID(0));
	char *relation = quoted_relation(subject.schema, subject.table);
	SqlArg columns = arg_datum(NAMEARRAYOID, PG_GETARG_DATUM(2), false);
	SqlArg arguments = arg_datum(JSONBOID, PG_GETARG_DATUM(3), false);
	Rule rule = {.kind = text_to_cstring(PG_GETARG_TEXT_PP(1))};
	char *id;

	/* whoever checks the table runs them */
	if (!to_bool(own_value("SELECT pg_has_role($2, relowner, 'USAGE') FROM pg_class WHERE oid = $1::regclass", arg_text(relation),
						   arg_oid(GetUserId()))))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("must be owner of table %s", relation),
				 errdetail("Whoever checks a table runs its rules, as they run its triggers.")));
	rule.columns = quoted_columns(repo_value("SELECT $1::text[]", columns), &rule.n_columns);
	rule.arguments = repo_value("SELECT $1", arguments);
	compile(&rule, relation);
	/* does the server understand it, and may the caller read what it needs? */
	user_run(psprintf("SELECT %s FROM %s t LIMIT 0", rule.violation ? rule.violation : rule.measure, relation));
	id = repo_value("INSERT INTO ingest.rule (source, schema_name, table_name, kind, columns, arguments, severity, tolerance, owner, owner_name) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, pg_get_userbyid($9)) "
					"ON CONFLICT (schema_name, table_name, kind, columns, arguments) DO UPDATE SET severity = excluded.severity, tolerance = excluded.tolerance, enabled = true RETURNING id",
					subject.source ? arg_int8(subject.source) : arg_null(INT8OID), arg_name(subject.schema), arg_name(subject.table), arg_text(rule.kind), columns, arguments,
					arg_datum(TEXTOID, PG_GETARG_DATUM(4), false), arg_datum(FLOAT8OID, PG_GETARG_DATUM(5), false), arg_oid(GetUserId()));
	audit("add_rule", id, NULL, NULL);
	sql_end(level);
	PG_RETURN_INT32(atoi(id));
}

/* -- checking -- */

typedef struct RuleScan
{
	const char *relation;
	Rule *rules;
	int n;
} RuleScan;

/* Counts of all of some rules, in one scan */
static void
scan_rules(void *arg)
{
	RuleScan *scan = arg;
	StringInfoData sql;
	Rows *rows;

	initStringInfo(&sql);
	appendStringInfoString(&sql, "SELECT count(*)");
	for (int i = 0; i < scan->n; i++)
	{
		if (scan->rules[i].violation)
			appendStringInfo(&sql, ", count(*) FILTER (WHERE %s)", scan->rules[i].violation);
		else
			appendStringInfo(&sql, ", %s", scan->rules[i].measure);
	}
	appendStringInfo(&sql, " FROM %s t", scan->relation);
	rows = user_rows(sql.data);
	for (int i = 0; i < scan->n; i++)
	{
		Rule *rule = &scan->rules[i];
		char *value = rows->v[0][i + 1];

		rule->rows = to_int8(rows->v[0][0]);
		if (rule->violation)
		{
			rule->violations = to_int8(value);
			rule->ok = rule->violations <= rule->tolerance * rule->rows;
			continue;
		}
		rule->violations = to_bool(user_value(psprintf("SELECT %s FROM (SELECT %s::%s AS m) x", rule->verdict, value ? quote_literal_cstr(value) : "NULL",
													   strcmp(rule->kind, "freshness") == 0 ? "timestamptz" : "bigint")));
		rule->ok = rule->violations == 0;
		rule->examples = array_literal(value ? &value : NULL, value ? 1 : 0);
	}
}

/* Some of the values that violate it */
static void
find_examples(Rule *rule, const char *relation)
{
	Rows *rows;
	Strings values = {0};
	char *what = rule->n_columns > 0 ? psprintf("ROW(%s)", column_list(rule->columns, rule->n_columns, "t.")) : pstrdup("t");

	if (rule->violation == NULL || rule->violations == 0)
		return;
	if (rule->n_columns == 1)
		what = psprintf("t.%s", rule->columns[0]);
	rows = user_rows(psprintf("SELECT coalesce(left(%s::text, 200), 'NULL') FROM %s t WHERE %s LIMIT 5", what, relation, rule->violation));
	for (uint64 i = 0; i < rows->n; i++)
		strings_add(&values, rows->v[i][0]);
	rule->examples = array_literal(values.items, values.n);
}

static void
keep_result(const Rule *rule, const Subject *subject, const Run *run, ReturnSetInfo *rsinfo)
{
	char *columns = repo_value("SELECT columns FROM ingest.rule WHERE id = $1", arg_int8(to_int8(rule->id)));
	char *table = quoted_relation(subject->schema, subject->table);
	StringInfoData json;
	Datum values[9];
	bool nulls[9] = {0};

	repo_run("INSERT INTO ingest.rule_result (rule, run, rows, violations, ok, examples, where_clause) VALUES ($1, $2, $3, $4, $5, $6::text[], $7)",
			 arg_int8(to_int8(rule->id)), arg_int8(run->id), arg_int8(rule->rows), arg_int8(rule->violations), arg_bool(rule->ok), arg_text(rule->examples),
			 arg_text(rule->violation));
	values[0] = Int32GetDatum(atoi(rule->id));
	values[1] = CStringGetTextDatum(rule->kind);
	values[2] = CStringGetTextDatum(columns);
	values[3] = CStringGetTextDatum(rule->severity);
	values[4] = Int64GetDatum(rule->rows);
	values[5] = Int64GetDatum(rule->violations);
	values[6] = BoolGetDatum(rule->ok);
	nulls[7] = rule->examples == NULL;
	values[7] = rule->examples ? CStringGetTextDatum(rule->examples) : (Datum) 0;
	nulls[8] = rule->violation == NULL;
	values[8] = rule->violation ? CStringGetTextDatum(rule->violation) : (Datum) 0;
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	if (rule->ok)
		return;
	json_open(&json);
	json_raw(&json, "rule", rule->id);
	json_text(&json, "kind", rule->kind);
	json_text(&json, "table", table);
	json_text(&json, "columns", columns);
	json_text(&json, "severity", rule->severity);
	json_int8(&json, "rows", rule->rows);
	json_int8(&json, "violations", rule->violations);
	json_text(&json, "where", rule->violation);
	json_int8(&json, "run", run->id);
	event_emit("ingest.quality.failed", subject->source_name, table, json_close(&json));
}

/* check_quality(relation) → rule, kind, columns, severity, rows, violations, ok, examples, where_clause */
Datum
ingest_check_quality(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Subject subject;
	RuleScan scan;
	Rows *rows;
	Failure failure;
	Run *run;
	int level;

	rows_begin(fcinfo);
	level = sql_begin();
	subject = subject_of_relation(PG_GETARG_OID(0));
	scan.relation = quoted_relation(subject.schema, subject.table);
	run = run_begin("quality", scan.relation, subject.source_name, subject.source, subject.sync);
	rows = repo_rows("SELECT id, kind, columns, arguments, severity, tolerance FROM ingest.rule WHERE (schema_name, table_name) = ($1, $2) AND enabled ORDER BY id",
					 arg_name(subject.schema), arg_name(subject.table));
	scan.n = rows->n;
	scan.rules = palloc0(sizeof(Rule) * Max(scan.n, 1));
	for (int i = 0; i < scan.n; i++)
	{
		Rule *rule = &scan.rules[i];
		char **v = rows->v[i];

		rule->id = v[0];
		rule->kind = v[1];
		rule->columns = quoted_columns(v[2], &rule->n_columns);
		rule->arguments = v[3];
		rule->severity = v[4];
		rule->tolerance = strtod(v[5], NULL);
		compile(rule, scan.relation);
	}
	if (scan.n > 0 && !attempt(scan_rules, &scan, &failure))
	{
		/* one that cannot be computed must not hide the others */
		if (strcmp(failure_class(&failure), "cancelled") == 0)
			failure_rethrow(&failure);
		for (int i = 0; i < scan.n; i++)
		{
			RuleScan one = {scan.relation, &scan.rules[i], 1};

			if (attempt(scan_rules, &one, &failure))
				continue;
			if (strcmp(failure_class(&failure), "cancelled") == 0)
				failure_rethrow(&failure);
			scan.rules[i].ok = false;
			scan.rules[i].examples = array_literal(&failure.message, 1);
		}
	}
	for (int i = 0; i < scan.n; i++)
	{
		if (scan.rules[i].examples == NULL)
			find_examples(&scan.rules[i], scan.relation);
		keep_result(&scan.rules[i], &subject, run, rsinfo);
	}
	run_succeed(run);
	sql_end(level);
	return (Datum) 0;
}
