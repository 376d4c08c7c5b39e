/*
 * option.c
 *		Options: which there are, what they may be, what they say.
 */
#include "postgres.h"

#include "access/reloptions.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_foreign_data_wrapper.h"
#include "catalog/pg_foreign_server.h"
#include "catalog/pg_foreign_table.h"
#include "catalog/pg_user_mapping.h"
#include "commands/defrem.h"
#include "common/function.h"
#include "common/identity.h"
#include "common/keyvault.h"
#include "common/attribute.h"
#include "common/option.h"
#include "common/secret.h"
#include "files_fdw/blob.h"
#include "files_fdw/json.h"
#include "files_fdw/fixed.h"
#include "files_fdw/option.h"
#include "files_fdw/xlsx_cell.h"
#include "files_fdw/pattern.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/varlena.h"

SQL_FUNCTION(files_fdw_validator);

static char *allowed_roots = NULL;

typedef enum OptionKind
{
	OPT_NOTE,
	OPT_ROOT,
	OPT_AUTH,
	OPT_SECRET, /* value, or env:, file:, keyvault: */
	OPT_OPENER, /* the same, but of no vault: it opens them */
	OPT_FILE,
	OPT_PATH,
	OPT_TABLES,
	OPT_FORMAT,
	OPT_LAYOUT,
	OPT_WRITABLE,
	OPT_COMPRESSION,
	OPT_ENCODING,
	OPT_BYTE,      /* one that may divide fields */
	OPT_BYTE_NONE, /* the same, or none */
	OPT_RECORD,
	OPT_COUNT,
	OPT_BOOL,
	OPT_RECORDS,
	OPT_COLUMNS,
	OPT_RANGE,
	OPT_TAKE,
	OPT_SIZE,
	OPT_TIME,
	OPT_GROWS,
	OPT_DECIMAL,
	OPT_THOUSANDS,
	OPT_ORDER,
	OPT_WORDS,
	OPT_TWO_WORDS,
	OPT_ZONE,
	OPT_NANOS,
	OPT_METADATA,
	OPT_EXTRA
} OptionKind;

typedef struct OptionDef
{
	const char *name;
	Oid catalog;
	OptionKind kind;
} OptionDef;

static const OptionDef options[] = {
	{"root", ForeignServerRelationId, OPT_ROOT},
	{"auth", ForeignServerRelationId, OPT_AUTH},
	{"writable", ForeignServerRelationId, OPT_WRITABLE},
	{"tables", ForeignServerRelationId, OPT_TABLES},
	{"infer_bytes", ForeignServerRelationId, OPT_SIZE},
	{"poll", ForeignServerRelationId, OPT_TIME},

	{"account_key", UserMappingRelationId, OPT_SECRET},
	{"sas", UserMappingRelationId, OPT_SECRET},
	{"azure_tenant_id", UserMappingRelationId, OPT_OPENER},
	{"azure_client_id", UserMappingRelationId, OPT_OPENER},
	{"azure_client_secret", UserMappingRelationId, OPT_OPENER},
	{"azure_certificate_file", UserMappingRelationId, OPT_FILE},
	{"identity_lent_by", UserMappingRelationId, OPT_NOTE},

	{"path", ForeignTableRelationId, OPT_PATH},
	{"format", ForeignTableRelationId, OPT_FORMAT},
	{"layout", ForeignTableRelationId, OPT_LAYOUT},
	{"compression", ForeignTableRelationId, OPT_COMPRESSION},
	{"encoding", ForeignTableRelationId, OPT_ENCODING},
	{"delimiter", ForeignTableRelationId, OPT_BYTE},
	{"quote", ForeignTableRelationId, OPT_BYTE_NONE},
	{"escape", ForeignTableRelationId, OPT_BYTE_NONE},
	{"comment", ForeignTableRelationId, OPT_BYTE_NONE},
	{"record", ForeignTableRelationId, OPT_RECORD},
	{"skip", ForeignTableRelationId, OPT_COUNT},
	{"header", ForeignTableRelationId, OPT_BOOL},
	{"multiline", ForeignTableRelationId, OPT_BOOL},
	{"lazy_quotes", ForeignTableRelationId, OPT_BOOL},
	{"extra_columns", ForeignTableRelationId, OPT_EXTRA},
	{"records", ForeignTableRelationId, OPT_RECORDS},
	{"columns", ForeignTableRelationId, OPT_COLUMNS},
	{"sheet", ForeignTableRelationId, OPT_NOTE},
	{"range", ForeignTableRelationId, OPT_RANGE},
	{"take", ForeignTableRelationId, OPT_TAKE},
	{"max_row_bytes", ForeignTableRelationId, OPT_SIZE},
	{"settle", ForeignTableRelationId, OPT_TIME},
	{"grows", ForeignTableRelationId, OPT_GROWS},
	{"description", ForeignTableRelationId, OPT_NOTE},
	{"decimal", ForeignTableRelationId, OPT_DECIMAL},
	{"thousands", ForeignTableRelationId, OPT_THOUSANDS},
	{"dateorder", ForeignTableRelationId, OPT_ORDER},
	{"null_words", ForeignTableRelationId, OPT_WORDS},
	{"boolean_words", ForeignTableRelationId, OPT_TWO_WORDS},
	{"timezone", ForeignTableRelationId, OPT_ZONE},
	{"nanos", ForeignTableRelationId, OPT_NANOS},

	{"name", AttributeRelationId, OPT_NOTE},
	{"partition", AttributeRelationId, OPT_NOTE},
	{"metadata", AttributeRelationId, OPT_METADATA},
	{"force_null", AttributeRelationId, OPT_BOOL},
	{"decimal", AttributeRelationId, OPT_DECIMAL},
	{"thousands", AttributeRelationId, OPT_THOUSANDS},
	{"dateorder", AttributeRelationId, OPT_ORDER},
	{"null_words", AttributeRelationId, OPT_WORDS},
	{"boolean_words", AttributeRelationId, OPT_TWO_WORDS},
	{"timezone", AttributeRelationId, OPT_ZONE},
	{"nanos", AttributeRelationId, OPT_NANOS},
	{"description", AttributeRelationId, OPT_NOTE},
};

