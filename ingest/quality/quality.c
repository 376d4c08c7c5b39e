/*
 * quality.c
 *		What must hold in a table.
 *
 * Rules about single rows become conditions that are true of rows that violate them; all
 * of a table's are counted in one scan.  They are computed as the role that made them, in
 * a security-restricted operation with a search_path of its own, whoever checks.
 */
#include "postgres.h"

#include "funcapi.h"
#include "ingest/repository/access.h"
#include "ingest/repository/anomaly.h"
#include "ingest/base/attempt.h"
#include "ingest/base/compat.h"
#include "ingest/event/event.h"
#include "ingest/sync/merge.h"
#include "ingest/repository/run.h"
#include "ingest/base/row.h"
#include "ingest/base/sql.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "catalog/pg_namespace.h"
#include "parser/parse_type.h"
#include "utils/lsyscache.h"
#include "utils/tuplestore.h"
#include "utils/typcache.h"

SQL_FUNCTION(ingest_add_rule);
SQL_FUNCTION(ingest_check_quality);

typedef struct Rule
{
	int32 id;
	Oid owner;
	bool owns; /* the table, still */
	char *kind;
	char *names;    /* of its columns, an array literal */
	char **columns; /* the same, quoted */
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

ROW_SHAPE(rule_shape, Rule, FIELD(INT4, Rule, id), FIELD(OID, Rule, owner), FIELD(BOOL, Rule, owns),
		  FIELD(TEXT, Rule, kind), FIELD_OF("columns", TEXT, Rule, names), FIELD(TEXT, Rule, arguments),
		  FIELD(TEXT, Rule, severity), FIELD(FLOAT8, Rule, tolerance));

/* One of a rule's arguments as text; NULL: it has none of that name */
static char *
argument(const Rule *rule, const char *name)
{
	return repo_value("SELECT $1::jsonb ->> $2", arg_text(rule->arguments), arg_text(name));
}

/* One without which the rule means nothing */
static char *
needed(const Rule *rule, const char *name)
{
	char *value = argument(rule, name);

	if (value == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a rule of kind %s needs the argument \"%s\"", rule->kind, name),
				 errhint("arguments => '{\"%s\": ...}'.", name)));
	return value;
}

/* Constants of a rule are read as the column's type, once, and not once per row */
static char *
column_type(const char *relation, const char *column)
{
	char *type =
		repo_value("SELECT ingest_internal.rule_column_type($1, $2)", arg_relation(relation), arg_text(column));

	if (type == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("%s has no column %s", relation, column)));
	return type;
}

/* An operator of a type, also where it is not in the search_path, which is pinned */
static char *
operator_of(const char *type, int what)
{
	Oid typid;
	int32 typmod;
	TypeCacheEntry *entry;
	Oid operator;
	Oid schema;

	parseTypeString(type, &typid, &typmod, false);
	entry = lookup_type_cache(typid, what);
	operator= what == TYPECACHE_EQ_OPR ? entry->eq_opr : what == TYPECACHE_LT_OPR ? entry->lt_opr
																				  : entry->gt_opr;
	if (!OidIsValid(operator))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FUNCTION),
				 errmsg("values of type %s cannot be compared", type)));
	schema = get_func_namespace(get_opcode(operator));
	return schema == PG_CATALOG_NAMESPACE
			   ? get_opname(operator)
			   : psprintf("OPERATOR(%s.%s)", quote_identifier(get_namespace_name(schema)), get_opname(operator));
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
		appendStringInfo(&sql, "%s %s %s::%s", value, operator_of(type, TYPECACHE_LT_OPR), quote_literal_cstr(low),
						 type);
	if (high)
		appendStringInfo(&sql, "%s%s %s %s::%s", low ? " OR " : "", value, operator_of(type, TYPECACHE_GT_OPR),
						 quote_literal_cstr(high), type);
	return sql.data;
}

/* Names of columns as SQL has them */
static char **
quoted_columns(const char *literal, int *n)
{
	char **columns = parse_array(literal, n);

	for (int i = 0; i < *n; i++)
		columns[i] = pstrdup(quote_identifier(columns[i]));
	return columns;
}

