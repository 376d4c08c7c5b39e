/*
 * xlsx_fuzz.c
 *		Fuzzer for workbooks: a byte that says what the others are, and a file, or parts of one.
 *
 * Checksums would keep a fuzzer of files out of their parts: so it may give a sheet, texts and styles alone, divided by
 * bytes that no XML has, which are packed into a workbook here.  Whatever they are: it is refused, or its rows come in
 * their order, within the limits of a sheet, with fields that are in their texts; and a second reading has the same ones.
 */
#include "postgres.h"

#include <zlib.h>

#include "files_fdw/xlsx_read.h"
#include "test/fuzz/files_standins.h"

#define MOST_PARTS 6
#define MOST_ROWS_READ 5000
#define DIVIDER 0xff

/* -- stand-ins -- */

static MemoryContextCallback *callbacks = NULL;

void
MemoryContextRegisterResetCallback(MemoryContext context, MemoryContextCallback *cb)
{
	(void) context;
	cb->next = callbacks;
	callbacks = cb;
}

static void
end_reading(void)
{
	for (; callbacks != NULL; callbacks = callbacks->next)
		callbacks->func(callbacks->arg);
	forget_all();
}

List *
lappend(List *list, void *datum)
{
	if (list == NULL)
	{
		list = palloc0(sizeof(List));
		list->type = T_List;
	}
	list->elements = list->elements ? repalloc(list->elements, sizeof(ListCell) * (list->length + 1)) : palloc(sizeof(ListCell));
	list->elements[list->length++].ptr_value = datum;
	return list;
}

unsigned char
pg_toupper(unsigned char c)
{
	return c >= 'a' && c <= 'z' ? c - 32 : c;
}

/* Days are days of some calendar */
void
j2date(int jd, int *year, int *month, int *day)
{
	*year = jd / 372;
	*month = jd % 372 / 31 + 1;
	*day = jd % 31 + 1;
}

Recoder *
recoder_new(FileEncoding encoding)
{
	(void) encoding;
	return NULL;
}

char *
recode_whole(Recoder *r, const char *p, size_t n, size_t *len)
{
	(void) r, (void) p, (void) n, (void) len;
	abort();
}

size_t
input_read(Input *in, char *to, size_t room)
{
	(void) in, (void) to, (void) room;
	abort();
}

void
input_seek(Input *in, int64 offset)
{
	(void) in, (void) offset;
	abort();
}

/* -- a workbook in memory -- */

static uint8_t *bytes;
static size_t nbytes;

static size_t
memory_read(RootFile *file, void *buffer, size_t n, int64 offset)
{
	size_t got;

	(void) file;
	CHECK(offset >= 0);
	got = offset >= (int64) nbytes ? 0 : Min(n, nbytes - (size_t) offset);
	memcpy(buffer, bytes + offset, got);
	return got;
}

static const RootRoutine routine = {.read = memory_read};
static Root root = {.routine = &routine, .server = "s", .where = "/"};
static RootFile file = {.root = &root, .path = "x"};

static void
put(const void *data, size_t n)
{
	bytes = realloc(bytes, nbytes + n + 1);
	memcpy(bytes + nbytes, data, n);
	nbytes += n;
}

static void
put_number(uint32 value, int n)
{
	for (int i = 0; i < n; i++, value >>= 8)
		put(&(uint8_t){(uint8_t) value}, 1);
}

typedef struct Part
{
	const char *name;
	const uint8_t *data;
	size_t n;
	size_t offset;
} Part;

/* What an entry has in both places, from its version on */
static void
put_entry(const Part *p)
{
	put_number(20, 2);
	put_number(0, 2); /* flags */
	put_number(0, 2); /* stored */
	put_number(0, 4); /* when */
	put_number((uint32) crc32(0, p->data, (uInt) p->n), 4);
	put_number((uint32) p->n, 4);
	put_number((uint32) p->n, 4);
	put_number((uint32) strlen(p->name), 2);
	put_number(0, 2); /* extra */
}

static void
pack(Part *parts, int n)
{
	size_t directory;
	uint32 length;

	for (int i = 0; i < n; i++)
	{
		parts[i].offset = nbytes;
		put("PK\3\4", 4);
		put_entry(&parts[i]);
		put(parts[i].name, strlen(parts[i].name));
		put(parts[i].data, parts[i].n);
	}
	directory = nbytes;
	for (int i = 0; i < n; i++)
	{
		put("PK\1\2\24\0", 6);
		put_entry(&parts[i]);
		put_number(0, 4); /* comment, disk */
		put_number(0, 2); /* attributes */
		put_number(0, 4);
		put_number((uint32) parts[i].offset, 4);
		put(parts[i].name, strlen(parts[i].name));
	}
	length = (uint32) (nbytes - directory);
	put("PK\5\6\0\0\0\0", 8);
	put_number((uint32) n, 2);
	put_number((uint32) n, 2);
	put_number(length, 4);
	put_number((uint32) directory, 4);
	put_number(0, 2);
}

