/*
 * group.c
 *		Files of one kind are one table.
 *
 * Names of a kind differ in digits alone: orders_2026-11-27.csv and orders_2026-11-28.csv.gz are of orders_#.csv and
 * orders_#.csv.gz, the table orders.  Folders called key=value are columns.
 */
#include "postgres.h"

#include <ctype.h>

#include "common/attempt.h"
#include "files_fdw/group.h"
#include "files_fdw/option.h"
#include "files_fdw/pattern.h"
#include "files_fdw/xlsx_import.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"

static const char *const packed_suffixes[] = {".gz", ".zst"};
static const char *const known_suffixes[] = {".csv", ".tsv", ".tab", ".psv", ".txt", ".dat",
											 ".json", ".jsonl", ".ndjson", ".parquet", ".parq", ".pq",
											 ".xlsx", ".xlsm"};
static const char *const workbook_suffixes[] = {".xlsx", ".xlsm"};

/* Bytes before a suffix of the list; n if there is none */
static size_t
without_suffix(const char *name, size_t n, const char *const *suffixes, int nsuffixes)
{
	for (int i = 0; i < nsuffixes; i++)
	{
		size_t m = strlen(suffixes[i]);

		if (n > m && pg_strncasecmp(name + n - m, suffixes[i], m) == 0)
			return n - m;
	}
	return n;
}

static bool
is_read(const char *path)
{
	const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
	size_t n = without_suffix(name, strlen(name), packed_suffixes, lengthof(packed_suffixes));

	/* without a suffix: sniffing tells */
	return memchr(name, '.', n) == NULL || without_suffix(name, n, known_suffixes, lengthof(known_suffixes)) < n;
}

/* Bytes at p that a program drew at random: 6b0f3c5e-1d0a-4c63-9d2b-0123456789ab */
static size_t
drawn_length(const char *p)
{
	static const int runs[] = {8, 4, 4, 4, 12};
	const char *start = p;

	for (int i = 0; i < lengthof(runs); i++)
	{
		if (i > 0 && *p++ != '-')
			return 0;
		for (int k = 0; k < runs[i]; k++, p++)
		{
			if (!isxdigit((unsigned char) *p))
				return 0;
		}
	}
	return p - start;
}

/* A blank in front of a pattern is none of its */
static void
append_pattern_char(StringInfo out, char c)
{
	if (c == ' ' && out->len == 0)
		appendStringInfoString(out, "[ ]");
	else if (strchr("*?[#;", c) != NULL)
		appendStringInfo(out, "[%c]", c);
	else
		appendStringInfoChar(out, c);
}

/* A path without what differs within a kind */
static char *
pattern_of(const char *path)
{
	StringInfoData out;

	initStringInfo(&out);
	for (const char *p = path; *p;)
	{
		size_t n = strcspn(p, "/");
		bool folder = p[n] == '/';
		const char *equals = folder ? memchr(p, '=', n) : NULL;

		if (equals != NULL && equals > p)
		{
			for (const char *q = p; q <= equals; q++)
				append_pattern_char(&out, *q);
			appendStringInfoChar(&out, '*');
		}
		else
		{
			for (const char *q = p; q < p + n;)
			{
				size_t drawn = folder ? 0 : drawn_length(q);
				size_t digits = folder || drawn ? 0 : digits_length(q);

				if (drawn)
					appendStringInfoChar(&out, '*');
				else if (digits)
					appendStringInfoChar(&out, '#');
				else
					append_pattern_char(&out, *q);
				q += drawn ? drawn : digits ? digits
											: 1;
			}
		}
		p += n;
		if (folder)
		{
			appendStringInfoChar(&out, '/');
			p++;
		}
	}
	return out.data;
}

/* The kind: the pattern without how it is packed */
static char *
kind_of(const char *pattern)
{
	return pnstrdup(pattern, without_suffix(pattern, strlen(pattern), packed_suffixes, lengthof(packed_suffixes)));
}

/* A name for tables: letters of the name, else of its folder */
static char *
table_of(const char *kind)
{
	const char *end = kind + strlen(kind);
	StringInfoData out;

	initStringInfo(&out);
	for (;;)
	{
		const char *start = end;
		const char *stop = end;
		bool gap = false;

		while (start > kind && start[-1] != '/')
			start--;
		if (end == kind + strlen(kind))
			stop = start + without_suffix(start, end - start, known_suffixes, lengthof(known_suffixes));
		for (const char *p = start; p < stop; p++)
		{
			unsigned char c = (unsigned char) *p;

			if (c == '=')
				break;
			if (c >= 128 || isalnum(c))
			{
				if (gap && out.len > 0)
					appendStringInfoChar(&out, '_');
				gap = false;
				appendStringInfoChar(&out, (char) (c < 128 ? tolower(c) : c));
			}
			else
				gap = true;
		}
		/* a folder of a partition names no table */
		if (memchr(start, '=', stop - start) != NULL)
			resetStringInfo(&out);
		if (out.len > 0)
			break;
		if (start == kind)
			return pstrdup("files");
		end = start - 1;
	}
	if (out.len >= NAMEDATALEN)
		out.data[pg_mbcliplen(out.data, out.len, NAMEDATALEN - 1)] = '\0';
	return out.data;
}

static FileGroup *
find_group(List *groups, const char *kind, List *kinds)
{
	ListCell *group;
	ListCell *its;

	forboth(group, groups, its, kinds)
	{
		if (strcmp(lfirst(its), kind) == 0)
			return lfirst(group);
	}
	return NULL;
}

static void
add_pattern(FileGroup *group, const char *pattern)
{
	for (const char *p = group->pattern; *p; p = pattern_end(p))
	{
		p += *p == ';';
		if (pattern_end(p) - p == strlen(pattern) && strncmp(p, pattern, strlen(pattern)) == 0)
			return;
	}
	group->pattern = psprintf("%s;%s", group->pattern, pattern);
}