/* -- which folders -- */

/* A folder as it is compared: absolute, no empty names, no dots, no slash at its end */
static const char *
root_problem(const char *where)
{
	if (where[0] != '/')
		return "It must be an absolute path of a folder of the server.";
	if (strlen(where) >= MAXPGPATH)
		return "It is too long.";
	if (where[1] == '\0')
		return NULL;
	for (const char *p = where; *p == '/';)
	{
		size_t n = strcspn(++p, "/");

		if (n == 0 || (n == 1 && p[0] == '.') || (n == 2 && p[0] == '.' && p[1] == '.'))
			return "It must have no empty names, no . and no .., and no slash at its end.";
		p += n;
	}
	return NULL;
}

const char *
allowed_root(const char *where)
{
	char *copy = pstrdup(allowed_roots ? allowed_roots : "");
	List *roots;
	ListCell *lc;

	if (!SplitDirectoriesString(copy, ',', &roots))
		return NULL;
	foreach (lc, roots)
	{
		const char *root = lfirst(lc);
		size_t n = strlen(root);

		if (root_problem(root) == NULL && strncmp(where, root, n) == 0 && (where[n] == '\0' || where[n] == '/'))
			return root;
	}
	return NULL;
}

void
option_settings(void)
{
	DefineCustomStringVariable(
		"files_fdw.allowed_roots",
		"Folders in which roles that are not members of pg_read_server_files may set the root of a server.",
		"Separated by commas.", &allowed_roots, "", PGC_SUSET, 0, NULL, NULL, NULL);
	MarkGUCPrefixReserved("files_fdw");
}

/* -- kinds of columns -- */

bool
metadata_kind(const char *word, ColumnKind *kind)
{
	static const struct
	{
		const char *word;
		ColumnKind kind;
	} kinds[] = {
		{"file", COLUMN_FILE},
		{"position", COLUMN_POSITION},
		{"version", COLUMN_VERSION},
		{"modified", COLUMN_MODIFIED},
		{"size", COLUMN_SIZE},
		{"line", COLUMN_LINE},
		{"error", COLUMN_ERROR},
	};

	for (int i = 0; i < lengthof(kinds); i++)
	{
		if (strcmp(word, kinds[i].word) == 0)
		{
			*kind = kinds[i].kind;
			return true;
		}
	}
	return false;
}

/* -- checking values -- */

/* In the order of FileFormat */
static const char *const formats[] = {"csv", "json", "parquet", "fixed", "xlsx", NULL};

