/*
 * blob_root.c
 *		A root that is a container of Azure Blob Storage, or a folder of one.
 *
 * A listing tells each blob's version, and every part of a blob is read of that version: so a file is what was listed,
 * or an error.  Who reads on gets larger parts, and the next one is on its way while the last one is used.
 */
#include "postgres.h"

#include "files_fdw/blob.h"
#include "files_fdw/blob_list.h"
#include "files_fdw/pattern.h"
#include "files_fdw/blob_root.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#define FIRST_PART (256 * 1024)
#define LARGEST_PART (4 * 1024 * 1024)
#define SMALLEST_PART (64 * 1024)
#define MOST_BARREN 1000 /* pages in succession without a blob */

typedef struct BlobFile
{
	RootFile file;
	FileInfo info;
	MemoryContext context;
	BlobCall *call; /* whose answer is held, or NULL */
	const char *part;
	int64 from; /* of the part that is held */
	int64 n;
	BlobCall *next; /* on its way, or NULL */
	int64 next_from;
	int64 next_n;
} BlobFile;

/* -- listing -- */

/* Each name of a path must be one that files and folders have: no hidden ones, none that is empty */
static bool
is_listed(const char *path)
{
	for (;;)
	{
		size_t n = strcspn(path, "/");

		if (!is_file_name(pnstrdup(path, n)))
			return false;
		if (path[n] == '\0')
			return true;
		path += n + 1;
	}
}

/* What all paths begin with that any of the patterns has, up to a whole character */
static char *
common_beginning(const char *patterns)
{
	const char *first = NULL;
	size_t n = 0;

	for (const char *p = patterns; *p; p = pattern_end(p))
	{
		size_t same = 0;
		size_t fixed;

		p += strspn(p, "; ");
		fixed = strcspn(p, "*?[#;");
		if (*p == '\0')
			break;
		if (first == NULL)
		{
			first = p;
			n = fixed;
		}
		while (same < Min(n, fixed) && p[same] == first[same])
			same++;
		n = same;
	}
	return first ? pnstrdup(first, pg_mbcliplen(first, (int) strlen(first), (int) n)) : pstrdup("");
}

/* In the encoding of the database; a name that it does not have would be lost in silence */
static char *
our_name(BlobRoot *root, const char *name)
{
	int n = (int) strlen(name);
	char *ours;

	if (!pg_verify_mbstr(PG_UTF8, name, n, true))
		ereport(ERROR, (errcode(ERRCODE_CHARACTER_NOT_IN_REPERTOIRE),
						errmsg("a file of server \"%s\" has a name that is not valid UTF-8", root->root.server)));
	ours = pg_any_to_server(name, n, PG_UTF8);
	return ours == name ? pstrdup(name) : ours;
}

typedef struct Listing
{
	BlobRoot *root;
	const char *patterns; /* NULL: one path */
	const char *path;
	bool everything; /* hidden names, too */
	bool any;        /* something came */
	int barren;      /* pages since */
	List *found;
} Listing;

/* What is kept is result's, and the rest of the page goes with it */
static void
take_file(Listing *l, FileInfo *listed, MemoryContext result)
{
	BlobRoot *root = l->root;
	size_t skip = strlen(root->store->folder);
	char *name = our_name(root, listed->path);
	MemoryContext old;
	FileInfo *file;

	if (strncmp(name, root->store->folder, skip) != 0)
		ereport(ERROR, (errcode(ERRCODE_FDW_INVALID_STRING_FORMAT),
						errmsg("the listing of server \"%s\" has names of another folder", root->root.server)));
	name += skip;
	if (!l->everything && (l->path ? strcmp(name, l->path) != 0 : !pattern_matches(l->patterns, name)))
		return;
	if (!l->everything && !is_listed(name))
	{
		root->others += *name == '\0' || *name == '/' || strstr(name, "//") || name[strlen(name) - 1] == '/';
		return;
	}
	root->archived += listed->archived;
	old = MemoryContextSwitchTo(result);
	file = palloc(sizeof(FileInfo));
	*file = *listed;
	file->path = pstrdup(name);
	file->version = pstrdup(listed->version);
	file->birth = listed->birth ? pstrdup(listed->birth) : NULL;
	l->found = lappend(l->found, file);
	MemoryContextSwitchTo(old);
}

