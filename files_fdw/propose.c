/*
 * propose.c
 *		The foreign table that an import makes of a group of files.
 */
#include "postgres.h"

#include <ctype.h>

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "catalog/pg_class.h"
#include "catalog/pg_foreign_table.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "common/option.h"
#include "files_fdw/fixed.h"
#include "files_fdw/parquet_import.h"
#include "files_fdw/propose.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "nodes/makefuncs.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#define BAD_SHARE 10 /* one of so many rows may be bad, or it is another dialect */

int64
server_infer_bytes(ForeignServer *server)
{
	const char *value = server_option(server, "infer_bytes");
	const char *hint;
	double bytes;

	if (value == NULL || !parse_real(value, &bytes, GUC_UNIT_BYTE, &hint))
		return INFER_BYTES;
	return (int64) bytes;
}

/* -- metadata -- */

List *
metadata_of(const char *text)
{
	List *result = NIL;
	char *copy = pstrdup(text);

	for (char *word = strtok(copy, ","); word != NULL; word = strtok(NULL, ","))
	{
		Metadata *m = palloc(sizeof(Metadata));
		ColumnKind kind;
		char name[NAMEDATALEN];
		char as[4];
		char kind_word[32];
		int n = sscanf(word, " %31s %3s %63s", kind_word, as, name);

		if ((n != 1 && !(n == 3 && pg_strcasecmp(as, "as") == 0)) || !metadata_kind(kind_word, &kind))
			ereport(ERROR, (errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
							errmsg("invalid value for option \"%s\": \"%s\"", "metadata", text),
							errhint("It must be a list of file, position, version, modified, size, line and error, "
									"each optionally with AS and a name.")));
		m->kind = pstrdup(kind_word);
		m->column = n == 3 ? pstrdup(name) : psprintf("_%s", kind_word);
		result = lappend(result, m);
	}
	return result;
}

static const char *
metadata_type(const char *kind)
{
	if (strcmp(kind, "position") == 0 || strcmp(kind, "size") == 0 || strcmp(kind, "line") == 0)
		return "bigint";
	if (strcmp(kind, "modified") == 0)
		return "timestamptz";
	return strcmp(kind, "error") == 0 ? "jsonb" : "text";
}

/* -- names -- */

static bool
name_taken(const Proposal *p, const char *name)
{
	for (int i = 0; i < p->n; i++)
	{
		if (strcmp(p->columns[i].name, name) == 0)
			return true;
	}
	return false;
}

/* Lower case, letters and digits; what else there is becomes underscores.  Names differ. */
static char *
column_name(const Proposal *p, const char *name, const char *else_)
{
	StringInfoData out;
	bool gap = false;
	char *result;

	initStringInfo(&out);
	for (const char *c = name; *c; c++)
	{
		if ((unsigned char) *c >= 128 || isalnum((unsigned char) *c))
		{
			if (gap && out.len > 0)
				appendStringInfoChar(&out, '_');
			gap = false;
			if (out.len == 0 && isdigit((unsigned char) *c))
				appendStringInfoChar(&out, '_');
			appendStringInfoChar(&out, (char) pg_ascii_tolower((unsigned char) *c));
		}
		else
			gap = true;
	}
	if (out.len == 0)
		appendStringInfoString(&out, else_);
	if (out.len >= NAMEDATALEN - 5)
		out.data[pg_mbcliplen(out.data, out.len, NAMEDATALEN - 6)] = '\0';
	result = out.data;
	for (int n = 2; name_taken(p, result); n++)
		result = psprintf("%s_%d", out.data, n);
	return result;
}

static DefElem *
option(const char *name, const char *value)
{
	return makeDefElem(pstrdup(name), (Node *) makeString(pstrdup(value)), -1);
}

/* -- columns -- */

static ProposedColumn *
new_column(Proposal *p)
{
	p->columns =
		p->columns ? repalloc(p->columns, sizeof(ProposedColumn) * (p->n + 1)) : palloc(sizeof(ProposedColumn));
	memset(&p->columns[p->n], 0, sizeof(ProposedColumn));
	return &p->columns[p->n];
}

