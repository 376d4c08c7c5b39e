/*
 * xlsx_text.c
 *		Texts of a workbook.
 */
#include "postgres.h"

#include <ctype.h>

#include "files_fdw/xlsx_text.h"
#include "mb/pg_wchar.h"

void
rich_begin(RichText *t, const char *name)
{
	t->phonetic += strcmp(name, "rPh") == 0;
	t->open = t->phonetic == 0 && strcmp(name, "t") == 0;
}

void
rich_end(RichText *t, const char *name)
{
	t->phonetic -= strcmp(name, "rPh") == 0;
	t->open = false;
}

/* The character that _xHHHH_ stands for; -1: it is none, or half of one */
static int
escaped_character(const char *p, const char *end)
{
	unsigned int c = 0;

	if (end - p < 7 || p[0] != '_' || p[1] != 'x' || p[6] != '_')
		return -1;
	for (int i = 2; i < 6; i++)
	{
		if (!isxdigit((unsigned char) p[i]))
			return -1;
		c = c * 16 + (unsigned int) (p[i] <= '9' ? p[i] - '0' : (p[i] | 32) - 'a' + 10);
	}
	return c >= 0xd800 && c < 0xe000 ? -1 : (int) c;
}

void
unescape_text(StringInfo text, int from)
{
	const char *p = text->data + from;
	const char *end = text->data + text->len;
	char *to = text->data + from;

	if (memchr(p, '_', end - p) == NULL)
		return;
	while (p < end)
	{
		int c = *p == '_' ? escaped_character(p, end) : -1;

		if (c < 0)
		{
			*to++ = *p++;
			continue;
		}
		p += 7;
		(void) unicode_to_utf8((pg_wchar) c, (unsigned char *) to);
		to += pg_utf_mblen((unsigned char *) to);
	}
	text->len = (int) (to - text->data);
	*to = '\0';
}

bool
recode_text(Recoder *recoder, StringInfo text, int from)
{
	size_t len;
	char *recoded;

	if (memchr(text->data + from, '\0', text->len - from) != NULL)
		return false;
	if (recoder == NULL)
		return true;
	recoded = recode_whole(recoder, text->data + from, (size_t) (text->len - from), &len);
	if (recoded == NULL)
		return false;
	text->len = from;
	appendBinaryStringInfo(text, recoded, (int) len);
	pfree(recoded);
	return true;
}