static FileGroup *
new_group(char *table, char *pattern)
{
	FileGroup *group = palloc0(sizeof(FileGroup));

	group->table = table;
	group->pattern = pattern;
	return group;
}

FileGroup *
group_of_file(FileInfo *file)
{
	char *kind = kind_of(pattern_of(file->path));
	StringInfoData path;
	FileGroup *group;

	initStringInfo(&path);
	for (const char *p = file->path; *p; p++)
		append_pattern_char(&path, *p);
	group = new_group(table_of(kind), path.data);
	group->files = list_make1(file);
	return group;
}

static List *
by_name(List *files)
{
	List *groups = NIL;
	List *kinds = NIL;
	ListCell *lc;

	foreach (lc, files)
	{
		FileInfo *file = lfirst(lc);
		char *pattern = pattern_of(file->path);
		char *kind = kind_of(pattern);
		FileGroup *group = find_group(groups, kind, kinds);

		if (group == NULL)
		{
			group = new_group(table_of(kind), pattern);
			groups = lappend(groups, group);
			kinds = lappend(kinds, kind);
		}
		else
			add_pattern(group, pattern);
		group->files = lappend(group->files, file);
	}
	return groups;
}

/* As the server's option says, for what it names; the rest by name */
static List *
by_option(const char *tables, List **files)
{
	List *groups = NIL;

	for (const char *p = tables; *p;)
	{
		const char *end;
		const char *equals;
		FileGroup *group;
		ListCell *lc;

		p += strspn(p, " ;");
		if (*p == '\0')
			break;
		end = pattern_end(p);
		equals = memchr(p, '=', end - p);
		group = new_group(pnstrdup(p, equals - p), pnstrdup(equals + 1, end - equals - 1));
		foreach (lc, *files)
		{
			FileInfo *file = lfirst(lc);

			if (pattern_matches(group->pattern, file->path))
			{
				group->files = lappend(group->files, file);
				*files = foreach_delete_current(*files, lc);
			}
		}
		if (group->files != NIL)
			groups = lappend(groups, group);
		p = end;
	}
	return groups;
}

static int
by_table(const ListCell *a, const ListCell *b)
{
	return strcmp(((FileGroup *) lfirst(a))->table, ((FileGroup *) lfirst(b))->table);
}

/* Two of one name are told apart by a number */
static void
make_distinct(List *groups)
{
	ListCell *lc;
	const char *last = "";
	int n = 1;

	foreach (lc, groups)
	{
		FileGroup *group = lfirst(lc);

		if (strcmp(group->table, last) == 0)
		{
			char *number = psprintf("_%d", ++n);
			int room = NAMEDATALEN - 1 - (int) strlen(number);
			int len = (int) strlen(group->table);

			group->table = psprintf(
				"%s%s", pnstrdup(group->table, len > room ? pg_mbcliplen(group->table, len, room) : len), number);
		}
		else
		{
			last = group->table;
			n = 1;
		}
	}
}

char *
group_words(const FileGroup *group)
{
	return group->sheet ? psprintf("sheet %s of files %s", group->sheet, group->pattern) : psprintf("files %s", group->pattern);
}

/* -- workbooks -- */

typedef struct Sheets
{
	Root *root;
	FileInfo *file;
	List *names;
	int visible;
	int hidden;
} Sheets;

static void
find_sheets(void *arg)
{
	Sheets *s = arg;

	s->names = xlsx_sheets(s->root, s->file, &s->visible, &s->hidden);
}

/* Each sheet of the newest one is a table; a single one is that of all of them, whatever it is called */
static List *
by_sheet(Root *root, FileGroup *group)
{
	Sheets s = {.root = root, .file = newest_file(group->files)};
	List *groups = NIL;
	ListCell *lc;

	/* what cannot be read the import itself will say */
	if (without_suffix(s.file->path, strlen(s.file->path), workbook_suffixes, lengthof(workbook_suffixes)) == strlen(s.file->path) ||
		s.file->size == 0 || attempt_one(find_sheets, &s) != NULL)
		return list_make1(group);
	group->hidden = s.hidden;
	/* beside empty ones it must be named */
	if (list_length(s.names) == 1 && s.visible > 1)
		group->sheet = linitial(s.names);
	if (list_length(s.names) < 2)
		return list_make1(group);
	foreach (lc, s.names)
	{
		char *name = psprintf("%s %s", group->table, (char *) lfirst(lc));
		FileGroup *one;

		for (char *p = name; (p = strpbrk(p, "=/.")) != NULL;)
			*p = ' ';
		one = new_group(table_of(name), group->pattern);

		one->files = group->files;
		one->sheet = lfirst(lc);
		one->hidden = lc == list_head(s.names) ? s.hidden : 0;
		groups = lappend(groups, one);
	}
	return groups;
}

List *
find_groups(ForeignServer *server, Root *root, const char *folder, int *other)
{
	const char *tables = server_option(server, "tables");
	List *files = root->routine->list(root, *folder ? psprintf("%s/**", folder) : "**");
	List *groups = tables ? by_option(tables, &files) : NIL;
	List *found = NIL;
	ListCell *lc;

	*other = 0;
	foreach (lc, files)
	{
		if (!is_read(((FileInfo *) lfirst(lc))->path))
		{
			(*other)++;
			files = foreach_delete_current(files, lc);
		}
	}
	foreach (lc, list_concat(groups, by_name(files)))
		found = list_concat(found, by_sheet(root, lfirst(lc)));
	list_sort(found, by_table);
	make_distinct(found);
	return found;
}
