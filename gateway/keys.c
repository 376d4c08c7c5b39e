/*
 * keys.c
 *		Where keys of tokens come from.
 *
 * An address is asked by a thread that does nothing else, since names are looked up and
 * connections made there; what it brings is taken over by the loop.  Whoever sends tokens
 * with keys that nobody knows makes it ask no oftener than once a minute.
 */
#include "gateway/keys.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/curl_compat.h"
#include "gateway/buffer.h"
#include "gateway/connection.h"
#include "gateway/jwt.h"
#include "gateway/log.h"

#define REFRESH_MS (15 * 60 * 1000)
#define LEAST_MS (60 * 1000)
#define FAILED_MS (60 * 1000)
#define MOST_SET (256 * 1024)
#define FETCH_S 10L

static const char *source = NULL;
static const char *secret_file = NULL;
static int64_t read_at = 0; /* when they are read again */
static int64_t last_read = 0;

/* What the thread brings */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool fetching = false;
static bool fetched = false;
static Buffer brought;
static char problem[256];

static bool
is_address(const char *from)
{
	return strncmp(from, "https://", 8) == 0 || strncmp(from, "http://127.0.0.1", 16) == 0 || strncmp(from, "http://[::1]", 12) == 0;
}

/* A regular file with something in it */
static bool
read_file(const char *path, size_t most, Buffer *to)
{
	char part[4096];
	struct stat info;
	ssize_t n;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0 || fstat(fd, &info) != 0 || !S_ISREG(info.st_mode))
	{
		if (fd >= 0)
			close(fd);
		return false;
	}
	while ((n = read(fd, part, sizeof(part))) > 0 && to->n <= most)
		buffer_add(to, part, n);
	close(fd);
	return n == 0 && to->n > 0;
}

static size_t
take_part(char *bytes, size_t size, size_t n, void *to)
{
	Buffer *set = to;

	(void) size;
	if (set->n + n > MOST_SET)
		return 0;
	buffer_add(set, bytes, n);
	return n;
}

/* No other protocol, no redirect, nothing of the environment */
static void *
fetch(void *unused)
{
	CURL *curl = curl_easy_init();
	Buffer set = {0};
	long status = 0;
	CURLcode code = CURLE_FAILED_INIT;

	(void) unused;
	if (curl)
	{
		curl_easy_setopt(curl, CURLOPT_URL, source);
		curl_speak_only(curl, "https,http");
		curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
		curl_easy_setopt(curl, CURLOPT_TIMEOUT, FETCH_S);
		curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_part);
		curl_easy_setopt(curl, CURLOPT_WRITEDATA, &set);
		code = curl_easy_perform(curl);
		curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
		curl_easy_cleanup(curl);
	}
	pthread_mutex_lock(&lock);
	problem[0] = '\0';
	if (code != CURLE_OK)
		strncpy(problem, curl_easy_strerror(code), sizeof(problem) - 1);
	else if (status != 200)
		strcpy(problem, "it does not answer 200");
	buffer_free(&brought);
	brought = set;
	fetched = true;
	fetching = false;
	pthread_mutex_unlock(&lock);
	return NULL;
}

static void
begin_fetch(void)
{
	pthread_t thread;

	if (fetching)
		return;
	fetching = true;
	if (pthread_create(&thread, NULL, fetch, NULL) == 0)
		pthread_detach(thread);
	else
		fetching = false;
}

static void
take_fetched(int64_t now)
{
	pthread_mutex_lock(&lock);
	if (fetched)
	{
		fetched = false;
		if (problem[0] == '\0' && !jwt_take_keys(brought.bytes ? brought.bytes : "", brought.n))
			strcpy(problem, "what it returns is not a set of keys");
		if (problem[0])
			log_line("error", "keys of tokens could not be fetched, the previous ones stay in use: %s", problem);
		read_at = now + (problem[0] ? FAILED_MS : REFRESH_MS);
		buffer_free(&brought);
	}
	pthread_mutex_unlock(&lock);
}

static bool
read_key_file(void)
{
	Buffer set = {0};
	bool good = read_file(source, MOST_SET, &set) && jwt_take_keys(set.bytes, set.n);

	buffer_free(&set);
	return good;
}

static bool
read_secret(void)
{
	Buffer bytes = {0};
	bool good = read_file(secret_file, 4096, &bytes);

	while (good && bytes.n > 0 && (bytes.bytes[bytes.n - 1] == '\n' || bytes.bytes[bytes.n - 1] == '\r'))
		bytes.n--;
	good = good && bytes.n >= 32;
	if (good)
		jwt_take_secret(bytes.bytes, bytes.n);
	if (bytes.bytes)
		explicit_bzero(bytes.bytes, bytes.size);
	buffer_free(&bytes);
	return good;
}

static void
read_now(void)
{
	last_read = now_ms();
	read_at = last_read + REFRESH_MS;
	if (source && is_address(source))
		begin_fetch();
	else if (source && !read_key_file())
		log_line("error", "the file of keys of tokens cannot be used, the previous ones stay in use");
}

void
keys_begin(const char *from, const char *secret)
{
	source = from;
	secret_file = secret;
	if ((from || secret) && !(jwt_options.issuer && jwt_options.audience))
		give_up("--jwks and --jwt-hs256-key want --jwt-issuer and --jwt-audience");
	if (from && !is_address(from) && strstr(from, "://"))
		give_up("--jwks wants a file or an address of https://");
	if (from && !is_address(from) && !read_key_file())
		give_up("--jwks: the file is not a set of keys");
	if (secret && !read_secret())
		give_up("--jwt-hs256-key wants a file of at least 32 bytes");
	if (from && is_address(from))
	{
		curl_global_init(CURL_GLOBAL_DEFAULT);
		read_now();
	}
	last_read = now_ms();
	read_at = last_read + REFRESH_MS;
}

void
keys_tick(int64_t now)
{
	if (source == NULL)
		return;
	take_fetched(now);
	if (now >= read_at)
		read_now();
}

void
keys_reload(void)
{
	if (source)
		read_now();
	if (secret_file && !read_secret())
		log_line("error", "the file of the key of HS256 cannot be used, the previous one stays in use");
}

void
keys_missing(void)
{
	if (source && now_ms() >= last_read + LEAST_MS)
		read_now();
}
