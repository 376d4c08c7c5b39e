/*
 * files.c
 *		Static files, from memory.
 */
#include "gateway/files.h"

#include <errno.h>
#include <ftw.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/log.h"

#define MOST_FILES 2000
#define MOST_FILE_BYTES (16 * 1024 * 1024)

typedef struct File
{
	char *path;
	const char *type;
	char tag[36];
	char *bytes;
	size_t n;
} File;

static File *files = NULL;
static int n_files = 0;
static size_t prefix;

static const char *
type_of(const char *path)
{
	static const char *const types[][2] = {
		{".html", "text/html; charset=utf-8"},
		{".js", "text/javascript; charset=utf-8"},
		{".css", "text/css; charset=utf-8"},
		{".json", "application/json"},
		{".svg", "image/svg+xml"},
		{".png", "image/png"},
		{".ico", "image/x-icon"},
		{".woff2", "font/woff2"},
		{".txt", "text/plain; charset=utf-8"},
	};
	const char *dot = strrchr(path, '.');

	for (size_t i = 0; dot && i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(dot, types[i][0]) == 0)
			return types[i][1];
	return "application/octet-stream";
}

static void
read_file(File *f, const char *path, size_t n)
{
	FILE *in = fopen(path, "rb");
	unsigned char digest[EVP_MAX_MD_SIZE];

	f->bytes = need(n);
	if (in == NULL || fread(f->bytes, 1, n, in) != n)
		give_up("file %s cannot be read: %s", path, strerror(errno));
	fclose(in);
	f->n = n;
	f->path = need_copy(path + prefix, strlen(path + prefix));
	f->type = type_of(path);
	if (EVP_Digest(f->bytes, n, digest, NULL, EVP_sha256(), NULL) != 1)
		give_up("file %s has no hash", path);
	f->tag[0] = '"';
	for (int i = 0; i < 16; i++)
		snprintf(f->tag + 1 + 2 * i, 3, "%02x", digest[i]);
	strcat(f->tag, "\"");
}

static int
found(const char *path, const struct stat *about, int type, struct FTW *where)
{
	(void) where;
	if (type != FTW_F)
		return 0;
	if (n_files == MOST_FILES || about->st_size > MOST_FILE_BYTES)
		give_up("the folder of static files holds more than %d files, or one of more than 16 MB: %s", MOST_FILES, path);
	read_file(&files[n_files++], path, about->st_size);
	return 0;
}

void
files_begin(const char *folder)
{
	files = need(sizeof(File) * MOST_FILES);
	prefix = strlen(folder);
	while (prefix > 0 && folder[prefix - 1] == '/')
		prefix--;
	/* links are not followed: what is served lies in the folder itself */
	if (nftw(folder, found, 16, FTW_PHYS) != 0)
		give_up("the folder of static files cannot be read: %s: %s", folder, strerror(errno));
}

static const File *
look_up(Slice path)
{
	for (int i = 0; i < n_files; i++)
	{
		const char *at = files[i].path;
		size_t n = strlen(at);

		if (slice_is(path, at))
			return &files[i];
		/* a folder is its index */
		if (path.n > 0 && path.at[path.n - 1] == '/' && n == path.n + strlen("index.html") && memcmp(at, path.at, path.n) == 0 && strcmp(at + path.n, "index.html") == 0)
			return &files[i];
	}
	return NULL;
}

bool
files_have(Slice path)
{
	return look_up(path) != NULL;
}

void
files_answer(Connection *c)
{
	const File *f = look_up(c->request.path);
	const Header *known = request_header(&c->request, "if-none-match");
	AnswerHeader headers[] = {
		{"ETag", f->tag},
		{"Cache-Control", "no-cache"},
		{"X-Content-Type-Options", "nosniff"},
		{"Referrer-Policy", "no-referrer"},
		{"Content-Security-Policy", "default-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"},
		{"Content-Type", f->type},
	};

	if (known && list_has(known->value, f->tag))
		connection_answer(c, 304, headers, 5, NULL, 0);
	else
		connection_answer(c, 200, headers, 6, f->bytes, f->n);
}
