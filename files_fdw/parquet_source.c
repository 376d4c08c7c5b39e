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

void
parquet_damaged(const ParquetSource *source, const ParquetPlace *place, const char *format, ...)
{
	char words[MOST_WORDS];
	va_list args;

	va_start(args, format);
	vsnprintf(words, sizeof(words), format, args);
	va_end(args);
	ereport(ERROR, (errcode(ERRCODE_BAD_COPY_FILE_FORMAT), errmsg("file \"%s\" is not valid Parquet", source->path),
					errdetail_internal("%c%s%s.", pg_toupper((unsigned char) words[0]), words + 1, place_words(place)),
					errhint("Compare it with its original, or let it be written again.")));
}

void
parquet_unsupported(const ParquetSource *source, const ParquetPlace *place, const char *format, ...)
{
	char words[MOST_WORDS];
	va_list args;

	va_start(args, format);
	vsnprintf(words, sizeof(words), format, args);
	va_end(args);
	ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errmsg("file \"%s\" cannot be read", source->path),
					errdetail_internal("%c%s%s.", pg_toupper((unsigned char) words[0]), words + 1, place_words(place)),
					errhint("Let it be written without that.")));
}
