/*
 * parquet_nest.c
 *		Lists, maps and structs of a Parquet column, as jsonb.
 *
 * Each leaf below the column has its entries with two levels: which of what is repeated began anew, and how much of
 * the path to the value is there.  A row is put together from the top: whoever asks for a node's value takes from all
 * leaves below it just the entries that are its own.
 */
#include "postgres.h"

#include "common/json_build.h"
#include "files_fdw/parquet_nest.h"
#include "files_fdw/reader.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"
#include "utils/numeric.h"

#define STEP_BYTES 65536

typedef struct Cursor
{
	ParquetLeaf *leaf;
	int at;   /* entry of the leaf's step */
	int slot; /* value of it */
	bool ended;
	bool passed_over; /* nobody wants it: its leaf is not read, and has no entries here */
} Cursor;

struct ParquetNest
{
	const ParquetMeta *meta;
	const ParquetNode *node;
	bool cut;
	Recoder *recoder;
	Cursor *cursors;            /* by leaf - node->leaf */
	const char *const *members; /* of node that are read; NULL: all */
	int64 row;                  /* that the cursors stand at */
	bool fresh;                 /* no row of the row group was read */
	int64 rows;                 /* the row group ends there */
	JsonBuild build;
	Complaint *complaint;
	bool bad;
};

ParquetNest *
nest_new(ParquetSource *source, const ParquetMeta *meta, const ParquetNode *node, size_t block, bool cut)
{
	ParquetNest *n = palloc0(sizeof(ParquetNest));

	n->meta = meta;
	n->node = node;
	n->cut = cut;
	n->recoder = recoder_new(PG_UTF8);
	n->cursors = palloc0(sizeof(Cursor) * Max(node->leaves, 1));
	for (int i = 0; i < node->leaves; i++)
		n->cursors[i].leaf = leaf_new(source, meta, node->leaf + i, Max(block / node->leaves, 16384), STEP_BYTES);
	return n;
}

static const ParquetNode *
first_child(const ParquetNode *node)
{
	return node + 1;
}

static const ParquetNode *
next_child(const ParquetNest *n, const ParquetNode *child)
{
	return &n->meta->nodes[child->end];
}

static bool
is_taken(const ParquetNest *n, const ParquetNode *node, const ParquetNode *child)
{
	if (node != n->node || n->members == NULL)
		return true;
	for (const char *const *name = n->members; *name; name++)
		if (strcmp(*name, child->name) == 0)
			return true;
	return false;
}

bool
nest_take(ParquetNest *n, const char *const *members)
{
	const ParquetNode *child = first_child(n->node);
	bool any = false;

	n->members = members;
	for (int i = 0; i < n->node->children; i++, child = next_child(n, child))
	{
		bool taken = is_taken(n, n->node, child);

		for (int k = 0; k < child->leaves; k++)
			n->cursors[child->leaf - n->node->leaf + k].passed_over = !taken;
		any = any || (taken && child->leaves > 0);
	}
	return any;
}

void
nest_group(ParquetNest *n, int group, const ParquetChunk *chunks, int64 first)
{
	n->row = n->meta->groups[group].first;
	n->fresh = true;
	n->rows = n->row + n->meta->groups[group].rows;
	for (int i = 0; i < n->node->leaves; i++)
	{
		if (n->cursors[i].passed_over)
			continue;
		leaf_group(n->cursors[i].leaf, group, &chunks[n->node->leaf + i]);
		n->cursors[i].at = n->cursors[i].slot = 0;
		n->cursors[i].ended = false;
	}
}

/* -- entries of a leaf -- */

/* Is there an entry? */
static inline bool
present(Cursor *c)
{
	/* then the leaf has no entries, and the cursor stands behind those that it had last */
	if (c->ended)
		return false;
	while (c->at == c->leaf->n)
	{
		if (!leaf_next(c->leaf, LEAF_STEP))
		{
			c->ended = true;
			return false;
		}
		c->at = c->slot = 0;
	}
	return true;
}