static void
add_column(Proposal *p, Guess *g, int number)
{
	GuessResult r;
	ProposedColumn *c;
	char *name = column_name(p, g->name, psprintf("column%d", number));

	guess_result(g, &r);
	c = new_column(p);
	c->name = name;
	c->type = r.type;
	c->evidence = r.evidence;
	c->note = r.note;
	c->runner_up = r.runner_up;
	c->options = r.options;
	if (strcmp(name, g->name) != 0 && (p->i.dialect.o.header || p->i.dialect.o.format == FORMAT_JSON))
		c->options = lcons(option("name", g->name), c->options);
	p->n++;
}

/* A column that the files themselves say the type of */
static void
add_found(Proposal *p, const ParquetFound *f, int number)
{
	char *name = column_name(p, f->name, psprintf("column%d", number));
	ProposedColumn *c = new_column(p);

	c->name = name;
	c->type = f->type;
	c->evidence = f->evidence;
	c->note = f->note;
	if (strcmp(name, f->name) != 0)
		c->options = list_make1(option("name", f->name));
	p->n++;
}

static void
add_key(Proposal *p, Guess *g)
{
	GuessResult r;
	ProposedColumn *c;
	char *name = column_name(p, g->name, "key");

	guess_result(g, &r);
	c = new_column(p);
	c->name = name;
	/* a path is written by programs: 2024-01-02, 7, DE; month=07 is a number there */
	c->type = strcmp(r.type, "bigint") == 0 || strcmp(r.type, "date") == 0 ? r.type : "text";
	if (strcmp(r.type, "text") == 0 && g->codes && (g->may & MAY_INT) && g->digits <= 4)
		c->type = "bigint";
	c->options = list_make1(option("partition", g->name));
	c->evidence = pstrdup("a folder of the path");
	p->n++;
}

static void
add_metadata(Proposal *p, List *metadata)
{
	ListCell *lc;

	foreach (lc, metadata)
	{
		Metadata *m = lfirst(lc);
		ProposedColumn *c;

		if (name_taken(p, m->column))
			ereport(ERROR, (errcode(ERRCODE_DUPLICATE_COLUMN),
							errmsg("files \"%s\" have a column \"%s\" themselves", p->i.group->pattern, m->column),
							errhint("Give the column of metadata another name: OPTIONS (metadata '%s AS other_name').",
									m->kind)));
		c = new_column(p);
		c->name = m->column;
		c->type = metadata_type(m->kind);
		c->options = list_make1(option("metadata", m->kind));
		c->evidence = pstrdup("asked for");
		p->n++;
	}
}

/* -- tables that are there -- */

/* The type that holds what both do */
static const char *
wider(const char *one, Oid other)
{
	bool number = strcmp(one, "bigint") == 0 || strcmp(one, "numeric") == 0;

	switch (other)
	{
		case TEXTOID:
			return "text";
		case INT8OID:
			return number ? one : strcmp(one, "text") == 0 ? one
														   : "text";
		case NUMERICOID:
			return number ? "numeric" : "text";
		case TIMESTAMPOID:
			return strcmp(one, "timestamp") == 0 || strcmp(one, "date") == 0 ? "timestamp" : "text";
		case DATEOID:
			return strcmp(one, "timestamp") == 0 || strcmp(one, "date") == 0 ? one : "text";
		case TIMESTAMPTZOID:
			return strcmp(one, "timestamptz") == 0 ? one : "text";
		default:
			return one;
	}
}

/* How the column of a table that is there reads numbers: can it read these? */
static bool
reads_numbers(const Guess *g, Oid type, const Manner *m)
{
	char points = m->decimal == '.' ? 'd' : m->thousands == '.' ? 't'
																: 0;
	char commas = m->decimal == ',' ? 'd' : m->thousands == ',' ? 't'
																: 0;
	int64 fractions = m->decimal == '.' ? g->points + g->doubtful_points : g->commas + g->doubtful_commas;

	if (!(g->may & (MAY_INT | MAY_NUMBER)) || g->codes || g->money || g->nmarks > 1)
		return false;
	if (g->nmarks == 1 && g->marks[0] != m->thousands)
		return false;
	if ((g->points > 0 && points != 'd') || (g->commas > 0 && commas != 'd'))
		return false;
	if ((g->doubtful_points > 0 && points == 0) || (g->doubtful_commas > 0 && commas == 0))
		return false;
	return type == NUMERICOID || (fractions == 0 && g->digits <= 18);
}

