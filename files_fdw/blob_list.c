/*
 * blob_list.c
 *		A page of a container's listing, as Azure writes it.
 *
 * EnumerationResults / Blobs / Blob / Name, Properties / …, Metadata / …, and NextMarker beside Blobs.  What is not
 * known is passed over; what a blob must have and has not, the page is refused for: a file that is left out would be
 * rows that are lost.
 */
#include "postgres.h"

#include <expat.h>

#include "common/curl_compat.h"
#include "files_fdw/blob_list.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#define MOST_DEPTH 16

typedef struct Reading
{
	BlobPage *page;
	XML_Parser parser;
	int depth;
	char element[MOST_DEPTH][32]; /* names of those that are open; cut, which none of ours is */
	StringInfoData text;
	/* of the blob that is open */
	FileInfo file;
	bool encoded; /* its name */
	bool folder;
	bool sized;
	bool whole; /* the document has ended as it should */
	MemoryContextCallback callback;
} Reading;

static void
let_go(void *arg)
{
	Reading *r = arg;

	if (r->parser)
		XML_ParserFree(r->parser);
	r->parser = NULL;
}

static void
stop(Reading *r, const char *why)
{
	if (r->page->why == NULL)
		r->page->why = why;
	(void) XML_StopParser(r->parser, XML_FALSE);
}

static bool
is_at(const Reading *r, int depth, const char *name)
{
	return r->depth == depth && strcmp(r->element[depth], name) == 0;
}

/* Names that XML cannot hold come with %XX in place of such bytes; false: they are not as they should be */
static bool
percent_decode(char *text)
{
	char *out = text;

	for (const char *p = text; *p; p++)
	{
		int value;

		if (*p != '%')
			*out++ = *p;
		else if (isxdigit((unsigned char) p[1]) && isxdigit((unsigned char) p[2]) &&
				 sscanf((char[]){p[1], p[2], '\0'}, "%x", (unsigned int *) &value) == 1 && value != 0)
		{
			*out++ = (char) value;
			p += 2;
		}
		else
			return false;
	}
	*out = '\0';
	return true;
}

static void
begin_element(void *arg, const XML_Char *name, const XML_Char **attributes)
{
	Reading *r = arg;

	if (++r->depth >= MOST_DEPTH)
	{
		stop(r, "its elements are too deep");
		return;
	}
	strlcpy(r->element[r->depth], name, sizeof(r->element[0]));
	resetStringInfo(&r->text);
	if (r->depth == 1 && strcmp(name, "EnumerationResults") != 0)
		stop(r, "it is not a listing");
	if (is_at(r, 3, "Blob"))
	{
		memset(&r->file, 0, sizeof(r->file));
		r->encoded = r->folder = r->sized = false;
	}
	for (; is_at(r, 4, "Name") && *attributes; attributes += 2)
		if (strcmp(attributes[0], "Encoded") == 0)
			r->encoded = strcmp(attributes[1], "true") == 0;
}

static void
end_property(Reading *r)
{
	const char *name = r->element[5];
	const char *text = r->text.data;
	char *end;

	if (strcmp(name, "Content-Length") == 0)
	{
		r->file.size = strtoll(text, &end, 10);
		r->sized = *text >= '0' && *text <= '9' && *end == '\0';
	}
	else if (strcmp(name, "Etag") == 0 || strcmp(name, "ETag") == 0)
	{
		size_t n = strlen(text);

		/* with quotes or without them; it becomes part of a header */
		r->file.version = n > 1 && text[0] == '"' && text[n - 1] == '"' ? pnstrdup(text + 1, n - 2) : pstrdup(text);
		if (*r->file.version == '\0' || strpbrk(r->file.version, "\"\r\n\t ") || strlen(r->file.version) > 200)
			stop(r, "a blob's version is not valid");
	}
	else if (strcmp(name, "Last-Modified") == 0)
	{
		time_t when = curl_getdate(text, NULL);

		if (when == (time_t) -1)
			stop(r, "a blob's time is not valid");
		r->file.modified = time_t_to_timestamptz((pg_time_t) when);
	}
	else if (strcmp(name, "Creation-Time") == 0)
		r->file.birth = pstrdup(text);
	else if (strcmp(name, "ResourceType") == 0)
		r->folder |= strcmp(text, "directory") == 0;
	else if (strcmp(name, "AccessTier") == 0)
		r->file.archived = strcmp(text, "Archive") == 0;
}

static void
end_blob(Reading *r)
{
	FileInfo *file;

	if (r->folder)
	{
		r->page->folders++;
		return;
	}
	if (r->file.path == NULL || *r->file.path == '\0' || r->file.version == NULL || !r->sized || r->file.modified == 0)
	{
		stop(r, "a blob lacks its name, version, length or time");
		return;
	}
	file = palloc(sizeof(FileInfo));
	*file = r->file;
	r->page->files = lappend(r->page->files, file);
}

static void
end_element(void *arg, const XML_Char *name)
{
	Reading *r = arg;
	bool in_blob = r->depth >= 4 && strcmp(r->element[3], "Blob") == 0;

	if (is_at(r, 4, "Name") && in_blob)
	{
		r->file.path = pstrdup(r->text.data);
		if (r->encoded && !percent_decode(r->file.path))
			stop(r, "a blob's name is not valid");
	}
	else if (r->depth == 5 && in_blob && strcmp(r->element[4], "Properties") == 0)
		end_property(r);
	/* how folders are kept where accounts have none of their own */
	else if (r->depth == 5 && in_blob && strcmp(r->element[4], "Metadata") == 0 &&
			 pg_strcasecmp(r->element[5], "hdi_isfolder") == 0)
		r->folder |= pg_strcasecmp(r->text.data, "true") == 0;
	else if (is_at(r, 3, "Blob"))
		end_blob(r);
	else if (is_at(r, 2, "NextMarker") && r->text.len > 0)
		r->page->next = pstrdup(r->text.data);
	else if (r->depth == 1)
		r->whole = true;
	resetStringInfo(&r->text);
	r->depth--;
}

static void
take_text(void *arg, const XML_Char *text, int n)
{
	appendBinaryStringInfo(&((Reading *) arg)->text, text, n);
}

/* Azure sends none: with it come entities that grow */
static void
refuse_doctype(void *arg, const XML_Char *name, const XML_Char *system, const XML_Char *public, int subset)
{
	stop(arg, "it has a document type");
}

void
blob_page_read(BlobPage *page, const char *xml, size_t n)
{
	Reading *r = palloc0(sizeof(Reading));

	memset(page, 0, sizeof(BlobPage));
	r->page = page;
	initStringInfo(&r->text);
	r->callback.func = let_go;
	r->callback.arg = r;
	r->parser = XML_ParserCreate(NULL);
	if (r->parser == NULL)
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	MemoryContextRegisterResetCallback(CurrentMemoryContext, &r->callback);
	XML_SetUserData(r->parser, r);
	XML_SetElementHandler(r->parser, begin_element, end_element);
	XML_SetCharacterDataHandler(r->parser, take_text);
	XML_SetStartDoctypeDeclHandler(r->parser, refuse_doctype);
	if (XML_Parse(r->parser, xml, (int) n, XML_TRUE) != XML_STATUS_OK && page->why == NULL)
		page->why = XML_GetErrorCode(r->parser) == XML_ERROR_NO_MEMORY ? "there is no memory for it" : "it is not well-formed";
	if (page->why == NULL && !r->whole)
		page->why = "it has no end";
	let_go(r);
}
