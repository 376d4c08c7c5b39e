/*
 * page.c
 *		The frame of a reply: is its JSON whole, where are its rows, what does it
 *		say of the rows to come?
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "netsuite_fdw/jsontext.h"
#include "netsuite_fdw/page.h"

static const char *
frame_items(ReplyPage *page, const char *p, const char *end)
{
	p = skip_space(p + 1);
	page->items = p;
	page->last_row = NULL;
	page->nrows = 0;
	while (*p == '{')
	{
		page->last_row = p;
		p = skip_container(p, end);
		if (p == NULL)
			return NULL;
		page->nrows++;
		p = skip_space(p);
		if (*p == ']')
			break;
		/* a comma announces another row */
		if (*p != ',')
			return NULL;
		p = skip_space(p + 1);
		if (*p != '{')
			return NULL;
	}
	if (*p != ']')
		return NULL;
	page->items_end = p;
	return p + 1;
}

/* A number of rows, perhaps in quotes; -1 for anything else */
static int64
frame_number(const char *p)
{
	bool quoted = *p == '"';
	int64 value = 0;
	const char *start = p += quoted;

	while (*p >= '0' && *p <= '9' && p - start < 18)
		value = value * 10 + *p++ - '0';
	if (p == start || (quoted ? *p != '"' : *p != ',' && *p != '}' && (unsigned char) *p > ' '))
		return -1;
	return value;
}

static ReplyMore
frame_more(const char *p)
{
	p += *p == '"';
	return strncmp(p, "true", 4) == 0 ? MORE_YES : strncmp(p, "false", 5) == 0 ? MORE_NO
																			   : MORE_UNKNOWN;
}

/* One member of the reply: the name lies between name and name_end; of two alike the last counts */
static const char *
frame_member(ReplyPage *page, const char *name, const char *name_end, bool escaped, const char *p,
			 const char *end, int64 *count)
{
	char plain[NAMEDATALEN];
	int len = escaped ? plain_name(name, name_end, plain, sizeof(plain)) : (int) (name_end - name);

	if (len == NAME_MALFORMED)
		return NULL;
	if (escaped)
		name = plain;
	if (len == 5 && memcmp(name, "items", 5) == 0 && *p == '[')
		return frame_items(page, p, end);
	if (len == 12 && memcmp(name, "totalResults", 12) == 0)
		page->total = frame_number(p);
	else if (len == 5 && memcmp(name, "count", 5) == 0)
		*count = frame_number(p);
	else if (len == 6 && memcmp(name, "offset", 6) == 0)
		page->offset = frame_number(p);
	else if (len == 7 && memcmp(name, "hasMore", 7) == 0)
		page->more = frame_more(p);
	return skip_value(p, end);
}

static bool
frame_object(ReplyPage *page, const char *p, const char *end, int64 *count)
{
	p = skip_space(p);
	if (*p++ != '{')
		return false;
	for (;;)
	{
		const char *name;
		const char *name_end;
		bool escaped = false;

		p = skip_space(p);
		if (*p != '"')
			return false;
		name = p + 1;
		name_end = string_end(name, end, &escaped);
		if (name_end == NULL)
			return false;
		p = skip_space(name_end + 1);
		if (*p++ != ':')
			return false;
		p = frame_member(page, name, name_end, escaped, skip_space(p), end, count);
		if (p == NULL)
			return false;
		p = skip_space(p);
		if (*p == '}')
			return skip_space(p + 1) == end;
		if (*p++ != ',')
			return false;
	}
}

/*
 * Find the rows of a page and prove that it is whole.  False with a reason if
 * not; does not throw.
 */
bool
page_frame(ReplyPage *page, const char **why)
{
	const char *end = page->text.data + page->text.len;
	int64 count = -1;

	page->items = page->items_end = page->last_row = NULL;
	page->nrows = 0;
	page->total = page->offset = -1;
	page->more = MORE_UNKNOWN;
	if (page->text.len == 0 || !frame_object(page, page->text.data, end, &count) ||
		page->items == NULL)
	{
		*why = "the reply is not a complete JSON page";
		return false;
	}
	if (count >= 0 && count != page->nrows)
	{
		*why = "the reply contains a different number of rows than it says";
		return false;
	}
	page->valid_utf8 = pg_encoding_verifymbstr(PG_UTF8, page->text.data, (int) page->text.len) ==
					   (int) page->text.len;
	page_rewind(page);
	return true;
}

static void
refuse_reply(const char *why)
{
	ereport(ERROR,
			(errcode(ERRCODE_FDW_REPLY_HANDLE),
			 errmsg("NetSuite's reply cannot be used"),
			 errdetail_internal("%s", why)));
}

/*
 * The same of a reply that was parsed as a document, to a request for rows from
 * offset on: its items.  Throws where the reply contradicts itself or the request.
 */
Json *
page_describe(ReplyPage *page, Json *body, int limit, int64 offset)
{
	Json *items = json_member(body, "items");
	const char *total = json_text(body, "totalResults");
	const char *more = json_text(body, "hasMore");
	const char *count = json_text(body, "count");
	const char *begin = json_text(body, "offset");

	if (!json_is_array(items))
		refuse_reply("It contains no list of rows.");
	page->nrows = json_count(items);
	page->total = total ? frame_number(total) : -1;
	page->more = more ? frame_more(more) : MORE_UNKNOWN;
	page->offset = begin ? frame_number(begin) : -1;
	for (int i = 0; i < page->nrows; i++)
	{
		if (!json_is_object(json_item(items, i)))
			refuse_reply("It contains a row that is not an object.");
	}
	if (count && frame_number(count) >= 0 && frame_number(count) != page->nrows)
		refuse_reply("It contains a different number of rows than it says.");
	if (page->nrows > limit)
		refuse_reply("It contains more rows than were asked for.");
	if (page->offset >= 0 && page->offset != offset)
		refuse_reply("It begins at a different row than was asked for.");
	return items;
}

void
page_rewind(ReplyPage *page)
{
	page->next = page->items;
}