/*
 * Values that leave open what they are (the day or the month first, the sign of decimals) are what they were: so says
 * the column of a table that is there, if it can read them all.
 */
static bool
reads_all(const Guess *g, Oid type, const Manner *m)
{
	if (g->values == 0)
		return true;
	switch (type)
	{
		case DATEOID:
			return (g->may & (MAY_DATE << m->dates)) != 0;
		case TIMESTAMPOID:
			return (g->may & (MAY_STAMP << m->dates)) != 0;
		case INT8OID:
		case NUMERICOID:
			return reads_numbers(g, type, m);
		default:
			return false;
	}
}

/* Are all words for nothing among those that the column knows? */
static bool
knows_words(const Guess *g, List *words)
{
	for (int i = 0; i < g->nwords; i++)
	{
		bool found = false;
		ListCell *lc;

		foreach (lc, words)
			found |= strcmp(lfirst(lc), g->words[i]) == 0;
		if (!found)
			return false;
	}
	return true;
}

/* The column as it is there, but for its comment */
static bool
keep_existing(Proposal *p, int i, Relation relation, int attnum)
{
	ProposedColumn *c = &p->columns[i];
	Form_pg_attribute att = TupleDescAttr(RelationGetDescr(relation), attnum - 1);
	ColumnOptions o;
	ListCell *lc;

	if (i >= p->i.n)
		return false;
	column_options(RelationGetRelid(relation), attnum, NameStr(att->attname), &p->i.dialect.o, &o);
	if (o.kind != COLUMN_DATA || !knows_words(p->i.guesses[i], o.manner.null_words) ||
		!reads_all(p->i.guesses[i], att->atttypid, &o.manner))
		return false;
	c->type = format_type_with_typemod(att->atttypid, att->atttypmod);
	c->note = NULL;
	c->options = list_copy(GetForeignColumnOptions(RelationGetRelid(relation), attnum));
	foreach (lc, c->options)
	{
		if (strcmp(lfirst_node(DefElem, lc)->defname, "description") == 0)
			c->options = foreach_delete_current(c->options, lc);
	}
	return true;
}

/* Would the same text mean another number or day than it did? */
static bool
means_another(const ProposedColumn *c, Oid relid, int attnum, const TableOptions *table)
{
	ColumnOptions o;
	Manner now = table->manner;
	ListCell *lc;

	if (strcmp(c->type, "text") == 0)
		return false;
	column_options(relid, attnum, c->name, table, &o);
	foreach (lc, c->options)
	{
		const char *name = lfirst_node(DefElem, lc)->defname;
		const char *value = defGetString(lfirst(lc));

		if (strcmp(name, "decimal") == 0)
			now.decimal = *value;
		else if (strcmp(name, "thousands") == 0)
			now.thousands = (char) byte_of(value);
		else if (strcmp(name, "dateorder") == 0)
			now.dates = *value == 'd' ? DATE_DMY : DATE_MDY;
	}
	return now.decimal != o.manner.decimal || now.dates != o.manner.dates ||
		   (now.thousands != o.manner.thousands && now.thousands != 0 && o.manner.thousands != 0);
}

static void
widen_by(Proposal *p, Oid relid)
{
	Relation relation = try_relation_open(relid, AccessShareLock);
	TupleDesc desc;

	if (relation == NULL)
		return;
	desc = RelationGetDescr(relation);
	for (int i = 0; i < p->n; i++)
	{
		ProposedColumn *c = &p->columns[i];

		for (int a = 0; a < desc->natts; a++)
		{
			Form_pg_attribute att = TupleDescAttr(desc, a);
			const char *type;

			if (att->attisdropped || strcmp(NameStr(att->attname), c->name) != 0)
				continue;
			if (keep_existing(p, i, relation, a + 1))
				continue;
			if (p->i.dialect.o.format == FORMAT_PARQUET)
			{
				type = parquet_wider(c->type, format_type_with_typemod(att->atttypid, att->atttypmod));
				type = type ? type : "text";
			}
			else
				type = means_another(c, relid, a + 1, &p->i.dialect.o) ? "text" : wider(c->type, att->atttypid);
			if (strcmp(type, c->type) != 0)
			{
				c->evidence = psprintf("%s, but foreign table \"%s\" has %s already", c->evidence,
									   RelationGetRelationName(relation), format_type_be(att->atttypid));
				c->type = type;
				if (strcmp(type, "text") == 0)
				{
					ListCell *lc;

					/* how to read numbers and dates is no matter any more */
					foreach (lc, c->options)
					{
						if (strcmp(lfirst_node(DefElem, lc)->defname, "name") != 0)
							c->options = foreach_delete_current(c->options, lc);
					}
				}
			}
		}
	}
	relation_close(relation, AccessShareLock);
}