/* What a rule about the whole table holds its argument against */
static const char *
type_of_measure(const Rule *rule)
{
	return strcmp(rule->kind, "freshness") == 0 ? "timestamptz" : "bigint";
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
				 errhint("columns => '{...}'.")));
	for (int i = 0; i < rule->n_columns; i++)
		(void) column_type(relation, rule->columns[i]);

	if (strcmp(rule->kind, "not_null") == 0)
		rule->violation = psprintf("%s IS NULL", c);
	else if (strcmp(rule->kind, "in_set") == 0)
		rule->violation = psprintf(
			"%s::text <> ALL (%s::text[])", c,
			quote_literal_cstr(repo_value("SELECT ingest_internal.rule_texts($1)", arg_jsonb(needed(rule, "values")))));
	else if (strcmp(rule->kind, "range") == 0)
		rule->violation =
			outside(c, argument(rule, "min"), argument(rule, "max"), column_type(relation, rule->columns[0]));
	else if (strcmp(rule->kind, "pattern") == 0)
		rule->violation = psprintf("%s::text !~ %s", c, quote_literal_cstr(needed(rule, "pattern")));
	else if (strcmp(rule->kind, "length") == 0)
		rule->violation =
			outside(psprintf("length(%s::text)", c), argument(rule, "min"), argument(rule, "max"), "integer");
	else if (strcmp(rule->kind, "sql") == 0)
		rule->violation = psprintf("NOT (%s)", needed(rule, "condition"));
	else if (strcmp(rule->kind, "unique") == 0)
	{
		char *list = column_list(rule->columns, rule->n_columns, "");
		StringInfoData match;

		initStringInfo(&match);
		for (int i = 0; i < rule->n_columns; i++)
			appendStringInfo(&match, "%su.%s = t.%s", i > 0 ? " AND " : "", rule->columns[i], rule->columns[i]);
		rule->violation = psprintf("(%s) IN (SELECT %s FROM %s GROUP BY %s HAVING count(*) > 1)",
								   column_list(rule->columns, rule->n_columns, "t."), list, relation, list);
	}
	else if (strcmp(rule->kind, "references") == 0)
	{
		char *table = own_value("SELECT $1::regclass::text", arg_text(needed(rule, "table")));
		int n;
		char *columns = argument(rule, "columns");
		char **there = quoted_columns(
			repo_value("SELECT ingest_internal.rule_texts($1)", arg_jsonb(columns ? columns : "[\"id\"]")), &n);
		StringInfoData match,
			given;

		if (n != rule->n_columns)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("a reference needs the same number of columns on both sides")));
		initStringInfo(&match);
		initStringInfo(&given);
		for (int i = 0; i < n; i++)
		{
			appendStringInfo(&match, "%sr.%s %s t.%s", i > 0 ? " AND " : "", there[i],
							 operator_of(column_type(relation, rule->columns[i]), TYPECACHE_EQ_OPR), rule->columns[i]);
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
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("there is no kind of rule \"%s\"", rule->kind),
						errhint("The kinds are not_null, unique, in_set, range, pattern, length, references, "
								"freshness, row_count and sql.")));
}

/* A question about what is a role's: as that role, who cannot change the session meanwhile */
typedef struct Asking
{
	Oid owner;
	const char *sql;
	Rows *rows;
} Asking;

/* As who made the rule, restricted: its condition is that role's code */
static void
ask(void *arg)
{
	Asking *asking = arg;
	Identity saved;

	become_restricted(asking->owner, &saved);
	asking->rows = own_rows(asking->sql);
	become_again(&saved);
}

/* The same where an error is for the caller to hear */
static Rows *
answer(Oid owner, const char *sql)
{
	Asking asking = {owner, sql};

	ask(&asking);
	return asking.rows;
}

/* Whoever adds a rule lets code run for all who check the table */
static void
require_table_owner(Oid relid, const char *relation)
{
	if (!superuser() && !owns_relation(GetUserId(), relid))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("must be owner of table %s", relation),
				 errdetail("Only its owner can say what must hold in a table.")));
}

/* What a scan would find out at its first row, or at its end */
static void
compute(void *arg)
{
	(void) own_value(arg);
}

/* What cannot be computed is no rule: it is told to who adds it, not to who checks the table one day */
static void
require_constants(const Rule *rule)
{
	char *sql = NULL;
	Failure failure;

	if (strcmp(rule->kind, "pattern") == 0)
		sql = psprintf("SELECT '' ~ %s", quote_literal_cstr(needed(rule, "pattern")));
	else if (rule->verdict)
		sql = psprintf("SELECT %s FROM (SELECT NULL::%s AS m) x", rule->verdict, type_of_measure(rule));
	if (sql && !attempt(compute, sql, &failure))
		ereport(ERROR,
				(errcode(failure.sqlerrcode),
				 errmsg("the rule cannot be checked: %s", failure.message)));
}

