/*
 * dialect_fuzz.c
 *		Fuzzer for sniffing: any text has a dialect, or is in doubt.
 */
#include "postgres.h"

#include "files_fdw/dialect.h"
#include "files_fdw/fixed.h"
#include "files_fdw/guess.h"
#include "common/written.h"
#include "nodes/makefuncs.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/timestamp.h"
#include "test/fuzz/files_standins.h"

const int day_tab[2][13] = {
	{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31, 0},
	{31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31, 0}};

int
date2j(int y, int m, int d)
{
	return y * 372 + m * 31 + d;
}

/* Words of languages are not what is tried here */
bool
written_truth(const char *text, int len, bool *value, uint64 *of)
{
	*value = len > 0 && *text == 'j';
	*of = 1;
	return len == 2;
}

static void *
not_reached(void)
{
	fprintf(stderr, "what reads files was called\n");
	abort();
}

#define NOT_REACHED(result, name, arguments) \
	result name arguments \
	{ \
		return (result) (intptr_t) not_reached(); \
	}

NOT_REACHED(size_t, input_read, (Input * in, char *to, size_t room))
NOT_REACHED(Input *, input_new, (RootFile * file, const FileInfo *info, Compression compression, FileEncoding encoding))
NOT_REACHED(const char *, encoding_name, (FileEncoding encoding))
NOT_REACHED(const char *, pg_encoding_to_char, (int encoding))
NOT_REACHED(int, DetermineTimeZoneOffset, (struct pg_tm * tm, pg_tz *tzp))
NOT_REACHED(int, timestamp2tm, (Timestamp dt, int *tzp, struct pg_tm *tm, fsec_t *fsec, const char **tzn, pg_tz *attimezone))
NOT_REACHED(int, tm2timestamp, (struct pg_tm * tm, fsec_t fsec, int *tzp, Timestamp *dt))
NOT_REACHED(List *, list_make2_impl, (NodeTag t, ListCell a, ListCell b))
NOT_REACHED(String *, makeString, (char *str))
NOT_REACHED(DefElem *, makeDefElem, (char *name, Node *arg, int location))

void
input_seek(Input *in, int64 offset)
{
	(void) in, (void) offset;
	not_reached();
}

MemoryContext
AllocSetContextCreateInternal(MemoryContext parent, const char *name, Size min, Size init, Size max)
{
	static int some;

	(void) parent, (void) name, (void) min, (void) init, (void) max;
	return (MemoryContext) &some;
}

void
MemoryContextDelete(MemoryContext context)
{
	(void) context;
}

void
table_defaults(TableOptions *o)
{
	*o = (TableOptions){.encoding = PG_UTF8, .delimiter = ',', .quote = '"', .escape = '"', .header = true, .multiline = true, .records = "lines", .max_row_bytes = 1 << 20, .manner = {.decimal = '.'}};
}

/* A list of pointers, as much of it as is used */
List *
lappend(List *list, void *datum)
{
	(void) datum;
	return list;
}

List *
list_copy(const List *list)
{
	return (List *) list;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1 || size > 8192)
		return 0;
	if (setjmp(failed) == 0)
	{
		Dialect d = {0};
		char *text = palloc(size + 1);

		memcpy(text, data + 1, size - 1);
		text[size - 1] = '\0';
		table_defaults(&d.o);
		dialect_of_text(text, size - 1, data[0] & 1, &d);
		CHECK(d.o.format == FORMAT_CSV || d.o.format == FORMAT_JSON || (d.o.format == FORMAT_FIXED && d.o.columns->n > 1));
		CHECK(d.o.format == FORMAT_JSON || d.o.delimiter != 0);
		CHECK(d.o.skip >= 0 && d.o.skip <= (int) size);
		/* each value by itself, too */
		{
			Guess *g = guess_new("x");

			guess_add(g, text, (int) strlen(text), 0, false, "f", 1);
			guess_add(g, text, (int) strlen(text), FIELD_RAW, true, "f", 1);
		}
	}
	else
		CHECK(false);
	forget_all();
	return 0;
}