pg_noreturn static void
bad_value(DefElem *def, const char *wants)
{
	ereport(ERROR,
			(errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
			 errmsg("invalid value for option \"%s\": \"%s\"", def->defname, defGetString(def)), errhint("%s", wants)));
}

static void
check_root(DefElem *def)
{
	const char *where = defGetString(def);
	const char *problem;

	if (blob_is_address(where))
	{
		blob_check_address(def->defname, where);
		return;
	}
	problem = root_problem(where);
	if (problem)
		bad_value(def, problem);
	if (!has_privs_of_role(GetUserId(), ROLE_PG_READ_SERVER_FILES) && allowed_root(where) == NULL)
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("permission denied to set option \"%s\"", def->defname),
						errdetail("Only members of role pg_read_server_files may let the server read folders that are "
								  "not beneath one of files_fdw.allowed_roots."),
						errhint("A superuser can create the server, and grant its use.")));
}

/* Whoever says so of folders of the server lends it to all who may use them; elsewhere each writes by its own login */
static void
check_writable(DefElem *def, const char *root)
{
	bool writable;

	if (!parse_bool(defGetString(def), &writable))
		bad_value(def, "It must be on or off.");
	if (root && blob_is_address(root))
		return;
	if (writable && !has_privs_of_role(GetUserId(), ROLE_PG_WRITE_SERVER_FILES))
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("permission denied to set option \"%s\"", def->defname),
						errdetail("Only members of role pg_write_server_files may let the server write files."),
						errhint("A superuser can set it.")));
}

/* name=pattern; name=pattern */
static void
check_tables(DefElem *def)
{
	for (const char *p = defGetString(def);;)
	{
		const char *end;
		const char *equals;
		const char *problem;

		p += strspn(p, " ");
		end = pattern_end(p);
		equals = memchr(p, '=', end - p);
		if (equals == NULL || equals == p || equals - p >= NAMEDATALEN)
			bad_value(def, "It must be tables with their patterns, such as: orders=orders/*.csv; items=items_#.json");
		problem = pattern_problem(pnstrdup(equals + 1, end - equals - 1));
		if (problem)
			bad_value(def, problem);
		if (*end == '\0' || end[1 + strspn(end + 1, " ")] == '\0')
			return;
		p = end + 1;
	}
}

static void
check_words(DefElem *def, int n)
{
	List *words = words_of(defGetString(def));

	if (words == NIL || (n > 0 && list_length(words) != n))
		bad_value(def, n > 0 ? "It must be the word for true and the word for false, such as: ja,nein"
							 : "It must be words separated by commas, such as: N/A,NULL");
}

static double
quantity(DefElem *def, int unit, double scale)
{
	const char *hint;
	double value;
	char *end;

	value = strtod(defGetString(def), &end);
	if (*defGetString(def) != '\0' && *end == '\0')
		return value * scale;
	if (!parse_real(defGetString(def), &value, unit, &hint))
		return -1;
	return value;
}

static void
check_byte(DefElem *def, bool none)
{
	int byte = byte_of(defGetString(def));

	if (byte < 0 || byte == '\n' || byte == '\r' || (byte == 0 && !none))
		bad_value(def, none ? "It must be one ASCII character, none, tab, space, or \\x and two hexadecimal digits."
							: "It must be one ASCII character, tab, space, or \\x and two hexadecimal digits.");
}

static void
check_one_of(DefElem *def, const char *const *words, const char *wants)
{
	for (; *words; words++)
	{
		if (strcmp(defGetString(def), *words) == 0)
			return;
	}
	bad_value(def, wants);
}

/* Without the value, which may be the secret itself */
static void
check_secret(DefElem *def, bool opener)
{
	const char *value = defGetString(def);

	if (*value == '\0' || (opener && keyvault_is_reference(value)))
		ereport(ERROR, (errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
						errmsg("invalid value for option \"%s\"", def->defname),
						*value ? errhint("It opens vaults, and cannot be kept in one.")
							   : errhint("It must not be empty.")));
	if (secret_is_reference(value))
		secret_need_file_role(def->defname);
}