static bool
same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

/* A table of this server on the same files is followed: types do not become narrower with the newest file */
static void
widen(Proposal *p, ForeignServer *server)
{
	Relation tables = table_open(ForeignTableRelationId, AccessShareLock);
	SysScanDesc scan = systable_beginscan(tables, InvalidOid, false, NULL, 0, NULL);
	List *relids = NIL;
	HeapTuple tuple;
	ListCell *lc;

	while ((tuple = systable_getnext(scan)) != NULL)
	{
		Form_pg_foreign_table form = (Form_pg_foreign_table) GETSTRUCT(tuple);

		if (form->ftserver == server->serverid)
			relids = lappend_oid(relids, form->ftrelid);
	}
	systable_endscan(scan);
	table_close(tables, AccessShareLock);
	foreach (lc, relids)
	{
		List *defs = GetForeignTable(lfirst_oid(lc))->options;

		if (same_text(option_text(defs, "path"), p->i.group->pattern) &&
			same_text(option_text(defs, "sheet"), p->i.dialect.o.sheet))
			widen_by(p, lfirst_oid(lc));
	}
}

/* -- the proposal -- */

static void
judge(Proposal *p)
{
	const Inference *i = &p->i;

	if (i->dialect.problem)
		p->problem = i->dialect.problem;
	else if (i->bad > 0 && i->bad * BAD_SHARE > i->rows)
		p->problem =
			psprintf(INT64_FORMAT " of " INT64_FORMAT " rows do not fit, the first: %s", i->bad, i->rows, i->first_bad);
}

/* By its first file that has anything */
static bool
group_is_parquet(Root *root, FileGroup *group)
{
	ListCell *lc;

	foreach (lc, group->files)
	{
		if (((FileInfo *) lfirst(lc))->size > 0)
			return parquet_is(root, lfirst(lc));
	}
	return false;
}

void
propose(ForeignServer *server, Root *root, FileGroup *group, List *metadata, Proposal *p)
{
	memset(p, 0, sizeof(Proposal));
	if (group_is_parquet(root, group))
	{
		ListCell *lc;
		int number = 0;

		foreach (lc, parquet_infer(root, group, &p->i))
			add_found(p, lfirst(lc), ++number);
	}
	else
		infer_group(root, group, server_infer_bytes(server), &p->i);
	for (int c = 0; c < p->i.n; c++)
		add_column(p, p->i.guesses[c], c + 1);
	for (int k = 0; k < list_length(p->i.keys); k++)
		add_key(p, p->i.key_guesses[k]);
	widen(p, server);
	add_metadata(p, metadata);
	judge(p);
}

static void
append_option(StringInfo out, const char *name, const char *value)
{
	appendStringInfo(out, "%s%s %s", out->data[out->len - 1] == '(' ? "" : ", ", quote_identifier(name),
					 quote_literal_cstr(value));
}

static const char *
on_off(bool on)
{
	return on ? "on" : "off";
}

static void
append_signs(StringInfo out, const TableOptions *o)
{
	append_option(out, "delimiter", byte_print(o->delimiter));
	append_option(out, "quote", byte_print(o->quote));
	if (o->escape != o->quote)
		append_option(out, "escape", byte_print(o->escape));
}

static void
append_sheet(StringInfo out, const TableOptions *o)
{
	if (o->sheet)
		append_option(out, "sheet", o->sheet);
	if (o->range)
		append_option(out, "range", o->range);
	append_option(out, "header", on_off(o->header));
}