/*
 * Whose a rule is: who adds it for the owner of a table adds it as that role, since what it reads, such as functions in
 * a view, is the owner's.
 */
static Oid
owner_of_rule(Oid relid)
{
	Oid owner = to_oid(own_value("SELECT relowner FROM pg_class WHERE oid = $1", arg_oid(relid)));

	return is_member_of_role_nosuper(GetUserId(), owner) ? GetUserId() : owner;
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
	char *severity = text_to_cstring(PG_GETARG_TEXT_PP(4));
	double tolerance = PG_GETARG_FLOAT8(5);
	Asking asking = {0};
	Failure failure;
	char *id;

	require_table_owner(PG_GETARG_OID(0), relation);
	rule.owner = owner_of_rule(PG_GETARG_OID(0));
	if (strcmp(severity, "info") != 0 && strcmp(severity, "warning") != 0 && strcmp(severity, "error") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("there is no severity \"%s\"", severity),
				 errhint("The severities are info, warning and error.")));
	if (!(tolerance >= 0 && tolerance <= 1))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the tolerance of a rule is a share of rows, between 0 and 1")));
	rule.names = repo_value("SELECT $1::text[]", columns);
	rule.columns = quoted_columns(rule.names, &rule.n_columns);
	rule.arguments = repo_value("SELECT $1", arguments);
	compile(&rule, relation);
	/* does the server understand it, and may its owner read what it needs? */
	asking = (Asking){
		rule.owner, psprintf("SELECT %s FROM %s t LIMIT 0", rule.violation ? rule.violation : rule.measure, relation)};
	if (!attempt(ask, &asking, &failure))
		failure_rethrow(&failure);
	require_constants(&rule);
	id = repo_value("SELECT ingest_internal.rule_insert($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)", arg_oid(rule.owner),
					subject.source ? arg_int4(subject.source) : arg_null(INT4OID), arg_oid(PG_GETARG_OID(0)),
					arg_name(subject.schema), arg_name(subject.table), arg_text(rule.kind), columns, arguments,
					arg_text(severity), arg_datum(FLOAT8OID, PG_GETARG_DATUM(5), false));
	audit("add_rule", id, NULL, NULL);
	return sql_end_int4(level, to_int4(id));
}

/* -- checking -- */

typedef struct RuleScan
{
	const char *relation;
	Oid owner;
	Rule **rules; /* all of that owner's */
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
		if (scan->rules[i]->violation)
			appendStringInfo(&sql, ", count(*) FILTER (WHERE %s)", scan->rules[i]->violation);
		else
			appendStringInfo(&sql, ", %s", scan->rules[i]->measure);
	}
	appendStringInfo(&sql, " FROM %s t", scan->relation);
	rows = answer(scan->owner, sql.data);
	for (int i = 0; i < scan->n; i++)
	{
		Rule *rule = scan->rules[i];
		char *value = first_row(rows)[i + 1];

		rule->rows = to_int8(first_row(rows)[0]);
		if (rule->violation)
		{
			rule->violations = to_int8(value);
			rule->ok = rule->violations <= rule->tolerance * rule->rows;
			continue;
		}
		rule->violations =
			to_bool(own_value(psprintf("SELECT %s FROM (SELECT %s::%s AS m) x", rule->verdict,
									   value ? quote_literal_cstr(value) : "NULL", type_of_measure(rule))));
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
	char *what =
		rule->n_columns > 0 ? psprintf("ROW(%s)", column_list(rule->columns, rule->n_columns, "t.")) : pstrdup("t");

	if (rule->violation == NULL || rule->violations == 0)
		return;
	if (rule->n_columns == 1)
		what = psprintf("t.%s", rule->columns[0]);
	rows = answer(rule->owner, psprintf("SELECT coalesce(left(%s::text, 200), 'NULL') FROM %s t WHERE %s LIMIT 5", what,
										relation, rule->violation));
	for (uint64 i = 0; i < rows->n; i++)
		strings_add(&values, rows->v[i][0]);
	rule->examples = array_literal(values.items, values.n);
}