/* The sheet, the texts, the styles, the workbook, whichever there are */
static void
pack_parts(const uint8_t *data, size_t size)
{
	static const char *const names[] = {"xl/worksheets/s.xml", "xl/sharedStrings.xml", "xl/styles.xml", "xl/workbook.xml"};
	static const char rels[] = "<Relationships><Relationship Id='1' Type='a/officeDocument' Target='xl/workbook.xml'/></Relationships>";
	static const char of_book[] = "<Relationships><Relationship Id='1' Type='a/worksheet' Target='worksheets/s.xml'/><Relationship Id='2' Type='a/sharedStrings' "
								  "Target='sharedStrings.xml'/><Relationship Id='3' Type='a/styles' Target='../xl/./styles.xml'/></Relationships>";
	static const char book[] = "<workbook><sheets><sheet name='S' id='1'/></sheets></workbook>";
	Part parts[MOST_PARTS] = {{"_rels/.rels", (const uint8_t *) rels, sizeof(rels) - 1, 0}, {"xl/_rels/workbook.xml.rels", (const uint8_t *) of_book, sizeof(of_book) - 1, 0}};
	int n = 2;

	for (int i = 0; i < lengthof(names); i++)
	{
		const uint8_t *end = size > 0 ? memchr(data, DIVIDER, size) : NULL;
		size_t len = end ? (size_t) (end - data) : size;

		parts[n++] = (Part){names[i], data, len, 0};
		data += len + (end != NULL);
		size -= len + (end != NULL);
	}
	if (parts[5].n == 0)
		parts[5] = (Part){names[3], (const uint8_t *) book, sizeof(book) - 1, 0};
	pack(parts, n);
}

/* -- what must hold -- */

static uint32
hash_of(const Row *row)
{
	uint32 hash = (uint32) row->position * 31 + (row->fault.sqlstate != 0);

	for (int i = 0; i < row->nfields && row->fault.sqlstate == 0; i++)
	{
		const Field *f = &row->fields[i];

		CHECK(f->len >= 0 && f->p >= row->text && (size_t) (f->p - row->text) + (size_t) f->len <= row->len + 1);
		hash = hash * 31 + hash_bytes((const unsigned char *) f->p, f->len) + (uint32) f->flags;
	}
	return hash;
}

/* How many rows, and what they have; -1: it is refused */
static int
read_rows(const TableOptions *o, int width, uint32 *hash)
{
	volatile int n = 0;
	volatile uint32 sum = 0;

	if (setjmp(failed) != 0)
	{
		end_reading();
		return -1;
	}
	else
	{
		XlsxRows *r = xlsx_rows_new(&file, &(FileInfo){.path = "x", .size = (int64) nbytes}, o);
		Row row = {0};
		int64 last = 0;

		if (width > 0)
			xlsx_columns_by_place(r, width);
		while (n < MOST_ROWS_READ && xlsx_next(r, &row))
		{
			CHECK(row.position > last && row.position <= MOST_ROWS_OF_SHEET);
			CHECK(row.nfields <= MOST_COLUMNS_OF_SHEET && (width == 0 || row.nfields == width));
			last = row.position;
			sum = sum * 31 + hash_of(&row);
			if (n++ == 0 && width == 0)
				xlsx_columns_named(r, &row);
		}
	}
	end_reading();
	*hash = sum;
	return n;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const ranges[] = {NULL, "B2", "A1:C9", "2"};
	TableOptions o = {.max_row_bytes = 1 << 20};
	uint32 once = 0;
	uint32 again = 0;
	int n;
	int width;

	if (size < 2)
		return 0;
	o.range = (char *) ranges[data[0] & 3];
	o.ignore_extra = (data[0] & 4) != 0;
	width = (data[0] & 8) ? 1 + data[1] % 5 : 0;
	bytes = NULL;
	nbytes = 0;
	if (data[0] & 16)
		put(data + 2, size - 2);
	else
		pack_parts(data + 2, size - 2);
	n = read_rows(&o, width, &once);
	CHECK(read_rows(&o, width, &again) == n && once == again);
	free(bytes);
	return 0;
}