static void
check_value(OptionKind kind, DefElem *def)
{
	static const char *const auths[] = {"key", "sas", "identity", "none", NULL};
	static const char *const layouts[] = {"plain", "delta", NULL};
	static const char *const compressions[] = {"auto", "none", "gzip", "zstd", NULL};
	static const char *const records[] = {"lf", "cr", NULL};
	static const char *const takes[] = {"all", "latest", NULL};
	static const char *const grows[] = {"verify", "full", "never", NULL};
	static const char *const nanos[] = {"error", "truncate", NULL};
	static const char *const extras[] = {"error", "ignore", NULL};
	static const char *const decimals[] = {".", ",", NULL};
	static const char *const orders[] = {"ymd", "dmy", "mdy", NULL};
	const char *problem;
	ColumnKind ignored;
	bool flag;
	int byte;
	pg_tz *zone;

	switch (kind)
	{
		case OPT_NOTE:
			break;
		case OPT_ROOT:
			check_root(def);
			break;
		case OPT_AUTH:
			check_one_of(def, auths, "It must be key, sas, identity or none.");
			break;
		case OPT_FILE:
			secret_need_file_role(def->defname);
			break;
		case OPT_OPENER:
		case OPT_SECRET:
			check_secret(def, kind == OPT_OPENER);
			break;
		case OPT_PATH:
			problem = pattern_problem(defGetString(def));
			if (problem)
				bad_value(def, problem);
			break;
		case OPT_TABLES:
			check_tables(def);
			break;
		case OPT_FORMAT:
			check_one_of(def, formats, "It must be csv, json, parquet, fixed or xlsx.");
			break;
		case OPT_LAYOUT:
			check_one_of(def, layouts, "It must be plain or delta.");
			break;
		case OPT_WRITABLE: /* when the root is known */
			break;
		case OPT_COMPRESSION:
			check_one_of(def, compressions, "It must be auto, none, gzip or zstd.");
			break;
		case OPT_ENCODING:
			if (encoding_by_name(defGetString(def)) < 0)
				bad_value(def, "It must be an encoding that PostgreSQL knows, such as UTF8, WIN1252 or LATIN1, or "
							   "UTF-16, UTF-16LE, UTF-16BE.");
			break;
		case OPT_BYTE:
			check_byte(def, false);
			break;
		case OPT_BYTE_NONE:
			check_byte(def, true);
			break;
		case OPT_RECORD:
			check_one_of(def, records, "It must be lf (line feed, perhaps after a carriage return) or cr.");
			break;
		case OPT_COUNT:
			if (strspn(defGetString(def), "0123456789") != strlen(defGetString(def)) || *defGetString(def) == '\0' ||
				strlen(defGetString(def)) > 6)
				bad_value(def, "It must be a number of lines, at most 999999.");
			break;
		case OPT_BOOL:
			if (!parse_bool(defGetString(def), &flag))
				bad_value(def, "It must be on or off.");
			break;
		case OPT_EXTRA:
			check_one_of(def, extras, "It must be error or ignore.");
			break;
		case OPT_RECORDS:
			if (!json_is_records(defGetString(def)))
				bad_value(
					def,
					"It must be lines, or where the array is: $ for the document itself, $.data.items for a member.");
			break;
		case OPT_COLUMNS:
			if (fixed_read(defGetString(def), &problem) == NULL)
				bad_value(def, problem);
			break;
		case OPT_RANGE:
			if (!range_read(defGetString(def), &(SheetRange){0}))
				bad_value(def, "It must be where the table begins in its sheet, and optionally where it ends, such "
							   "as: B4, B4:F, B4:F200, 4");
			break;
		case OPT_NANOS:
			check_one_of(def, nanos, "It must be error or truncate.");
			break;
		case OPT_TAKE:
			check_one_of(def, takes, "It must be all or latest.");
			break;
		case OPT_SIZE:
			if (!(quantity(def, GUC_UNIT_BYTE, 1) >= 1024) ||
				(strcmp(def->defname, "max_row_bytes") == 0 && quantity(def, GUC_UNIT_BYTE, 1) > MOST_ROW_BYTES) ||
				quantity(def, GUC_UNIT_BYTE, 1) > 1e15)
				bad_value(def, "It must be a number of bytes, or a size with a unit such as 16MB; of a row at least "
							   "1kB and at most 256MB.");
			break;
		case OPT_TIME:
			if (!(quantity(def, GUC_UNIT_MS, 1000) >= 0) || quantity(def, GUC_UNIT_MS, 1000) > 86400000)
				bad_value(def, "It must be a number of seconds, or a time with a unit such as 500ms; at most a day.");
			break;
		case OPT_GROWS:
			check_one_of(def, grows, "It must be verify, full or never.");
			break;
		case OPT_DECIMAL:
			check_one_of(def, decimals, "It must be a point or a comma.");
			break;
		case OPT_THOUSANDS:
			byte = byte_of(defGetString(def));
			if (byte < 0 || (byte != 0 && strchr(".,' _", byte) == NULL))
				bad_value(def, "It must be a point, a comma, an apostrophe, space, an underscore, or none.");
			break;
		case OPT_ORDER:
			check_one_of(def, orders, "It must be ymd, dmy or mdy.");
			break;
		case OPT_WORDS:
			check_words(def, 0);
			break;
		case OPT_TWO_WORDS:
			check_words(def, 2);
			break;
		case OPT_ZONE:
			zone = pg_tzset(defGetString(def));
			if (zone == NULL || !pg_tz_acceptable(zone))
				bad_value(def, "Name a time zone that PostgreSQL knows, such as UTC or Europe/Berlin.");
			break;
		case OPT_METADATA:
			if (!metadata_kind(defGetString(def), &ignored))
				bad_value(def, "It must be file, position, version, modified, size, line or error.");
			break;
	}
}

