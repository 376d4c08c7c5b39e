/*
 * xml_part.c
 *		A part of a package that is XML.
 *
 * No document type is taken: with it come entities that grow, and office programs write none.  A tag may have a
 * megabyte; texts come in pieces, so they may be as long as they are.
 */
#include "postgres.h"

#include <expat.h>

#include "common/attribute.h"
#include "files_fdw/xml_part.h"
#include "miscadmin.h"
#include "utils/memutils.h"

/* where it is, which has 64 bits on all platforms since expat 2.9, under names of its own */
#if XML_MAJOR_VERSION == 2 && XML_MINOR_VERSION < 9
#define XML_GetCurrentLineNumber64 XML_GetCurrentLineNumber
#define XML_GetCurrentByteIndex64 XML_GetCurrentByteIndex
#endif

#define BLOCK 65536
#define MOST_TAG (1024 * 1024)
#define BETWEEN '\n' /* a namespace and a name */

/* What parsers that are open may need together: names and open tags are kept, however many there are */
#define MOST_MEMORY (64 * 1024 * 1024)

struct XmlPart
{
	Zip *zip;
	const char *name;
	ZipStream *stream;
	const XmlHandlers *handlers;
	void *arg;
	XML_Parser parser;
	int64 given; /* bytes, to the parser */
	bool paused;
	bool over;
	bool failed;
	char why[256];
	MemoryContextCallback callback;
};

/* -- expat's memory, which has no bound of its own -- */

typedef struct Piece
{
	size_t size;
	max_align_t data[FLEXIBLE_ARRAY_MEMBER];
} Piece;

static size_t held = 0;
static bool refused = false; /* more was asked for */

static void *
counted_realloc(void *data, size_t size)
{
	Piece *old = data ? (Piece *) ((char *) data - offsetof(Piece, data)) : NULL;
	size_t before = old ? old->size : 0;
	Piece *piece;

	if (size > MOST_MEMORY || held - before > MOST_MEMORY - size)
	{
		refused = true;
		return NULL;
	}
	piece = realloc(old, offsetof(Piece, data) + size);
	if (piece == NULL)
		return NULL;
	held += size - before;
	piece->size = size;
	return (char *) piece + offsetof(Piece, data);
}

static void *
counted_malloc(size_t size)
{
	return counted_realloc(NULL, size);
}

static void
counted_free(void *data)
{
	Piece *piece;

	if (data == NULL)
		return;
	piece = (Piece *) ((char *) data - offsetof(Piece, data));
	held -= piece->size;
	free(piece);
}

static const XML_Memory_Handling_Suite counted = {counted_malloc, counted_realloc, counted_free};

static void
let_go(void *arg)
{
	XmlPart *part = arg;

	if (part->parser)
		XML_ParserFree(part->parser);
	part->parser = NULL;
}

void
part_fail(XmlPart *part, const char *format, ...)
{
	va_list args;

	if (part->failed)
		return;
	part->failed = true;
	va_start(args, format);
	vsnprintf(part->why, sizeof(part->why), format, args);
	va_end(args);
	(void) XML_StopParser(part->parser, XML_FALSE);
}

void
part_pause(XmlPart *part)
{
	if (part->failed)
		return;
	part->paused = true;
	(void) XML_StopParser(part->parser, XML_TRUE);
}

static const char *
local_name(const char *name)
{
	const char *behind = strrchr(name, BETWEEN);

	return behind ? behind + 1 : name;
}

const char *
attribute_of(const char **attributes, const char *name)
{
	for (; *attributes; attributes += 2)
	{
		if (strcmp(local_name(attributes[0]), name) == 0)
			return attributes[1];
	}
	return NULL;
}

static void
begin_element(void *arg, const XML_Char *name, const XML_Char **attributes)
{
	XmlPart *part = arg;

	if (!part->failed)
		part->handlers->begin(part, part->arg, local_name(name), attributes);
}

static void
end_element(void *arg, const XML_Char *name)
{
	XmlPart *part = arg;

	if (!part->failed)
		part->handlers->end(part, part->arg, local_name(name));
}

static void
take_text(void *arg, const XML_Char *text, int n)
{
	XmlPart *part = arg;

	if (!part->failed)
		part->handlers->text(part, part->arg, text, n);
}

static void
refuse_doctype(void *arg, const XML_Char *name, const XML_Char *system, const XML_Char *public, int subset)
{
	part_fail(arg, "it has a document type, which no workbook has");
}

XmlPart *
part_open(Zip *zip, const char *name, const XmlHandlers *handlers, void *arg)
{
	XmlPart *part = palloc0(sizeof(XmlPart));
	const ZipEntry *entry = zip_find(zip, name);

	if (entry == NULL)
		zip_damaged(zip, name, "it is missing");
	part->zip = zip;
	part->name = entry->name;
	part->handlers = handlers;
	part->arg = arg;
	part->stream = zip_stream(zip, entry);
	part->callback.func = let_go;
	part->callback.arg = part;
	refused = false;
	part->parser = XML_ParserCreate_MM(NULL, &counted, (const XML_Char[]){BETWEEN, '\0'});
	if (part->parser == NULL)
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	MemoryContextRegisterResetCallback(CurrentMemoryContext, &part->callback);
	XML_SetUserData(part->parser, part);
	XML_SetElementHandler(part->parser, begin_element, end_element);
	if (handlers->text)
		XML_SetCharacterDataHandler(part->parser, take_text);
	XML_SetStartDoctypeDeclHandler(part->parser, refuse_doctype);
	return part;
}

/* What is wrong with it; the parser and its memory go now, not when whoever asked has ended */
pg_noreturn static void
give_up(XmlPart *part, const char *why)
{
	let_go(part);
	zip_damaged(part->zip, part->name, "%s", why);
}

/* Of ours, or more than a part may take */
pg_noreturn static void
out_of_memory(XmlPart *part)
{
	if (refused)
		give_up(part, psprintf("its tags and their names need more than %d bytes", MOST_MEMORY));
	ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
}

static enum XML_Status
give_block(XmlPart *part)
{
	void *block = XML_GetBuffer(part->parser, BLOCK);
	size_t n;

	if (block == NULL)
		out_of_memory(part);
	n = zip_read(part->stream, block, BLOCK);
	part->given += (int64) n;
	part->over = n == 0;
	return XML_ParseBuffer(part->parser, (int) n, n == 0);
}

bool
part_more(XmlPart *part)
{
	bool resumed = part->paused;

	for (;;)
	{
		enum XML_Status status;

		CHECK_FOR_INTERRUPTS();
		if (part->over && !resumed)
			return false;
		part->paused = false;
		status = resumed ? XML_ResumeParser(part->parser) : give_block(part);
		resumed = false;
		if (part->failed)
			give_up(part, part->why);
		if (status == XML_STATUS_ERROR && XML_GetErrorCode(part->parser) == XML_ERROR_NO_MEMORY)
			out_of_memory(part);
		if (status == XML_STATUS_ERROR)
			give_up(part, psprintf("line %lu, %s", (unsigned long) XML_GetCurrentLineNumber64(part->parser),
								   XML_ErrorString(XML_GetErrorCode(part->parser))));
		if (part->paused)
			return true;
		/* a tag without end is kept until it has one */
		if (!part->over && part->given - XML_GetCurrentByteIndex64(part->parser) > MOST_TAG + BLOCK)
			give_up(part, psprintf("a tag has more than %d bytes", MOST_TAG));
	}
}

void
part_read(XmlPart *part)
{
	while (part_more(part))
		;
	let_go(part);
}