static inline int
def_of(Cursor *c)
{
	if (!present(c))
		leaf_damaged(c->leaf, "there are fewer values than rows");
	return c->leaf->def_levels[c->at];
}

/* -1: there is no entry */
static inline int
rep_of(Cursor *c)
{
	return present(c) ? c->leaf->rep_levels[c->at] : -1;
}

static inline void
advance(Cursor *c)
{
	c->slot += c->leaf->def_levels[c->at] == c->leaf->node->def;
	c->at++;
}

/* -- values as JSON -- */

static void
push(ParquetNest *n, JsonbIteratorToken token, JsonbValue *value)
{
	json_build(&n->build, token, value);
}

/* To an array, to a member, or alone */
static void
put(ParquetNest *n, JsonbValue *value)
{
	if (n->build.parseState == NULL)
	{
		n->build.result = palloc(sizeof(JsonbValue));
		*n->build.result = *value;
	}
	else
		push(n, n->build.parseState->contVal.type == jbvArray ? WJB_ELEM : WJB_VALUE, value);
}

static void
put_null(ParquetNest *n)
{
	put(n, &(JsonbValue){.type = jbvNull});
}

/* A row may go on in the next page, whose bytes come where those of this one are */
static char *
kept(const char *p, size_t len)
{
	char *copy = palloc(len + 1);

	if (len > 0)
		memcpy(copy, p, len);
	copy[len] = '\0';
	return copy;
}

static void
put_string(ParquetNest *n, const char *p, size_t len)
{
	JsonbValue value = {.type = jbvString};

	value.val.string.val = kept(p, len);
	value.val.string.len = (int) len;
	put(n, &value);
}

static void
make_bad(ParquetNest *n, int sqlstate, const char *why, const char *p, size_t len)
{
	if (!n->bad)
	{
		(void) complain(n->complaint, sqlstate, "%s", why);
		n->complaint->value = kept(p, len);
		n->complaint->len = (int) len;
	}
	n->bad = true;
}

/* In the database's encoding; NULL: it is none, and the row is bad */
static const char *
text_of(ParquetNest *n, const Slice *s, size_t *len)
{
	*len = s->len;
	if (n->recoder == NULL)
	{
		int good = pg_encoding_verifymbstr(GetDatabaseEncoding(), s->p, (int) s->len);

		if (good == (int) s->len)
			return s->p;
		if (!n->bad)
		{
			(void) complain_bytes(n->complaint, s->p + good, s->len - good);
			/* the rest of the row may be in the next page */
			n->complaint->value = kept(s->p, s->len);
			n->complaint->len = (int) s->len;
		}
		n->bad = true;
		return NULL;
	}
	{
		size_t room = (size_t) s->len * 4 + 16;
		char *to = palloc(room);
		size_t done = 0;
		bool bad = false;

		*len = 0;
		while (done < s->len && !bad)
		{
			size_t taken;

			*len += recode(n->recoder, s->p + done, s->len - done, true, to + *len, room - *len, &taken, &bad);
			done += taken;
			bad |= taken == 0;
		}
		if (!bad && memchr(to, '\0', *len) == NULL)
			return to;
	}
	make_bad(n, ERRCODE_UNTRANSLATABLE_CHARACTER, "the text has characters that the database's encoding does not have",
			 s->p,
			 s->len);
	return NULL;
}