/* -- the validator -- */

static const OptionDef *
find_option(const char *name, Oid catalog)
{
	for (int i = 0; i < lengthof(options); i++)
	{
		if (options[i].catalog == catalog && strcmp(options[i].name, name) == 0)
			return &options[i];
	}
	return NULL;
}

pg_noreturn static void
unknown_option(const char *name, Oid catalog)
{
	StringInfoData valid;

	initStringInfo(&valid);
	for (int i = 0; i < lengthof(options); i++)
	{
		if (options[i].catalog == catalog)
			appendStringInfo(&valid, "%s%s", valid.len > 0 ? ", " : "", options[i].name);
	}
	ereport(ERROR, (errcode(ERRCODE_FDW_INVALID_OPTION_NAME), errmsg("invalid option \"%s\"", name),
					valid.len > 0 ? errhint("Valid options here are: %s.", valid.data)
								  : errhint("There are no options here.")));
}

/* What does not go with each other */
static void
check_together(const TableOptions *o)
{
	const char signs[] = {o->delimiter, o->quote, o->comment};

	for (int i = 0; i < lengthof(signs); i++)
	{
		for (int j = 0; j < i; j++)
		{
			if (signs[i] != 0 && signs[i] == signs[j])
				ereport(ERROR, (errcode(ERRCODE_FDW_OPTION_NAME_NOT_FOUND),
								errmsg("options delimiter, quote and comment must differ from each other")));
		}
	}
	if (o->escape != 0 && (o->escape == o->delimiter || o->escape == o->comment))
		ereport(ERROR, (errcode(ERRCODE_FDW_OPTION_NAME_NOT_FOUND),
						errmsg("option escape must differ from delimiter and comment")));
	if (o->layout != LAYOUT_NONE && o->format != FORMAT_PARQUET)
		ereport(ERROR, (errcode(ERRCODE_FDW_OPTION_NAME_NOT_FOUND), errmsg("option layout goes with format 'parquet'")));
	if (o->layout != LAYOUT_NONE && o->path != NULL && !pattern_is_path(o->path))
		ereport(ERROR, (errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
						errmsg("invalid value for option \"path\": \"%s\"", o->path),
						errhint("For a table with option layout it must be one folder, without patterns.")));
	if (o->format == FORMAT_PARQUET && o->layout == LAYOUT_NONE && o->compression > COMPRESS_NONE)
		ereport(ERROR, (errcode(ERRCODE_FDW_OPTION_NAME_NOT_FOUND),
						errmsg("option compression does not go with format parquet"),
						errdetail("Parquet files are compressed internally, and say how themselves; a lake's option "
								  "says how they are written.")));
	if (o->manner.decimal == o->manner.thousands)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_OPTION_NAME_NOT_FOUND), errmsg("options decimal and thousands must differ")));
}

static void
refuse_options(const TableOptions *o, List *list, const char *const *names, int n)
{
	for (int i = 0; i < n; i++)
	{
		if (option_text(list, names[i]))
			ereport(ERROR, (errcode(ERRCODE_FDW_OPTION_NAME_NOT_FOUND),
							errmsg("option %s does not go with format '%s'", names[i], format_name(o->format))));
	}
}

