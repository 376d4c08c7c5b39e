/*
 * parquet_source.c
 *		The bytes of a Parquet file, and what is said when they are not as they should be.
 */
#include "postgres.h"

#include "files_fdw/parquet_source.h"
#include "lib/stringinfo.h"

#define MOST_WORDS 512

void
parquet_source_read(ParquetSource *source, void *to, size_t n, int64 offset)
{
	size_t got = source->file->root->routine->read(source->file, to, n, offset);

	source->bytes += (int64) got;
	if (got < n)
		ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
						errmsg("file \"%s\" became shorter while it was read", source->path)));
}

static char *
place_words(const ParquetPlace *place)
{
	StringInfoData out;

	initStringInfo(&out);
	if (place->offset >= 0)
		appendStringInfo(&out, ", at byte " INT64_FORMAT, place->offset);
	if (place->group >= 0)
		appendStringInfo(&out, ", row group %d", place->group);
	if (place->column)
		appendStringInfo(&out, ", column \"%s\"", place->column);
	return out.data;
}

/* What is wrong, and where */
static char *sentence(const ParquetPlace *place, const char *format, va_list args) pg_attribute_printf(2, 0);

static char *
sentence(const ParquetPlace *place, const char *format, va_list args)
{
	char words[MOST_WORDS];

	vsnprintf(words, sizeof(words), format, args);
	return psprintf("%c%s%s.", pg_toupper((unsigned char) words[0]), words + 1, place_words(place));
}

void
parquet_damaged(const ParquetSource *source, const ParquetPlace *place, const char *format, ...)
{
	va_list args;
	char *detail;

	va_start(args, format);
	detail = sentence(place, format, args);
	va_end(args);
	ereport(ERROR, (errcode(ERRCODE_BAD_COPY_FILE_FORMAT), errmsg("file \"%s\" is not valid Parquet", source->path),
					errdetail_internal("%s", detail),
					errhint("Compare it with its original, or have it written again.")));
}

void
parquet_unsupported(const ParquetSource *source, const ParquetPlace *place, const char *format, ...)
{
	va_list args;
	char *detail;

	va_start(args, format);
	detail = sentence(place, format, args);
	va_end(args);
	ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errmsg("file \"%s\" cannot be read", source->path),
					errdetail_internal("%s", detail),
					errhint("Have it written without that.")));
}
