/*
 * collation.c
 *		How text columns compare there, proved on the columns themselves.
 *
 * A column may be bound to a collation of its own, so what holds for literals
 * holds for no column.  The proof is a row whose value the account itself tells
 * apart from what differs from it in case, accents, a trailing blank or a
 * character that linguistic rules ignore; every question has the bare column on
 * one side, since its collation is the one that counts.  A column without such a
 * row stays unknown: then a condition is checked here, too.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "mb/pg_wchar.h"
#include "netsuite_fdw/collation.h"
#include "netsuite_fdw/trait.h"
#include "utils/memutils.h"

#define MOST_COLUMNS 40 /* in one question */
#define MOST_ROWS 1000

/* What a session knows of one column */
typedef struct TextColumn
{
	KnownColumn name;
	uint8 asked;  /* bits of TextTrait */
	uint8 proved; /* what is not is unknown */
} TextColumn;

#define ACCENTED "TRANSLATE(%1$s,'AEIOUaeiou','\303\201\303\211\303\215\303\223\303\232\303\241\303\251\303\255\303\263\303\272')"
#define BLANK "%1$s || ' '"
#define SOFT_HYPHEN "%1$s || '\302\255'"
#define E_ACUTE "qe\314\201" /* two code points, one letter */
#define POINTS "%1$s || '" E_ACUTE "' LIKE '%%qe_' AND %1$s || '" E_ACUTE "' LIKE '%%qe%%'"

/* By TextTrait, for a column's name; values near the largest size cannot be made longer */
static const char *const proofs[] = {
	[TEXT_EQUALITY] = "'' IS NULL AND (%1$s <> LOWER(%1$s) OR %1$s <> UPPER(%1$s)) AND %1$s <> " BLANK
					  " AND %1$s <> " SOFT_HYPHEN " AND %1$s <> " ACCENTED,
	/* a value that is a pattern of its own is none to learn from */
	[TEXT_LIKE] = "%1$s LIKE %1$s AND (%1$s NOT LIKE LOWER(%1$s) OR %1$s NOT LIKE UPPER(%1$s)) AND %1$s NOT LIKE " BLANK
				  " AND %1$s NOT LIKE " SOFT_HYPHEN " AND %1$s NOT LIKE " ACCENTED " AND " POINTS,
	[TEXT_POINTS] = POINTS,
	[TEXT_ORDER] = "LOWER(%1$s) > 'a' AND %1$s < 'a' AND 'z' || %1$s < '\303\251' || %1$s"
				   " AND '\357\274\241' || %1$s < '\360\220\200\200' || %1$s",
};

/* ORDER BY may go by a rule of the session where < does not */
static const char sorted[] =
	"SELECT q.k AS k FROM (SELECT 'z' AS k FROM dual UNION ALL SELECT '\303\251' AS k FROM dual "
	"UNION ALL SELECT 'a' AS k FROM dual UNION ALL SELECT 'B' AS k FROM dual) q ORDER BY q.k ASC";
static const char *const in_bytes[] = {"B", "a", "z", "\303\251"};

/*
 * A text of this file as the database writes it, since requests are written in
 * its encoding; NULL if it cannot.
 */
static char *
in_database_encoding(char *text)
{
	int len = strlen(text);
	Oid proc;
	char *result;

	if (GetDatabaseEncoding() == PG_UTF8)
		return text;
	proc = FindDefaultConversionProc(PG_UTF8, GetDatabaseEncoding());
	if (!OidIsValid(proc))
		return NULL;
	result = palloc(len * MAX_CONVERSION_GROWTH + 1);
	if (pg_do_encoding_conversion_buf(proc, PG_UTF8, GetDatabaseEncoding(), (unsigned char *) text,
									  len, (unsigned char *) result, len * MAX_CONVERSION_GROWTH + 1, true) != len)
		return NULL;
	return result;
}

static TextColumn *
known(Client *client, const char *from, const char *column)
{
	return trait_column(client, &traits_of(client)->text, sizeof(TextColumn), from, column);
}

/* Add to a list those of some columns that were not asked about yet */
static List *
unasked(Client *client, TextTrait trait, const char *from, List *columns, List *list)
{
	ListCell *lc;

	foreach (lc, columns)
	{
		TextColumn *c = known(client, from, lfirst(lc));

		if (!(c->asked & (1 << trait)) && list_length(list) < MOST_COLUMNS)
			list = list_append_unique_ptr(list, c);
	}
	return list;
}

/* The question of one trait of some columns of a table */
static char *
question_of(TextTrait trait, List *columns)
{
	StringInfoData select;
	StringInfoData where;
	const char *from = NULL;
	ListCell *lc;

	initStringInfo(&select);
	initStringInfo(&where);
	foreach (lc, columns)
	{
		TextColumn *c = lfirst(lc);
		int i = foreach_current_index(lc);

		appendStringInfo(&select, "%sCASE WHEN LENGTH(%s) < 200 THEN CASE WHEN ", i > 0 ? ", " : "", c->name.column);
		appendStringInfo(&select, proofs[trait], c->name.column);
		appendStringInfo(&select, " THEN 'T' ELSE 'F' END END AS proof_%d", i + 1);
		appendStringInfo(&where, "%s%s IS NOT NULL", i > 0 ? " OR " : "", c->name.column);
		from = c->name.from;
	}
	return psprintf("SELECT %s FROM %s WHERE %s", select.data, from, where.data);
}