/* All that was found stands there, to be read and altered */
static void
append_table_options(StringInfo out, const Proposal *p)
{
	const TableOptions *o = &p->i.dialect.o;

	append_option(out, "path", p->i.group->pattern);
	append_option(out, "format", format_name(o->format));
	if (o->format == FORMAT_PARQUET)
		return;
	if (o->format == FORMAT_XLSX)
	{
		append_sheet(out, o);
		return;
	}
	append_option(out, "encoding", encoding_name(o->encoding));
	if (o->format == FORMAT_JSON)
	{
		append_option(out, "records", o->records);
		return;
	}
	if (o->format == FORMAT_FIXED)
		append_option(out, "columns", fixed_print(o->columns));
	else
		append_signs(out, o);
	append_option(out, "header", on_off(o->header));
	if (o->format == FORMAT_CSV)
		append_option(out, "multiline", on_off(p->i.many_lines));
	if (o->skip > 0)
		append_option(out, "skip", psprintf("%d", o->skip));
	if (o->comment)
		append_option(out, "comment", byte_print(o->comment));
	if (o->cr)
		append_option(out, "record", "cr");
	if (o->lazy_quotes && o->format == FORMAT_CSV)
		append_option(out, "lazy_quotes", "on");
}

char *
proposal_sql(ForeignServer *server, const char *schema, const char *table, const Proposal *p)
{
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfo(&out, "CREATE FOREIGN TABLE %s%s%s (", schema ? quote_identifier(schema) : "", schema ? "." : "",
					 quote_identifier(table));
	for (int i = 0; i < p->n; i++)
	{
		const ProposedColumn *c = &p->columns[i];
		ListCell *lc;

		appendStringInfo(&out, "%s%s %s", i > 0 ? ", " : "", quote_identifier(c->name), c->type);
		if (c->options == NIL && c->note == NULL)
			continue;
		appendStringInfoString(&out, " OPTIONS (");
		foreach (lc, c->options)
			append_option(&out, lfirst_node(DefElem, lc)->defname, defGetString(lfirst(lc)));
		if (c->note)
			append_option(&out, "description", psprintf("stays text: %s", c->note));
		appendStringInfoChar(&out, ')');
	}
	appendStringInfo(&out, ") SERVER %s OPTIONS (", quote_identifier(server->servername));
	append_table_options(&out, p);
	append_option(&out, "description", group_words(p->i.group));
	appendStringInfoChar(&out, ')');
	return out.data;
}

char *
proposal_words(const Proposal *p)
{
	const Inference *i = &p->i;
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfo(&out, "%d %s (%s), %s", list_length(i->group->files),
					 list_length(i->group->files) == 1 ? "file" : "files", i->group->pattern,
					 i->dialect.o.format == FORMAT_PARQUET || i->dialect.o.format == FORMAT_XLSX
						 ? format_name(i->dialect.o.format)
						 : encoding_name(i->dialect.o.encoding));
	if (i->dialect.o.sheet)
		appendStringInfo(&out, ", sheet \"%s\"", i->dialect.o.sheet);
	if (i->dialect.o.range)
		appendStringInfo(&out, ", range %s", i->dialect.o.range);
	if (i->group->hidden > 0)
		appendStringInfo(&out, ", hidden sheets left out: %d", i->group->hidden);
	if (i->dialect.o.format == FORMAT_CSV)
		appendStringInfo(&out, ", delimiter %s", byte_print(i->dialect.o.delimiter));
	if (i->dialect.o.format == FORMAT_FIXED)
		appendStringInfo(&out, ", columns %s", fixed_print(i->dialect.o.columns));
	if (i->dialect.o.skip > 0)
		appendStringInfo(&out, ", %d lines skipped", i->dialect.o.skip);
	appendStringInfo(&out, ", " INT64_FORMAT " rows read", i->rows);
	if (i->bad > 0)
		appendStringInfo(&out, ", " INT64_FORMAT " of which do not fit, the first: %s", i->bad, i->first_bad);
	if (i->cut > 0)
		appendStringInfo(&out, "; of %d files beyond infer_bytes only the beginning", i->cut);
	if (i->empty > 0)
		appendStringInfo(&out, "; %d files are empty", i->empty);
	if (i->strange > 0)
		appendStringInfo(&out,
						 "; %d files have other columns and will fail, the first: \"%s\" (option tables of the server "
						 "sets them apart)",
						 i->strange, i->first_strange);
	for (int c = 0; c < p->n; c++)
	{
		if (p->columns[c].note)
			appendStringInfo(&out, "; column %s stays text: %s", p->columns[c].name, p->columns[c].note);
	}
	return out.data;
}