/* Options that one format alone has, and those that mean nothing to it */
static void
check_format(const TableOptions *o, List *list)
{
	static const char *const of_csv[] = {"delimiter", "quote", "escape", "multiline", "lazy_quotes"};
	static const char *const of_texts[] = {"compression", "encoding", "record", "comment", "skip"};
	static const char *const of_xlsx[] = {"sheet", "range"};
	bool columns = option_text(list, "columns") != NULL;

	if (columns != (o->format == FORMAT_FIXED))
		ereport(ERROR, (errcode(ERRCODE_FDW_OPTION_NAME_NOT_FOUND),
						columns ? errmsg("option columns goes with format 'fixed'")
								: errmsg("option columns is required with format 'fixed'"),
						errhint("It gives the positions of columns, the first character being 1, such as: 1-8, 9-38, "
								"41, 42-")));
	if (o->format == FORMAT_FIXED || o->format == FORMAT_XLSX)
		refuse_options(o, list, of_csv, lengthof(of_csv));
	if (o->format == FORMAT_XLSX)
		refuse_options(o, list, of_texts, lengthof(of_texts));
	else
		refuse_options(o, list, of_xlsx, lengthof(of_xlsx));
}

Datum
files_fdw_validator(PG_FUNCTION_ARGS)
{
	List *list = untransformRelOptions(PG_GETARG_DATUM(0));
	Oid catalog = PG_GETARG_OID(1);
	bool kinds = false;
	ListCell *lc;

	foreach (lc, list)
	{
		DefElem *def = lfirst_node(DefElem, lc);
		const OptionDef *option = find_option(def->defname, catalog);

		if (option == NULL)
			unknown_option(def->defname, catalog);
		check_value(option->kind, def);
		if (option->kind == OPT_WRITABLE)
			check_writable(def, option_text(list, "root"));
		if (catalog == AttributeRelationId &&
			(strcmp(def->defname, "metadata") == 0 || strcmp(def->defname, "partition") == 0))
		{
			if (kinds)
				ereport(ERROR, (errcode(ERRCODE_FDW_INVALID_OPTION_NAME),
								errmsg("a column is either of metadata or of a partition")));
			kinds = true;
		}
	}
	if (catalog == UserMappingRelationId)
		identity_check(list);
	if (catalog == ForeignTableRelationId)
	{
		TableOptions o;

		table_defaults(&o);
		options_apply(&o, list);
		check_together(&o);
		check_format(&o, list);
		if (o.path == NULL)
			ereport(ERROR, (errcode(ERRCODE_FDW_OPTION_NAME_NOT_FOUND), errmsg("option path is required"),
							errhint("It names files below the server's root, such as orders/*.csv.")));
	}
	PG_RETURN_VOID();
}

/* -- what they say -- */

char *
server_option(ForeignServer *server, const char *name)
{
	return option_text(server->options, name);
}

const char *
server_root(ForeignServer *server)
{
	return option_text(server->options, "root");
}

void
table_defaults(TableOptions *o)
{
	*o = (TableOptions){.encoding = PG_UTF8,
						.delimiter = ',',
						.quote = '"',
						.escape = '"',
						.header = true,
						.multiline = true,
						.records = "lines",
						.max_row_bytes = DEFAULT_ROW_BYTES,
						.settle = 2000000,
						.grows = 'v',
						.manner = {.decimal = '.'}};
}

static void
apply_manner(Manner *m, DefElem *def)
{
	const char *value = defGetString(def);

	if (strcmp(def->defname, "decimal") == 0)
		m->decimal = *value;
	else if (strcmp(def->defname, "thousands") == 0)
		m->thousands = (char) byte_of(value);
	else if (strcmp(def->defname, "dateorder") == 0)
		m->dates = *value == 'd' ? DATE_DMY : *value == 'm' ? DATE_MDY
															: DATE_YMD;
	else if (strcmp(def->defname, "null_words") == 0)
		m->null_words = words_of(value);
	else if (strcmp(def->defname, "force_null") == 0)
		(void) parse_bool(value, &m->force_null);
	else if (strcmp(def->defname, "nanos") == 0)
		m->cut_nanos = *value == 't';
	else if (strcmp(def->defname, "timezone") == 0)
		m->zone = pg_tzset(value);
	else if (strcmp(def->defname, "boolean_words") == 0)
	{
		List *words = words_of(value);

		m->true_word = linitial(words);
		m->false_word = lsecond(words);
	}
}

const char *
format_name(FileFormat format)
{
	return formats[format];
}