static void
put_number(ParquetNest *n, const char *text)
{
	JsonbValue value = {.type = jbvNumeric};

	value.val.numeric = DatumGetNumeric(DirectFunctionCall3(numeric_in, CStringGetDatum(text),
															ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
	put(n, &value);
}

/* A JSON text within: as it is */
static void
put_json(ParquetNest *n, const char *p, size_t len)
{
	Datum json = DirectFunctionCall1(jsonb_in, CStringGetDatum(pnstrdup(p, len)));
	JsonbValue value = {.type = jbvBinary};
	Jsonb *jb = DatumGetJsonbP(json);

	if (JB_ROOT_IS_SCALAR(jb))
	{
		JsonbValue scalar;

		(void) JsonbExtractScalar(&jb->root, &scalar);
		put(n, &scalar);
		return;
	}
	value.val.binary.data = &jb->root;
	value.val.binary.len = VARSIZE(jb) - VARHDRSZ;
	put(n, &value);
}

static void
put_value(ParquetNest *n, const ParquetNode *node, const ParquetValue *value)
{
	StringInfoData text;
	int64 ignored;
	ParquetMeaning meaning = parquet_leaf_meaning(node);
	ValueState state = VALUE_FINE;
	const char *p;
	size_t len;

	if (meaning == MEAN_BOOL)
	{
		JsonbValue truth = {.type = jbvBool};

		truth.val.boolean = value->number != 0;
		put(n, &truth);
		return;
	}
	if (meaning == MEAN_TEXT || meaning == MEAN_JSON)
	{
		p = text_of(n, &value->bytes, &len);
		if (p == NULL)
			put_null(n);
		else if (meaning == MEAN_JSON)
			put_json(n, p, len);
		else
			put_string(n, p, len);
		return;
	}
	initStringInfo(&text);
	parquet_value_text(node, value, &text);
	if (meaning == MEAN_TIME)
		state = parquet_time(node, value, n->cut, &ignored);
	else if (meaning == MEAN_TIMESTAMP || meaning == MEAN_TIMESTAMPTZ || meaning == MEAN_INT96)
	{
		state = parquet_stamp(node, value, n->cut, &ignored);
		/* JSON's own way to write them */
		p = memchr(text.data, ' ', text.len);
		if (p && state == VALUE_FINE)
			text.data[p - text.data] = 'T';
	}
	else if (meaning == MEAN_DATE)
	{
		int32 date;

		state = parquet_date(value, &date);
	}
	if (state != VALUE_FINE)
		make_bad(n, ERRCODE_DATETIME_FIELD_OVERFLOW,
				 state == VALUE_NANOS ? "a time is finer than a microsecond (option nanos)"
									  : "a date or time is out of range",
				 text.data, text.len);
	if ((meaning == MEAN_INT || meaning == MEAN_UNSIGNED || meaning == MEAN_DECIMAL || meaning == MEAN_FLOAT ||
		 meaning == MEAN_DOUBLE || meaning == MEAN_HALF) &&
		strspn(text.data, "-0123456789.e+") == (size_t) text.len)
		put_number(n, text.data);
	else
		put_string(n, text.data, text.len);
}

/* -- putting together -- */

static void read_node(ParquetNest *n, const ParquetNode *node);

static inline Cursor *
first_cursor(ParquetNest *n, const ParquetNode *node)
{
	Cursor *c = &n->cursors[node->leaf - n->node->leaf];

	/* of those below the column itself the first may be passed over */
	while (c->passed_over)
		c++;
	return c;
}

/* The entries of something that is not there: all leaves below say so */
static void
pass(ParquetNest *n, const ParquetNode *node, int def)
{
	for (int i = 0; i < node->leaves; i++)
	{
		Cursor *c = &n->cursors[node->leaf - n->node->leaf + i];

		if (c->passed_over)
			continue;
		if (def_of(c) != def)
			leaf_damaged(c->leaf, "its levels do not agree with those of the columns next to it");
		advance(c);
	}
}

/* A group of one repeated group: a list, in the form that is written now, or an older one */
static const ParquetNode *
list_element(const ParquetNode *node)
{
	const ParquetNode *inner = first_child(node);

	if (node->logical != PARQUET_L_LIST || node->children != 1 || inner->repetition != PARQUET_REPEATED)
		return NULL;
	if (inner->type >= 0 || inner->children != 1 || strcmp(inner->name, "array") == 0 ||
		strcmp(inner->name, psprintf("%s_tuple", node->name)) == 0)
		return inner;
	return first_child(inner);
}

static bool
is_map(const ParquetNode *node)
{
	const ParquetNode *inner = first_child(node);

	return node->logical == PARQUET_L_MAP && node->children == 1 && inner->repetition == PARQUET_REPEATED &&
		   inner->type < 0 && inner->children == 2 && first_child(inner)->repetition != PARQUET_REPEATED;
}

static void
read_leaf(ParquetNest *n, const ParquetNode *node)
{
	Cursor *c = first_cursor(n, node);
	ParquetValue value;

	if (def_of(c) != node->def)
		leaf_damaged(c->leaf, "its levels do not agree with those of the columns next to it");
	if (c->leaf->by_index)
		parquet_value_at(node, c->leaf->dictionary, (int) c->leaf->index[c->slot], &value);
	else
		parquet_value_at(node, c->leaf->values, c->slot, &value);
	put_value(n, node, &value);
	advance(c);
}

static void
put_key(ParquetNest *n, const char *name)
{
	JsonbValue key = {.type = jbvString};
	char *text = pg_any_to_server(name, (int) strlen(name), PG_UTF8);

	key.val.string.val = text;
	key.val.string.len = (int) strlen(text);
	push(n, WJB_KEY, &key);
}

/* A struct: its members, each called as its column */
static void
read_members(ParquetNest *n, const ParquetNode *node)
{
	const ParquetNode *child = first_child(node);

	push(n, WJB_BEGIN_OBJECT, NULL);
	for (int i = 0; i < node->children; i++, child = next_child(n, child))
	{
		if (!is_taken(n, node, child))
			continue;
		put_key(n, child->name);
		read_node(n, child);
	}
	push(n, WJB_END_OBJECT, NULL);
}

/* The key of a map, which becomes a member's name; false: it is bad */
static void
read_map_key(ParquetNest *n, const ParquetNode *node, List **keys)
{
	Cursor *c = first_cursor(n, node);
	JsonbValue key = {.type = jbvString};
	ParquetValue value;
	const char *text = NULL;
	size_t len = 0;
	ListCell *lc;

	if (def_of(c) != node->def)
		leaf_damaged(c->leaf, "the key of a map is null");
	if (c->leaf->by_index)
		parquet_value_at(node, c->leaf->dictionary, (int) c->leaf->index[c->slot], &value);
	else
		parquet_value_at(node, c->leaf->values, c->slot, &value);
	advance(c);
	text = text_of(n, &value.bytes, &len);
	key.val.string.val = text ? pnstrdup(text, len) : "";
	key.val.string.len = text ? (int) len : 0;
	foreach (lc, list_length(*keys) > 64 ? NIL : *keys)
	{
		if (strcmp(lfirst(lc), key.val.string.val) == 0)
			make_bad(n, ERRCODE_DUPLICATE_JSON_OBJECT_KEY_VALUE, "a map has a key twice", key.val.string.val,
					 key.val.string.len);
	}
	*keys = lappend(*keys, key.val.string.val);
	push(n, WJB_KEY, &key);
}

static int
by_bytes(const ListCell *a, const ListCell *b)
{
	return strcmp(lfirst(a), lfirst(b));
}

/* Of a large map keys are compared when all are there */
static void
check_keys(ParquetNest *n, List *keys)
{
	if (list_length(keys) <= 64)
		return;
	list_sort(keys, by_bytes);
	for (int i = 1; i < list_length(keys); i++)
	{
		char *key = list_nth(keys, i);

		if (strcmp(list_nth(keys, i - 1), key) == 0)
			make_bad(n, ERRCODE_DUPLICATE_JSON_OBJECT_KEY_VALUE, "a map has a key twice", key, strlen(key));
	}
}

/* The instances of something that is repeated, one after the other */
static bool
another(ParquetNest *n, const ParquetNode *node)
{
	int rep = rep_of(first_cursor(n, node));

	CHECK_FOR_INTERRUPTS();
	for (int i = 1; i < node->leaves; i++)
	{
		Cursor *c = first_cursor(n, node) + i;

		if ((rep_of(c) == node->rep) != (rep == node->rep))
			leaf_damaged(c->leaf, "its levels do not agree with those of the columns next to it");
	}
	if (rep > node->rep)
		leaf_damaged(first_cursor(n, node)->leaf, "a level is higher than what it repeats");
	return rep == node->rep;
}

static void
read_map(ParquetNest *n, const ParquetNode *inner)
{
	const ParquetNode *key = first_child(inner);
	bool named = key->type >= 0 && parquet_leaf_meaning(key) == MEAN_TEXT;
	bool any = def_of(first_cursor(n, inner)) >= inner->def;
	List *keys = NIL;

	push(n, named ? WJB_BEGIN_OBJECT : WJB_BEGIN_ARRAY, NULL);
	if (!any)
		pass(n, inner, inner->def - 1);
	while (any)
	{
		if (named)
		{
			read_map_key(n, key, &keys);
			read_node(n, next_child(n, key));
		}
		else
			read_members(n, inner);
		any = another(n, inner);
	}
	check_keys(n, keys);
	push(n, named ? WJB_END_OBJECT : WJB_END_ARRAY, NULL);
}

/* element: what is in each instance, itself or its only child */
static void
read_list(ParquetNest *n, const ParquetNode *repeated, const ParquetNode *element)
{
	bool any = def_of(first_cursor(n, repeated)) >= repeated->def;

	push(n, WJB_BEGIN_ARRAY, NULL);
	if (!any)
		pass(n, repeated, repeated->def - 1);
	while (any)
	{
		if (element != repeated)
			read_node(n, element);
		else if (element->type >= 0)
			read_leaf(n, element);
		else
			read_members(n, element);
		any = another(n, repeated);
	}
	push(n, WJB_END_ARRAY, NULL);
}

static void
read_node(ParquetNest *n, const ParquetNode *node)
{
	const ParquetNode *element;

	check_stack_depth();
	if (node->leaves == 0)
	{
		put_null(n);
		return;
	}
	if (node->repetition == PARQUET_REPEATED)
	{
		read_list(n, node, node);
		return;
	}
	if (node->repetition == PARQUET_OPTIONAL)
	{
		int def = def_of(first_cursor(n, node));

		if (def < node->def)
		{
			if (def != node->def - 1)
				leaf_damaged(first_cursor(n, node)->leaf,
							 "its levels do not agree with those of the columns next to it");
			pass(n, node, def);
			put_null(n);
			return;
		}
	}
	if (node->type >= 0)
		read_leaf(n, node);
	else if ((element = list_element(node)) != NULL)
		read_list(n, first_child(node), element);
	else if (is_map(node))
		read_map(n, first_child(node));
	else
		read_members(n, node);
}

/* The next row's entries begin anew */
static void
check_row(ParquetNest *n)
{
	for (int i = 0; i < n->node->leaves; i++)
	{
		int rep = n->cursors[i].passed_over ? 0 : rep_of(&n->cursors[i]);

		if (rep > 0 || (rep < 0 && n->row < n->rows))
			leaf_damaged(n->cursors[i].leaf, rep > 0 ? "a row has values beyond its end"
													 : "there are fewer values than rows");
	}
}

static void
pass_row(ParquetNest *n)
{
	for (int i = 0; i < n->node->leaves; i++)
	{
		Cursor *c = &n->cursors[i];

		if (c->passed_over)
			continue;
		if (!present(c))
			leaf_damaged(c->leaf, "there are fewer values than rows");
		do
			advance(c);
		while (rep_of(c) > 0);
	}
	n->row++;
}

bool
nest_value(ParquetNest *n, int64 row, Datum *value, bool *isnull, Complaint *complaint)
{
	if (n->fresh)
		check_row(n);
	n->fresh = false;
	while (n->row < row)
	{
		if ((n->row & 1023) == 0)
			CHECK_FOR_INTERRUPTS();
		pass_row(n);
	}
	if (n->node->leaves == 0)
	{
		*isnull = true;
		return true;
	}
	memset(&n->build, 0, sizeof(n->build));
	n->complaint = complaint;
	n->bad = false;
	read_node(n, n->node);
	n->row++;
	check_row(n);
	*isnull = n->build.result == NULL || n->build.result->type == jbvNull;
	if (!n->bad && !*isnull)
		*value = PointerGetDatum(JsonbValueToJsonb(n->build.result));
	return !n->bad;
}
