/*
 * files.c
 *		Static files, from memory: a folder's at /, and the console's at /console/.
 *
 * They are read once, and packed once.  What of the console is not there is its first
 * page, since its addresses are its own business.
 */
#include "gateway/files.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "gateway/log.h"

#define MOST_FILES 2000
#define MOST_FILE_BYTES (16 * 1024 * 1024)

/* Smaller ones are sent as they are */
#define LEAST_PACKED 512
#define MOUNT "/console"

/* One form of it */
typedef struct Form
{
	char *bytes; /* NULL: there is none */
	size_t n;
} Form;

typedef struct File
{
	char *path;
	size_t n_path;
	const char *type;
	char tag[33];
	bool lasts; /* its name has a hash of it */
	Form plain;
	Form br;
	Form gzip;
} File;

static File files[MOST_FILES];
static int n_files = 0;
/* of the folder that is read */
static size_t prefix;
static const char *mount;

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
		{".webmanifest", "application/manifest+json"},
		{".map", "application/json"},
		{".woff2", "font/woff2"},
		{".txt", "text/plain; charset=utf-8"},
	};
	const char *dot = strrchr(path, '.');

	for (size_t i = 0; dot && i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(dot, types[i][0]) == 0)
			return types[i][1];
	return "application/octet-stream";
}

/* -- they are read -- */

static bool
ends_with(const char *text, const char *end)
{
	size_t n = strlen(text),
		   m = strlen(end);

	return n > m && strcmp(text + n - m, end) == 0;
}

/* Links are not followed: what is served lies in the folder itself */
static Form
read_form(const char *path)
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	struct stat about;
	Form form = {0};
	ssize_t got;

	if (fd < 0 || fstat(fd, &about) != 0 || !S_ISREG(about.st_mode) || about.st_size > MOST_FILE_BYTES)
		give_up("file %s cannot be read, or is larger than 16 MB: %s", path, strerror(errno));
	form.bytes = need(about.st_size);
	while (form.n < (size_t) about.st_size && (got = read(fd, form.bytes + form.n, about.st_size - form.n)) > 0)
		form.n += got;
	if (form.n != (size_t) about.st_size)
		give_up("file %s cannot be read: %s", path, strerror(errno));
	close(fd);
	return form;
}

/* What whoever built it packed already; NULL: nothing */
static Form
read_packed(const char *path, const char *end)
{
	char name[4096];

	if ((size_t) snprintf(name, sizeof(name), "%s%s", path, end) >= sizeof(name) || access(name, R_OK) != 0)
		return (Form){0};
	return read_form(name);
}

static Form
pack(const Form *plain)
{
	z_stream z = {0};
	Form form = {.bytes = need(plain->n)};

	if (deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY) != Z_OK)
		give_up("there is no gzip");
	z.next_in = (Bytef *) plain->bytes;
	z.avail_in = plain->n;
	z.next_out = (Bytef *) form.bytes;
	z.avail_out = plain->n;
	if (deflate(&z, Z_FINISH) == Z_STREAM_END)
		form.n = z.total_out;
	deflateEnd(&z);
	if (form.n > 0)
		return form;
	free(form.bytes);
	return (Form){0};
}

/* As builders name what they build: name-hash.js */
static bool
has_hash(const char *path)
{
	const char *name = strrchr(path, '/'),
			   *dash = name ? strchr(name, '-') : NULL,
			   *dot = dash ? strchr(dash, '.') : NULL;

	return strstr(path, "/assets/") && dot && dot - dash > 8;
}

static void
read_file(File *f, const char *path)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	Buffer at = {0};

	buffer_print(&at, "%s%s", mount, path + prefix);
	f->path = at.bytes;
	f->n_path = at.n;
	f->type = type_of(path);
	f->plain = read_form(path);
	if (f->plain.n >= LEAST_PACKED && strncmp(f->type, "image/png", 9) != 0 && strncmp(f->type, "font/", 5) != 0)
	{
		f->br = read_packed(path, ".br");
		f->gzip = read_packed(path, ".gz");
		if (f->gzip.bytes == NULL)
			f->gzip = pack(&f->plain);
	}
	if (EVP_Digest(f->plain.bytes, f->plain.n, digest, NULL, EVP_sha256(), NULL) != 1)
		give_up("file %s has no hash", path);
	for (int i = 0; i < 16; i++)
		snprintf(f->tag + 2 * i, 3, "%02x", digest[i]);
	f->lasts = has_hash(f->path);
}

static int
found(const char *path, const struct stat *about, int type, struct FTW *where)
{
	(void) about;
	(void) where;
	if (type != FTW_F || ends_with(path, ".br") || ends_with(path, ".gz"))
		return 0;
	if (n_files == MOST_FILES)
		give_up("there are more than %d static files: %s", MOST_FILES, path);
	read_file(&files[n_files++], path);
	return 0;
}

static void
read_folder(const char *folder, const char *at)
{
	mount = at;
	prefix = strlen(folder);
	while (prefix > 0 && folder[prefix - 1] == '/')
		prefix--;
	if (nftw(folder, found, 16, FTW_PHYS) != 0)
		give_up("the folder of static files cannot be read: %s: %s", folder, strerror(errno));
}

