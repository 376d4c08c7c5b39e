/*
 * word.c
 *		How options write bytes and lists of words.
 */
#include "postgres.h"

#include "files_fdw/option.h"
#include "lib/stringinfo.h"

int
byte_of(const char *value)
{
	static const struct
	{
		const char *word;
		int byte;
	} words[] = {
		{"none", 0},
		{"", 0},
		{"tab", '\t'},
		{"\\t", '\t'},
		{"space", ' '},
		{"comma", ','},
		{"semicolon", ';'},
		{"pipe", '|'},
	};

	for (int i = 0; i < lengthof(words); i++)
	{
		if (strcmp(value, words[i].word) == 0)
			return words[i].byte;
	}
	if (value[1] == '\0' && (unsigned char) value[0] < 128)
		return value[0];
	if (value[0] == '\\' && value[1] == 'x' && strlen(value) == 4 && strspn(value + 2, "0123456789abcdefABCDEF") == 2)
	{
		long byte = strtol(value + 2, NULL, 16);

		return byte > 0 && byte < 128 ? (int) byte : -1;
	}
	return -1;
}

char *
byte_print(int byte)
{
	if (byte == 0)
		return pstrdup("none");
	if (byte == '\t')
		return pstrdup("tab");
	if (byte == ' ')
		return pstrdup("space");
	if (byte < ' ' || byte == 127)
		return psprintf("\\x%02x", byte);
	return psprintf("%c", byte);
}

List *
words_of(const char *list)
{
	List *words = NIL;
	StringInfoData word;
	bool quoted = false;
	bool was = false;

	initStringInfo(&word);
	for (const char *p = list;; p++)
	{
		if (*p == '\0' || (*p == ',' && !quoted))
		{
			if (word.len > 0 || was)
				words = lappend(words, pstrdup(word.data));
			resetStringInfo(&word);
			was = false;
			if (*p == '\0')
				return words;
		}
		else if (*p == '"' && quoted && p[1] == '"')
			appendStringInfoChar(&word, *p++);
		else if (*p == '"')
		{
			quoted = !quoted;
			was = true;
		}
		else
			appendStringInfoChar(&word, *p);
	}
}

char *
words_print(List *words)
{
	StringInfoData out;
	ListCell *lc;

	initStringInfo(&out);
	foreach (lc, words)
	{
		const char *word = lfirst(lc);
		bool quote = strpbrk(word, ",\"") != NULL || *word == '\0';

		if (out.len > 0)
			appendStringInfoChar(&out, ',');
		if (quote)
			appendStringInfoChar(&out, '"');
		for (const char *p = word; *p; p++)
		{
			if (*p == '"')
				appendStringInfoChar(&out, '"');
			appendStringInfoChar(&out, *p);
		}
		if (quote)
			appendStringInfoChar(&out, '"');
	}
	return out.data;
}