/* A page; where the next one begins, or NULL */
static char *
list_page(Listing *l, const char *prefix, const char *marker, const char *most, MemoryContext result)
{
	BlobParam params[7];
	int n = 0;
	BlobCall *call;
	HttpRequest *r;
	BlobPage page;
	ListCell *lc;
	MemoryContext old;

	params[n++] = (BlobParam){"comp", "list"};
	params[n++] = (BlobParam){"include", "metadata"};
	if (marker)
		params[n++] = (BlobParam){"marker", marker};
	params[n++] = (BlobParam){"maxresults", most};
	if (*prefix)
		params[n++] = (BlobParam){"prefix", prefix};
	params[n++] = (BlobParam){"restype", "container"};
	call = blob_list_start(l->root->store, params, n);
	r = blob_wait(call);
	blob_page_read(&page, r->body ? r->body : "", r->body_len);
	if (page.why)
		ereport(ERROR, (errcode(ERRCODE_FDW_INVALID_STRING_FORMAT),
						errmsg("the listing of server \"%s\" cannot be read", l->root->root.server),
						errdetail("The answer is not one of Azure's: %s.", page.why)));
	l->any |= page.files != NIL;
	l->barren = page.files != NIL ? 0 : l->barren + 1;
	foreach (lc, page.files)
		take_file(l, lfirst(lc), result);
	old = MemoryContextSwitchTo(result);
	page.next = page.next ? pstrdup(page.next) : NULL;
	MemoryContextSwitchTo(old);
	blob_end(call);
	return page.next;
}

/*
 * A listing must come to an end.  Where it goes on from a marker that it had before it would go round for ever: one of
 * the markers is kept, another one after twice as many pages, and so in any round one will be met.
 */
static void
check_progress(const Listing *l, const char *marker, char **kept, int64 pages)
{
	const char *why = NULL;

	if (marker == NULL)
		return;
	if (*kept && strcmp(marker, *kept) == 0)
		why = "goes on where it was";
	else if (l->barren == MOST_BARREN)
		why = "goes on without end";
	if (why)
		ereport(ERROR, (errcode(ERRCODE_FDW_INVALID_STRING_FORMAT),
						errmsg("the listing of server \"%s\" %s", l->root->root.server, why),
						errdetail("After " INT64_FORMAT " pages, the last %d of them without a file.", pages, l->barren)));
	if ((pages & (pages - 1)) == 0)
		*kept = pstrdup(marker);
}

static void
list_pages(Listing *l, const char *prefix, const char *most, bool one)
{
	MemoryContext result = CurrentMemoryContext;
	MemoryContext context = AllocSetContextCreate(result, "blob listing", ALLOCSET_DEFAULT_SIZES);
	char *marker = NULL;
	char *kept = NULL;
	int64 pages = 0;

	prefix = blob_name(l->root->store, prefix);
	do
	{
		CHECK_FOR_INTERRUPTS();
		MemoryContextSwitchTo(context);
		marker = list_page(l, prefix, marker, most, result);
		MemoryContextSwitchTo(result);
		check_progress(l, marker, &kept, ++pages);
		/* the marker is the result's */
		MemoryContextReset(context);
	} while (marker != NULL && !(one && l->any));
	MemoryContextDelete(context);
}

/* A file that is listed twice would be read twice */
static void
check_once(BlobRoot *root, List *files)
{
	const FileInfo *before = NULL;
	ListCell *lc;

	foreach (lc, files)
	{
		const FileInfo *file = lfirst(lc);

		if (before && strcmp(before->path, file->path) == 0)
			ereport(ERROR, (errcode(ERRCODE_FDW_INVALID_STRING_FORMAT),
							errmsg("the listing of server \"%s\" has file \"%s\" twice", root->root.server, file->path)));
		before = file;
	}
}

static FileInfo *
blob_look(Root *root, const char *path)
{
	Listing l = {.root = (BlobRoot *) root, .path = path};

	/* it comes before all others that begin with its name */
	list_pages(&l, path, "1", true);
	return l.found ? linitial(l.found) : NULL;
}

static List *
blob_list(Root *root, const char *patterns)
{
	Listing l = {.root = (BlobRoot *) root, .patterns = patterns};

	l.root->others = l.root->archived = 0;
	if (pattern_is_path(patterns))
	{
		FileInfo *info = blob_look(root, patterns + strspn(patterns, " "));

		return info ? list_make1(info) : NIL;
	}
	list_pages(&l, common_beginning(patterns), "5000", false);
	sort_files(l.found);
	check_once(l.root, l.found);
	return l.found;
}