/* Into the history of results, and as a row of what was called */
static void
keep_result(const Rule *rule, const Subject *subject, const Run *run, ReturnSetInfo *rsinfo)
{
	char *table = quoted_relation(subject->schema, subject->table);
	StringInfoData json;
	Datum values[9];
	bool nulls[9] = {0};

	repo_run("SELECT ingest_internal.rule_checked($1, $2, $3, $4, $5, $6::text[], $7)", arg_int4(rule->id),
			 arg_int8(run->id), arg_int8(rule->rows), arg_int8(rule->violations), arg_bool(rule->ok),
			 arg_text(rule->examples), arg_text(rule->violation));
	values[0] = Int32GetDatum(rule->id);
	values[1] = CStringGetTextDatum(rule->kind);
	values[2] = CStringGetTextDatum(rule->names);
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
	json_int8(&json, "rule", rule->id);
	json_text(&json, "kind", rule->kind);
	json_text(&json, "table", table);
	json_text(&json, "columns", rule->names);
	json_text(&json, "severity", rule->severity);
	json_int8(&json, "rows", rule->rows);
	json_int8(&json, "violations", rule->violations);
	json_text(&json, "where", rule->violation);
	json_int8(&json, "run", run->id);
	event_emit("ingest.quality.failed", subject->source_name, table, json_close(&json));
}

typedef struct Examples
{
	Rule *rule;
	const char *relation;
} Examples;

/* What an attempt does to find some rows that violate a rule */
static void
examples_of(void *arg)
{
	Examples *examples = arg;

	find_examples(examples->rule, examples->relation);
}

/* A failure that is a rule's own: it does not hold */
static void
rule_failed(Rule *rule, const Failure *failure)
{
	rule->ok = false;
	rule->examples = array_literal((char **) &failure->message, 1);
}

/* Those of one owner, in one scan; one that cannot be computed must not hide the others */
static void
check_scan(RuleScan *scan)
{
	Failure failure;

	if (attempt(scan_rules, scan, &failure))
		return;
	for (int i = 0; i < scan->n; i++)
	{
		RuleScan one = {scan->relation, scan->owner, &scan->rules[i], 1};

		if (!attempt(scan_rules, &one, &failure))
			rule_failed(scan->rules[i], &failure);
	}
}

/* Those that one role made in one scan: conditions of two roles are never in the same statement */
static void
check_rules(Rule *rules, int n, const char *relation)
{
	bool *done = palloc0(n + 1);

	for (int i = 0; i < n; i++)
	{
		RuleScan scan = {relation, rules[i].owner, palloc(sizeof(Rule *) * n), 0};

		for (int k = i; k < n; k++)
		{
			if (done[k] || rules[k].owner != scan.owner)
				continue;
			scan.rules[scan.n++] = &rules[k];
			done[k] = true;
		}
		if (scan.n > 0)
			check_scan(&scan);
	}
	for (int i = 0; i < n; i++)
	{
		Examples examples = {&rules[i], relation};
		Failure failure;

		if (rules[i].examples == NULL && !attempt(examples_of, &examples, &failure))
			rule_failed(&rules[i], &failure);
	}
}

/* check_quality(relation) → rule, kind, columns, severity, rows, violations, ok, examples, where_clause */
Datum
ingest_check_quality(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Subject subject;
	const char *relation;
	Rule *rules;
	Run *run;
	int known,
		n = 0;
	int level;

	rows_begin(fcinfo);
	level = sql_begin();
	subject = subject_of_relation(PG_GETARG_OID(0));
	relation = quoted_relation(subject.schema, subject.table);
	(void) reader_of(PG_GETARG_OID(0), "quality");
	run = run_begin("quality", relation, subject.source_name, subject.source, subject.sync);
	rules = repo_structs(rule_shape, &known, "SELECT * FROM ingest_internal.rules_of($1)", arg_oid(PG_GETARG_OID(0)));
	for (int i = 0; i < known; i++)
	{
		/* a table that was given to somebody else: they did not ask for it */
		if (!rules[i].owns)
		{
			ereport(NOTICE,
					(errmsg("rule %d is left out: the role that made it does not own %s", rules[i].id, relation)));
			continue;
		}
		rules[n] = rules[i];
		rules[n].columns = quoted_columns(rules[n].names, &rules[n].n_columns);
		compile(&rules[n++], relation);
	}
	if (n == 0)
		ereport(NOTICE,
				(errmsg("there are no rules of %s to check", relation),
				 errhint("ingest.add_rule creates one; ingest.suggest_rules finds some that hold now.")));
	check_rules(rules, n, relation);
	for (int i = 0; i < n; i++)
		keep_result(&rules[i], &subject, run, rsinfo);
	run_succeed(run);
	sql_end(level);
	return (Datum) 0;
}