/* Beside the program, wherever that was moved to with all that it was installed with; NULL: it is not where it was installed */
static char *
installed_folder(void)
{
	static const char bin[] = INSTALLED_BIN,
					  share[] = INSTALLED_SHARE;
	char self[4096];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	size_t common = 0,
		   rest;
	Buffer folder = {0};

	if (n <= 0)
		return NULL;
	self[n] = '\0';
	*strrchr(self, '/') = '\0';
	for (size_t i = 0; bin[i] && bin[i] == share[i]; i++)
		if (bin[i] == '/')
			common = i;
	rest = strlen(bin + common);
	if (strlen(self) < rest || strcmp(self + strlen(self) - rest, bin + common) != 0)
		return NULL;
	buffer_print(&folder, "%.*s%s/pg_ingest/console", (int) (strlen(self) - rest), self, share + common);
	return folder.bytes;
}

void
files_begin(const char *folder, const char *console)
{
	char *installed = console ? NULL : installed_folder();

	if (folder)
		read_folder(folder, "");
	if (console)
		read_folder(console, MOUNT);
	else if (installed && access(installed, R_OK | X_OK) == 0)
		read_folder(installed, MOUNT);
	free(installed);
}

/* -- they are asked for -- */

/* text: in small letters */
static bool
contains_like(Slice s, const char *text)
{
	size_t n = strlen(text);

	for (size_t i = 0; i + n <= s.n; i++)
		if (strncasecmp(s.at + i, text, n) == 0)
			return true;
	return false;
}

static const File *
named(const char *path, size_t n)
{
	for (int i = 0; i < n_files; i++)
		if (files[i].n_path == n && memcmp(files[i].path, path, n) == 0)
			return &files[i];
	return NULL;
}

static bool
is_of_console(Slice path)
{
	static const size_t n = sizeof(MOUNT) - 1;

	return path.n >= n && memcmp(path.at, MOUNT, n) == 0 && (path.n == n || path.at[n] == '/');
}

/* A page of the console's own: nothing that looks like a file, or like a way out of the folder */
static bool
is_page(Slice path)
{
	return memchr(path.at, '.', path.n) == NULL && memchr(path.at, '\\', path.n) == NULL && !contains_like(path, "%2e") && !contains_like(path, "%2f") && !contains_like(path, "%5c") && !contains_like(path, "%00");
}

static const File *
look_up(Slice path)
{
	const File *f = named(path.at, path.n);
	Buffer index = {0};

	/* a folder is its index */
	if (f == NULL && path.n > 0 && path.at[path.n - 1] == '/')
	{
		buffer_add(&index, path.at, path.n);
		buffer_add(&index, "index.html", 10);
		f = named(index.bytes, index.n);
		buffer_free(&index);
	}
	if (f == NULL && is_of_console(path) && is_page(path))
		f = named(MOUNT "/index.html", sizeof(MOUNT "/index.html") - 1);
	return f;
}

bool
files_have(Slice path)
{
	return is_of_console(path) || look_up(path) != NULL;
}

/* -- answers -- */

static void
answer_nothing(Connection *c)
{
	static const AnswerHeader headers[] = {{"Content-Type", "text/plain; charset=utf-8"}, {"Cache-Control", "no-store"}};
	static const char none[] = "The console is not here: make -C console, then make install, or pg_ingest_gateway --console-dir console/dist.\n",
					  nothing[] = "There is no such file.\n";
	bool built = named(MOUNT "/index.html", sizeof(MOUNT "/index.html") - 1) != NULL;

	connection_answer(c, 404, headers, 2, built ? nothing : none, strlen(built ? nothing : none));
}

/* The smallest form that is taken; its name, as it is in the header and in the tag */
static const Form *
form_for(const Connection *c, const File *f, const char **name)
{
	const Header *takes = request_header(&c->request, "accept-encoding");

	*name = "br";
	if (takes && f->br.bytes && list_has(takes->value, *name))
		return &f->br;
	*name = "gzip";
	if (takes && f->gzip.bytes && list_has(takes->value, *name))
		return &f->gzip;
	*name = "identity";
	return &f->plain;
}

/* No script, no style and no connection but of this address, and none that stands within the page */
#define POLICY \
	"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; manifest-src 'self'; " \
	"base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

void
files_answer(Connection *c)
{
	const File *f = look_up(c->request.path);
	const Header *known = request_header(&c->request, "if-none-match");
	const char *form;
	const Form *bytes;
	char tag[64];

	if (slice_is(c->request.path, MOUNT) && f)
	{
		connection_answer(c, 308, &(AnswerHeader){"Location", MOUNT "/"}, 1, NULL, 0);
		return;
	}
	if (f == NULL)
	{
		answer_nothing(c);
		return;
	}
	bytes = form_for(c, f, &form);
	snprintf(tag, sizeof(tag), "\"%s-%s\"", f->tag, form);

	AnswerHeader headers[] = {
		{"ETag", tag},
		{"Cache-Control", f->lasts ? "public, max-age=31536000, immutable" : "no-cache"},
		{"Vary", "Accept-Encoding"},
		{"Content-Security-Policy", POLICY},
		{"Referrer-Policy", "no-referrer"},
		{"Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=(), usb=(), browsing-topics=()"},
		{"Cross-Origin-Opener-Policy", "same-origin"},
		{"Cross-Origin-Resource-Policy", "same-origin"},
		/* from here on it is not said of what is known already */
		{"Content-Type", f->type},
		{"Content-Encoding", form},
	};
	int n = sizeof(headers) / sizeof(headers[0]);

	if (known && list_has(known->value, tag))
		connection_answer(c, 304, headers, n - 2, NULL, 0);
	else
		connection_answer(c, 200, headers, n - (bytes == &f->plain), bytes->bytes, bytes->n);
}