static FileFormat
format_by_name(const char *name)
{
	int i = 0;

	while (strcmp(formats[i], name) != 0)
		i++;
	return (FileFormat) i;
}

static void
apply_option(TableOptions *o, DefElem *def)
{
	const char *name = def->defname;
	char *value = defGetString(def);
	const char *ignored;

	if (strcmp(name, "path") == 0)
		o->path = value;
	else if (strcmp(name, "format") == 0)
		o->format = format_by_name(value);
	else if (strcmp(name, "columns") == 0)
		o->columns = fixed_read(value, &ignored);
	else if (strcmp(name, "sheet") == 0)
		o->sheet = value;
	else if (strcmp(name, "range") == 0)
		o->range = value;
	else if (strcmp(name, "layout") == 0)
		o->layout = *value == 'd' ? LAYOUT_DELTA : LAYOUT_PLAIN;
	else if (strcmp(name, "compression") == 0)
		o->compression = *value == 'a'   ? COMPRESS_AUTO
						 : *value == 'n' ? COMPRESS_NONE
						 : *value == 'g' ? COMPRESS_GZIP
										 : COMPRESS_ZSTD;
	else if (strcmp(name, "encoding") == 0)
		o->encoding = encoding_by_name(value);
	else if (strcmp(name, "delimiter") == 0)
		o->delimiter = (char) byte_of(value);
	else if (strcmp(name, "comment") == 0)
		o->comment = (char) byte_of(value);
	else if (strcmp(name, "record") == 0)
		o->cr = strcmp(value, "cr") == 0;
	else if (strcmp(name, "skip") == 0)
		o->skip = atoi(value);
	else if (strcmp(name, "header") == 0)
		(void) parse_bool(value, &o->header);
	else if (strcmp(name, "multiline") == 0)
		(void) parse_bool(value, &o->multiline);
	else if (strcmp(name, "lazy_quotes") == 0)
		(void) parse_bool(value, &o->lazy_quotes);
	else if (strcmp(name, "extra_columns") == 0)
		o->ignore_extra = *value == 'i';
	else if (strcmp(name, "records") == 0)
		o->records = value;
	else if (strcmp(name, "take") == 0)
		o->latest = *value == 'l';
	else if (strcmp(name, "max_row_bytes") == 0)
		o->max_row_bytes = (int64) quantity(def, GUC_UNIT_BYTE, 1);
	else if (strcmp(name, "settle") == 0)
		o->settle = (int64) (quantity(def, GUC_UNIT_MS, 1000) * 1000);
	else if (strcmp(name, "grows") == 0)
		o->grows = *value;
	else
		apply_manner(&o->manner, def);
}

void
options_apply(TableOptions *o, List *list)
{
	const char *quote = option_text(list, "quote");
	const char *escape = option_text(list, "escape");
	ListCell *lc;

	foreach (lc, list)
		apply_option(o, lfirst_node(DefElem, lc));
	/* a quote is doubled unless something else is said */
	if (quote)
		o->quote = o->escape = (char) byte_of(quote);
	if (escape)
		o->escape = (char) byte_of(escape);
	if (o->columns)
		o->columns->ignore_extra = o->ignore_extra;
	/* a line is a row */
	if (o->format == FORMAT_FIXED)
		o->multiline = false;
}

void
table_options(Oid relid, TableOptions *o)
{
	table_defaults(o);
	options_apply(o, GetForeignTable(relid)->options);
	if (o->path == NULL)
		ereport(ERROR, (errcode(ERRCODE_FDW_OPTION_NAME_NOT_FOUND),
						errmsg("foreign table \"%s\" has no option path", get_rel_name(relid))));
}

void
column_options(Oid relid, int attnum, const char *name, const TableOptions *table, ColumnOptions *o)
{
	ListCell *lc;

	*o = (ColumnOptions){.kind = COLUMN_DATA, .name = pstrdup(name), .manner = table->manner};
	foreach (lc, GetForeignColumnOptions(relid, attnum))
	{
		DefElem *def = lfirst_node(DefElem, lc);

		if (strcmp(def->defname, "name") == 0)
			o->name = defGetString(def);
		else if (strcmp(def->defname, "partition") == 0)
		{
			o->kind = COLUMN_PARTITION;
			o->name = defGetString(def);
		}
		else if (strcmp(def->defname, "metadata") == 0)
			(void) metadata_kind(defGetString(def), &o->kind);
		else
			apply_manner(&o->manner, def);
	}
}
