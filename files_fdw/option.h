/*
 * option.h
 *		What options of servers, tables and columns say.
 */
#ifndef FILES_OPTION_H
#define FILES_OPTION_H

#include "postgres.h"

#include "files_fdw/encoding.h"
#include "foreign/foreign.h"
#include "nodes/pg_list.h"
#include "pgtime.h"

typedef enum FileFormat
{
	FORMAT_CSV,
	FORMAT_JSON,
	FORMAT_PARQUET,
	FORMAT_FIXED,
	FORMAT_XLSX
} FileFormat;

/* Have files lines, with names of columns in one of them? */
#define format_has_lines(format) ((format) == FORMAT_CSV || (format) == FORMAT_FIXED)

/* A folder with a log of its own, which says which files are its content */
typedef enum Layout
{
	LAYOUT_NONE,
	LAYOUT_PLAIN, /* _manifest */
	LAYOUT_DELTA  /* _delta_log */
} Layout;

typedef enum Compression
{
	COMPRESS_AUTO, /* by the first bytes */
	COMPRESS_NONE,
	COMPRESS_GZIP,
	COMPRESS_ZSTD
} Compression;

typedef enum DateOrder_
{
	DATE_YMD,
	DATE_DMY,
	DATE_MDY
} DateFields;

/* How the texts of a column are to be understood */
typedef struct Manner
{
	char decimal;   /* '.' or ',' */
	char thousands; /* 0: they are not divided */
	DateFields dates;
	List *null_words; /* of char *, besides the empty field */
	bool force_null;  /* within quotes, too */
	char *true_word;  /* besides PostgreSQL's own, or NULL */
	char *false_word;
	bool cut_nanos; /* what is finer than a microsecond is left out */
	pg_tz *zone;    /* of times that do not tell theirs; NULL: they must */
} Manner;

typedef struct TableOptions
{
	char *path;
	FileFormat format;
	Layout layout;
	Compression compression;
	FileEncoding encoding;
	char delimiter;
	char quote;  /* 0: none */
	char escape; /* 0: none */
	char comment;
	bool cr; /* records end with a carriage return alone */
	int skip;
	bool header;
	bool multiline;
	bool lazy_quotes;
	bool ignore_extra;
	char *records;                /* of JSON: "lines", or where the array is: $.a.b */
	struct FixedColumns *columns; /* of lines whose fields stand in the same places */
	char *sheet;                  /* of a workbook: the one of that name; NULL: the only one */
	char *range;                  /* cells of it; NULL: all */
	bool latest;
	int64 max_row_bytes;
	int64 settle; /* microseconds */
	int grows;    /* 'v'erify, 'f'ull, 'n'ever */
	Manner manner;
} TableOptions;

typedef enum ColumnKind
{
	COLUMN_DATA,
	COLUMN_PARTITION,
	COLUMN_FILE,
	COLUMN_POSITION,
	COLUMN_VERSION,
	COLUMN_MODIFIED,
	COLUMN_SIZE,
	COLUMN_LINE,
	COLUMN_ERROR
} ColumnKind;

typedef struct ColumnOptions
{
	ColumnKind kind;
	char *name; /* there, of data and partitions */
	Manner manner;
} ColumnOptions;

#define DEFAULT_ROW_BYTES (16 * 1024 * 1024)
#define MOST_ROW_BYTES (256 * 1024 * 1024)

extern void option_settings(void);
extern const char *server_root(ForeignServer *server);
extern char *server_option(ForeignServer *server, const char *name);
/* The one of files_fdw.allowed_roots that the folder is in, or NULL */
extern const char *allowed_root(const char *where);
extern const char *format_name(FileFormat format);
extern void table_defaults(TableOptions *o);
extern void table_options(Oid relid, TableOptions *o);
extern void options_apply(TableOptions *o, List *options);
extern void column_options(Oid relid, int attnum, const char *name, const TableOptions *table, ColumnOptions *o);
/* A metadata column's kind by its word; false if there is none of the name */
extern bool metadata_kind(const char *word, ColumnKind *kind);
/* A list of words, divided by commas; a word with a comma stands in quotes */
extern List *words_of(const char *list);
extern char *words_print(List *words);
/* A single byte as an option has it: itself, none, tab, space, \t, \x01; -1 if it is none of these */
extern int byte_of(const char *value);
extern char *byte_print(int byte);

#endif /* FILES_OPTION_H */