/* Note which columns the rows prove */
static void
judge(TextTrait trait, List *columns, Json *items)
{
	ListCell *lc;

	foreach (lc, columns)
	{
		TextColumn *c = lfirst(lc);
		char *name = psprintf("proof_%d", foreach_current_index(lc) + 1);

		for (int i = 0; i < json_count(items); i++)
		{
			const char *text = json_text(json_item(items, i), name);

			if (text != NULL && strcmp(text, "T") == 0)
			{
				c->proved |= 1 << trait;
				/* that includes the other */
				if (trait == TEXT_LIKE)
					c->proved |= 1 << TEXT_POINTS, c->asked |= 1 << TEXT_POINTS;
				break;
			}
		}
	}
}

/*
 * Ask about columns of a table, all at once.  False if that was refused; a
 * refusal is kept only of the last question, since one column may spoil it for all.
 */
static bool
ask(Client *client, TextTrait trait, List *columns, bool last)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "netsuite collation", ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	char *query = in_database_encoding(question_of(trait, columns));
	Request *request = NULL;
	bool refused = false;
	ListCell *lc;

	if (query != NULL)
		judge(trait, columns, trait_ask(client, query, Min(client_options(client)->page_size, MOST_ROWS), context, &request));
	if (request != NULL)
		refused = request_refused(request);
	/* a passing failure is not remembered, but for not asking many times in one statement */
	if (request != NULL && !trait_lasts(request))
		traits_of(client)->failed_in = GetCurrentStatementStartTimestamp();
	else if (last || !refused)
	{
		foreach (lc, columns)
			((TextColumn *) lfirst(lc))->asked |= 1 << trait;
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return !refused;
}

/* Does ORDER BY go by bytes where no column's collation says otherwise? */
static bool
sorts_by_bytes(Client *client)
{
	Traits *t = traits_of(client);
	MemoryContext context;
	MemoryContext old;
	Request *request;
	Json *items;

	if (t->sort_asked || t->failed_in == GetCurrentStatementStartTimestamp())
		return t->sort_binary == TRAIT_YES;
	context = AllocSetContextCreate(CurrentMemoryContext, "netsuite collation", ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(context);
	items = trait_ask(client, sorted, lengthof(in_bytes), context, &request);
	if (json_count(items) == lengthof(in_bytes))
	{
		t->sort_binary = TRAIT_YES;
		for (int i = 0; i < lengthof(in_bytes); i++)
		{
			const char *text = json_text(json_item(items, i), "k");

			if (text == NULL || strcmp(text, in_bytes[i]) != 0)
				t->sort_binary = TRAIT_NO;
		}
	}
	t->sort_asked = trait_lasts(request);
	if (!t->sort_asked)
		t->failed_in = GetCurrentStatementStartTimestamp();
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return t->sort_binary == TRAIT_YES;
}

/* What a server option says of a trait */
static Declared
declared(const ServerOptions *o, TextTrait trait)
{
	switch (trait)
	{
		case TEXT_EQUALITY:
			return o->text_equality_exact;
		case TEXT_ORDER:
			return o->text_order_binary;
		case TEXT_LIKE:
			return o->text_like_exact;
		case TEXT_POINTS:
			return o->text_like_exact == DECLARED_YES ? DECLARED_YES : DECLARED_MEASURE;
	}
	return DECLARED_MEASURE;
}

/*
 * Does the trait hold of all these text columns of a table or query?  Those that
 * the statement is likely to need as well are asked about in the same request.
 * Without a column it is dates and numbers that were turned into text.
 */
bool
collation_proves(Client *client, TextTrait trait, const char *from, List *columns, List *likely)
{
	Declared says = declared(client_options(client), trait);
	List *wanted;
	ListCell *lc;

	/* elsewhere the bytes of texts do not stand in the order of their characters */
	if (trait == TEXT_ORDER && GetDatabaseEncoding() != PG_UTF8)
		return false;
	if (says != DECLARED_MEASURE)
		return says == DECLARED_YES;
	if (trait == TEXT_ORDER && (!collation_proves(client, TEXT_EQUALITY, from, columns, likely) || !sorts_by_bytes(client)))
		return false;
	wanted = unasked(client, trait, from, columns, NIL);
	if (wanted != NIL && traits_of(client)->failed_in != GetCurrentStatementStartTimestamp())
	{
		List *all = unasked(client, trait, from, likely, list_copy(wanted));
		bool more = list_length(all) > list_length(wanted);

		if (!ask(client, trait, all, !more) && more)
			ask(client, trait, wanted, true);
	}
	foreach (lc, columns)
	{
		if (!(known(client, from, lfirst(lc))->proved & (1 << trait)))
			return false;
	}
	return true;
}