List *
blob_all(Root *root, const char *folder)
{
	Listing l = {.root = (BlobRoot *) root, .everything = true};

	list_pages(&l, *folder ? psprintf("%s/", folder) : "", "5000", false);
	sort_files(l.found);
	check_once(l.root, l.found);
	return l.found;
}

static char *
blob_describe(Root *root)
{
	BlobRoot *r = (BlobRoot *) root;

	if (r->others == 0 && r->archived == 0)
		return NULL;
	return psprintf(INT64_FORMAT " archived files, which fail when they are read, and " INT64_FORMAT
								 " whose names cannot be paths of files, which are left out",
					r->archived, r->others);
}

/* -- reading -- */

static RootFile *
blob_open(Root *root, const FileInfo *listed)
{
	BlobFile *file = palloc0(sizeof(BlobFile));

	file->file.root = root;
	file->info = *listed;
	file->info.path = pstrdup(listed->path);
	file->info.version = pstrdup(listed->version);
	file->file.path = file->info.path;
	file->context = CurrentMemoryContext;
	return &file->file;
}

static void
drop_part(BlobFile *file)
{
	if (file->call)
		blob_end(file->call);
	file->call = NULL;
	file->n = 0;
}

static void
drop_next(BlobFile *file)
{
	if (file->next)
		blob_end(file->next);
	file->next = NULL;
}

static void
start_next(BlobFile *file, int64 from, int64 n)
{
	MemoryContext old = MemoryContextSwitchTo(file->context);
	BlobRoot *root = (BlobRoot *) file->file.root;

	file->next_from = from;
	file->next_n = Min(n, file->info.size - from);
	file->next = blob_read_start(root->store, file->info.path, file->info.version, from, file->next_n);
	MemoryContextSwitchTo(old);
}

/* Hold the part that begins there; n: what is wanted of it */
static void
fetch_part(BlobFile *file, int64 from, size_t n)
{
	bool on = file->call != NULL && from == file->from + file->n;
	int64 last = file->n;
	HttpRequest *r;

	if (file->next && (file->next_from != from || !blob_came(file->next)))
		drop_next(file);
	drop_part(file);
	if (file->next == NULL)
	{
		int64 size = Max((int64) Min(n, LARGEST_PART), SMALLEST_PART);

		if (from == 0)
			size = FIRST_PART;
		if (on)
			size = Min(last * 4, LARGEST_PART);
		start_next(file, from, size);
	}
	file->call = file->next;
	file->next = NULL;
	r = blob_wait(file->call);
	file->part = r->body;
	file->from = from;
	file->n = file->next_n;
	/* who went on once will go on */
	if (on && from + file->n < file->info.size)
		start_next(file, from + file->n, Min(file->n * 4, LARGEST_PART));
}

static size_t
blob_read(RootFile *root_file, void *buffer, size_t n, int64 offset)
{
	BlobFile *file = (BlobFile *) root_file;
	size_t done = 0;

	while (done < n && offset + (int64) done < file->info.size)
	{
		int64 at = offset + (int64) done;
		size_t some;

		CHECK_FOR_INTERRUPTS();
		if (file->call == NULL || at < file->from || at >= file->from + file->n)
			fetch_part(file, at, n - done);
		some = Min(n - done, (size_t) (file->from + file->n - at));
		memcpy((char *) buffer + done, file->part + (at - file->from), some);
		done += some;
	}
	/* what is on its way comes on */
	if (file->next)
		(void) http_turn(0);
	return done;
}

/* What was read is of that version: it cannot have become another one meanwhile */
static void
blob_info(RootFile *file, FileInfo *info)
{
	*info = ((BlobFile *) file)->info;
}

static void
blob_close(RootFile *file)
{
	drop_part((BlobFile *) file);
	drop_next((BlobFile *) file);
}

static const RootRoutine blob_routine = {blob_list, blob_look, blob_open, blob_read,
										 blob_info, blob_close, blob_describe};

Root *
blob_root(ForeignServer *server, const char *where, Oid userid)
{
	BlobRoot *root = palloc0(sizeof(BlobRoot));

	root->root.routine = &blob_routine;
	root->root.write = &blob_write_routine;
	root->root.server = pstrdup(server->servername);
	root->root.where = pstrdup(where);
	root->store = blob_store(server, where, userid);
	return &root->root;
}
