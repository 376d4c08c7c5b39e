/*
 * bytes.c
 *		What reading the stored form can come upon.
 */
#include "postgres.h"

#include "ingest_profile/bytes.h"
#include "mb/pg_wchar.h"
#include "utils/memutils.h"

void
report_damage(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("this is not a profile_sketch, or a damaged one"),
			 errhint("Profile the data again.")));
}

/* A copy of a text, in this database's encoding */
char *
take_string(Reader *in, Size limit, MemoryContext context, int *len)
{
	const char *text = take_text(in, limit, len);
	const char *here = text;
	char *copy;

	if (pg_encoding_verifymbstr(in->encoding, text, *len) != *len || memchr(text, 0, *len) != NULL)
		report_damage();
	if (in->encoding != GetDatabaseEncoding() && *len > 0)
	{
		here = (char *) pg_do_encoding_conversion((unsigned char *) text, *len, in->encoding, GetDatabaseEncoding());
		if (here != text)
			*len = (int) strlen(here);
	}
	copy = MemoryContextAlloc(context, *len + 1);
	memcpy(copy, here, *len);
	copy[*len] = '\0';
	return copy;
}
