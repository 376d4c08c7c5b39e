/*
 * sniff.c
 *		files_sniff(): what an import would make of files, and why.
 */
#include "postgres.h"

#include "commands/defrem.h"
#include "common/function.h"
#include "files_fdw/files_fdw.h"
#include "files_fdw/pattern.h"
#include "files_fdw/propose.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

SQL_FUNCTION(files_sniff);

static void
put(ReturnSetInfo *rsinfo, const char *choice, const char *value, const char *evidence, const char *runner_up)
{
	const char *texts[4] = {choice, value, evidence, runner_up};
	Datum values[4];
	bool nulls[4];

	for (int i = 0; i < 4; i++)
	{
		nulls[i] = texts[i] == NULL;
		values[i] = nulls[i] ? (Datum) 0 : CStringGetTextDatum(texts[i]);
	}
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

static void
put_columns(ReturnSetInfo *rsinfo, const Proposal *p)
{
	for (int i = 0; i < p->n; i++)
	{
		const ProposedColumn *c = &p->columns[i];
		StringInfoData type;
		ListCell *lc;

		initStringInfo(&type);
		appendStringInfoString(&type, c->type);
		foreach (lc, c->options)
			appendStringInfo(&type, "%s%s %s", lc == list_head(c->options) ? " (" : ", ",
							 lfirst_node(DefElem, lc)->defname, quote_literal_cstr(defGetString(lfirst(lc))));
		if (c->options)
			appendStringInfoChar(&type, ')');
		put(rsinfo, psprintf("column %s", quote_identifier(c->name)), type.data,
			c->note ? psprintf("%s; stays text: %s", c->evidence, c->note) : c->evidence, c->runner_up);
	}
}

Datum
files_sniff(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	ForeignServer *server = files_server(NameStr(*PG_GETARG_NAME(0)));
	char *patterns = text_to_cstring(PG_GETARG_TEXT_PP(1));
	const char *problem = pattern_problem(patterns);
	Root *root;
	FileGroup *group;
	Proposal p;
	List *files;
	ListCell *lc;

	if (problem)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("invalid pattern of paths: \"%s\"", patterns),
						errhint("%s", problem)));
	root = root_of(server, GetUserId());
	files = root->routine->list(root, patterns);
	if (files == NIL)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_FILE),
						errmsg("server \"%s\" has no file \"%s\"", server->servername, patterns)));
	rows_begin(fcinfo);
	group = group_of_file(linitial(files));
	group->files = files;
	group->pattern = patterns;
	propose(server, root, group, NIL, &p);
	foreach (lc, p.i.dialect.choices)
	{
		const Choice *c = lfirst(lc);

		put(rsinfo, c->name, c->value, c->evidence, c->runner_up);
	}
	if (p.i.dialect.o.format == FORMAT_CSV)
		put(rsinfo, "multiline", p.i.many_lines ? "on" : "off",
			p.i.many_lines ? "rows have more than one line" : "no row has more than one line", NULL);
	put(rsinfo, "rows", psprintf(INT64_FORMAT, p.i.rows),
		p.i.bad > 0 ? psprintf(INT64_FORMAT " do not fit, the first: %s", p.i.bad, p.i.first_bad) : "all of them fit",
		NULL);
	put_columns(rsinfo, &p);
	if (p.problem)
		put(rsinfo, "problem", p.problem, "an import leaves these files out", NULL);
	else
		put(rsinfo, "table", proposal_sql(server, NULL, group->table, &p), "what an import would run", NULL);
	return (Datum) 0;
}
