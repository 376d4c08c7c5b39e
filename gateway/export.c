/*
 * export.c
 *		Metrics are sent to who collects them, by OTLP over HTTP as JSON.
 *
 * Each time the page of /metrics is asked for, as whoever asks without a token (where the
 * database names a role for that), and sent by a thread that does nothing else, one at a
 * time and with a timeout: a collector that is silent, slow or gone keeps nobody waiting.
 * Counters are sums since a beginning, so what did not arrive is in the next one, and
 * nothing is kept to be sent again.
 */
#include "gateway/export.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#include "common/curl_compat.h"
#include "gateway/connection.h"
#include "gateway/log.h"
#include "gateway/otlp.h"
#include "gateway/pool.h"

#define INTERVAL_MS (60 * 1000)
#define TIMEOUT_MS (10 * 1000)
#define FIRST_PAUSE_MS 1000
/* However long a collector says that it wants to be left alone */
#define LONGEST_PAUSE_MS (60 * 60 * 1000)
#define MOST_ANSWER (64 * 1024)
#define MOST_HEADERS_FILE (64 * 1024)

ExportOptions export_options;

static char *address = NULL; /* NULL: nothing is sent */
static struct curl_slist *headers = NULL;
static const char *authority = NULL; /* certificates of those who may sign the collector's */
static Buffer resource;
static int64_t interval = INTERVAL_MS;
static long timeout_ms = TIMEOUT_MS;
static bool packed = false;

static enum { WAITING,
			  ASKED,
			  SENDING } state = WAITING;
static int64_t next_at = 0;
static int64_t began = 0;
static int64_t pause_ms = 0;
static bool failing = false;
static bool alone = false; /* the database's metrics are not there */

/* What the thread is given, and brings */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static Buffer body;
static bool sent = false;
static long status = 0; /* 0: there was no answer */
static long retry_after = 0;
static char problem[256];
static Buffer answer;

/* -- what is said by the environment -- */

/* That of metrics, else that of all signals; what is empty is not said */
static const char *
said(const char *what)
{
	char name[64];
	const char *value;

	snprintf(name, sizeof(name), "OTEL_EXPORTER_OTLP_METRICS_%s", what);
	value = getenv(name);
	if (value && value[0])
		return value;
	snprintf(name, sizeof(name), "OTEL_EXPORTER_OTLP_%s", what);
	value = getenv(name);
	return value && value[0] ? value : NULL;
}

static int64_t
milliseconds(const char *what, const char *value, int64_t otherwise)
{
	char *end;
	long n;

	if (value == NULL || value[0] == '\0')
		return otherwise;
	n = strtol(value, &end, 10);
	if (*end || n < 1 || n > 24 * 60 * 60 * 1000L)
		give_up("%s wants a number of milliseconds", what);
	return n;
}

static void
choose_address(void)
{
	const char *base = export_options.endpoint,
			   *whole = base ? NULL : getenv("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT");
	Buffer text = {0};
	size_t n;

	if (base == NULL && (whole == NULL || whole[0] == '\0'))
		base = getenv("OTEL_EXPORTER_OTLP_ENDPOINT");
	if ((base == NULL || base[0] == '\0') && (whole == NULL || whole[0] == '\0'))
		return;
	if (whole && whole[0])
		buffer_print(&text, "%s", whole);
	else
	{
		n = strlen(base);
		buffer_print(&text, "%.*s/v1/metrics", (int) (n - (base[n - 1] == '/')), base);
	}
	if (strncmp(text.bytes, "http://", 7) != 0 && strncmp(text.bytes, "https://", 8) != 0)
		give_up("the endpoint of OTLP is an address of http:// or https://");
	/* it would be seen by everybody on this machine */
	n = strcspn(strstr(text.bytes, "://") + 3, "/?#");
	if (memchr(strstr(text.bytes, "://") + 3, '@', n))
		give_up("the endpoint of OTLP must contain no user and no password: use headers");
	address = text.bytes;
}

/* -- headers: their values are secrets, and are in no message -- */

static void
add_header(const char *name, size_t n_name, const char *value, size_t n_value)
{
	Buffer line = {0};
	struct curl_slist *longer;

	for (size_t i = 0; i < n_name; i++)
		if (!isalnum((unsigned char) name[i]) && strchr("!#$%&'*+-.^_`|~", name[i]) == NULL)
			n_name = 0;
	for (size_t i = 0; i < n_value; i++)
		if ((unsigned char) value[i] < ' ' || value[i] == 0x7f)
			n_name = 0;
	if (n_name == 0)
		give_up("the headers of OTLP must be names and values, and one of them is not");
	buffer_add(&line, name, n_name);
	buffer_print(&line, ": ");
	buffer_add(&line, value, n_value);
	longer = curl_slist_append(headers, line.bytes);
	if (longer == NULL)
		give_up("out of memory");
	headers = longer;
	explicit_bzero(line.bytes, line.size);
	buffer_free(&line);
}

static void
trim(const char **text, size_t *n)
{
	for (; *n > 0 && isspace((unsigned char) **text); (*n)--)
		(*text)++;
	for (; *n > 0 && isspace((unsigned char) (*text)[*n - 1]);)
		(*n)--;
}

static int
hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10
																			   : -1;
}

/* %xx; what is none stands for itself */
static size_t
decode(char *to, const char *from, size_t n)
{
	size_t length = 0;

	for (size_t i = 0; i < n; i++)
	{
		if (from[i] == '%' && i + 2 < n && hex(from[i + 1]) >= 0 && hex(from[i + 2]) >= 0)
		{
			to[length++] = hex(from[i + 1]) * 16 + hex(from[i + 2]);
			i += 2;
		}
		else
			to[length++] = from[i];
	}
	return length;
}

typedef void (*TakePair)(const char *name, size_t n_name, const char *value, size_t n_value);

/* name=value,name=value, values percent-encoded; or lines of name: value, as they are */
static void
each_pair(const char *text, char between, char equals, TakePair take)
{
	while (*text)
	{
		size_t n = strcspn(text, (char[]){between, '\0'});
		const char *mark = memchr(text, equals, n),
				   *name = text,
				   *value = mark ? mark + 1 : text + n;
		size_t n_name = mark ? (size_t) (mark - text) : n,
			   n_value = text + n - value;
		char *decoded;

		trim(&name, &n_name);
		trim(&value, &n_value);
		decoded = need(n_value + 1);
		if (equals == '=')
			n_value = decode(decoded, value, n_value);
		else
			memcpy(decoded, value, n_value);
		if (n_name > 0 || mark)
			take(name, n_name, decoded, n_value);
		explicit_bzero(decoded, n_value);
		free(decoded);
		text += n + (text[n] != '\0');
	}
}

static void
read_headers_file(const char *path)
{
	Buffer text = {0};
	char part[4096];
	ssize_t n = -1;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	while (fd >= 0 && (n = read(fd, part, sizeof(part))) > 0 && text.n < MOST_HEADERS_FILE)
		buffer_add(&text, part, n);
	if (n != 0)
		give_up("--otlp-headers: the file cannot be read");
	close(fd);
	explicit_bzero(part, sizeof(part));
	if (text.n > 0)
	{
		each_pair(text.bytes, '\n', ':', add_header);
		explicit_bzero(text.bytes, text.size);
	}
	buffer_free(&text);
}

/* -- who sends it: what is said first holds -- */

static void
add_attribute(const char *name, size_t n_name, const char *value, size_t n_value)
{
	Buffer key = {0};

	if (n_name == 0)
		return;
	buffer_print(&key, "{\"key\":");
	buffer_json(&key, name, n_name);
	if (resource.n == 0 || strstr(resource.bytes, key.bytes) == NULL)
	{
		if (resource.n > 0)
			buffer_add(&resource, ",", 1);
		otlp_attribute(&resource, name, n_name, value, n_value);
	}
	buffer_free(&key);
}

static void
add_own(const char *name, const char *value)
{
	add_attribute(name, strlen(name), value, strlen(value));
}

static void
describe_resource(void)
{
	const char *given = getenv("OTEL_RESOURCE_ATTRIBUTES"),
			   *name = getenv("OTEL_SERVICE_NAME");
	char host[256] = "",
		 instance[300];

	if (name && name[0])
		add_own("service.name", name);
	if (given)
		each_pair(given, ',', '=', add_attribute);
	gethostname(host, sizeof(host) - 1);
	snprintf(instance, sizeof(instance), "%s-%d-%lld", host, getpid(), (long long) time(NULL));
	add_own("service.name", "pg_ingest_gateway");
	add_own("service.version", GATEWAY_VERSION);
	add_own("service.instance.id", instance);
}

void
export_begin(void)
{
	const char *exporter = getenv("OTEL_METRICS_EXPORTER"),
			   *protocol = said("PROTOCOL"),
			   *given = said("HEADERS");

	if (export_options.endpoint == NULL && ((exporter && strcmp(exporter, "none") == 0) || (getenv("OTEL_SDK_DISABLED") && strcasecmp(getenv("OTEL_SDK_DISABLED"), "true") == 0)))
		return;
	choose_address();
	if (address == NULL)
	{
		if (export_options.headers || export_options.interval_s)
			give_up("--otlp-headers and --otlp-interval want --otlp-endpoint");
		return;
	}
	curl_global_init(CURL_GLOBAL_DEFAULT);
	if (protocol && strcmp(protocol, "http/json") != 0)
		log_line("warning", "only OTLP by HTTP as JSON is supported");
	headers = curl_slist_append(NULL, "Content-Type: application/json");
	if (export_options.headers)
		read_headers_file(export_options.headers);
	else if (given)
		each_pair(given, ',', '=', add_header);
	timeout_ms = milliseconds("OTEL_EXPORTER_OTLP_TIMEOUT", said("TIMEOUT"), TIMEOUT_MS);
	interval = export_options.interval_s ? export_options.interval_s * INT64_C(1000) : milliseconds("OTEL_METRIC_EXPORT_INTERVAL", getenv("OTEL_METRIC_EXPORT_INTERVAL"), INTERVAL_MS);
	packed = said("COMPRESSION") && strcmp(said("COMPRESSION"), "gzip") == 0;
	authority = said("CERTIFICATE");
	describe_resource();
	if (packed)
		headers = curl_slist_append(headers, "Content-Encoding: gzip");
	/* none of Expect: 100-continue, for which some wait a second */
	headers = curl_slist_append(headers, "Expect:");
	next_at = now_ms() + (interval < 1000 ? interval : 1000);
}

/* -- sending -- */

static size_t
take_part(char *bytes, size_t size, size_t n, void *to)
{
	Buffer *into = to;

	(void) size;
	/* what is longer is read to its end, and not looked at */
	if (into->n + n <= MOST_ANSWER)
		buffer_add(into, bytes, n);
	return n;
}

static void
pack(Buffer *text)
{
	z_stream z = {0};
	Buffer out = {0};

	if (deflateInit2(&z, 4, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return;
	buffer_room(&out, deflateBound(&z, text->n));
	z.next_in = (Bytef *) text->bytes;
	z.avail_in = text->n;
	z.next_out = (Bytef *) out.bytes;
	z.avail_out = out.size;
	(void) deflate(&z, Z_FINISH);
	out.n = z.total_out;
	deflateEnd(&z);
	buffer_free(text);
	*text = out;
}

/* No other protocol, no redirect */
static void *
deliver(void *unused)
{
	CURL *curl = curl_easy_init();
	Buffer got = {0};
	long code = 0;
	curl_off_t after = 0;
	CURLcode result = CURLE_FAILED_INIT;

	(void) unused;
	if (packed)
		pack(&body);
	if (curl)
	{
		curl_easy_setopt(curl, CURLOPT_URL, address);
		curl_speak_only(curl, "https,http");
		curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
		curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, timeout_ms);
		curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
		curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t) body.n);
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body.bytes);
		curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_part);
		curl_easy_setopt(curl, CURLOPT_WRITEDATA, &got);
		if (authority)
			curl_easy_setopt(curl, CURLOPT_CAINFO, authority);
		result = curl_easy_perform(curl);
		if (result == CURLE_OK)
		{
			curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &code);
			curl_easy_getinfo(curl, CURLINFO_RETRY_AFTER, &after);
		}
		curl_easy_cleanup(curl);
	}
	pthread_mutex_lock(&lock);
	status = code;
	retry_after = after;
	snprintf(problem, sizeof(problem), "%s", result == CURLE_OK ? "" : curl_easy_strerror(result));
	buffer_free(&body);
	buffer_free(&answer);
	answer = got;
	sent = true;
	pthread_mutex_unlock(&lock);
	return NULL;
}

/* -- what came of it -- */

/* It was taken, but for some of it */
static void
look_at_rest(void)
{
	struct json_object *object = answer.n > 0 ? json_tokener_parse(answer.bytes) : NULL,
					   *partial,
					   *rejected;

	if (object && json_object_is_type(object, json_type_object) && json_object_object_get_ex(object, "partialSuccess", &partial) &&
		json_object_object_get_ex(partial, "rejectedDataPoints", &rejected) && json_object_get_int64(rejected) > 0)
		log_line("warning", "the collector of metrics did not take %lld points", (long long) json_object_get_int64(rejected));
	if (object)
		json_object_put(object);
}

/* As OTLP says: these may pass, others will not */
static bool
may_pass(long code)
{
	return code == 0 || code == 429 || code == 502 || code == 503 || code == 504;
}

static void
say(bool failed)
{
	if (failed && !failing && status)
		log_line("error", "metrics cannot be sent: the collector answers %ld", status);
	else if (failed && !failing)
		log_line("error", "metrics cannot be sent: %s", problem[0] ? problem : "there is no answer");
	else if (!failed && failing)
		log_line("info", "metrics are sent again");
	failing = failed;
}

static void
take_sent(int64_t now)
{
	pthread_mutex_lock(&lock);
	if (sent)
	{
		bool failed = status < 200 || status > 299;

		sent = false;
		state = WAITING;
		say(failed);
		if (!failed)
			look_at_rest();
		if (!failed || !may_pass(status))
		{
			pause_ms = 0;
			next_at = began + interval > now ? began + interval : now;
		}
		else
		{
			pause_ms = pause_ms == 0 ? FIRST_PAUSE_MS : pause_ms * 2 > interval ? (interval > FIRST_PAUSE_MS ? interval : FIRST_PAUSE_MS)
																				: pause_ms * 2;
			/* gateways that failed together do not come back together */
			next_at = now + pause_ms / 2 + random() % (pause_ms / 2 + 1);
			if (retry_after > 0)
				next_at = now + (retry_after * INT64_C(1000) < LONGEST_PAUSE_MS ? retry_after * INT64_C(1000) : LONGEST_PAUSE_MS);
		}
	}
	pthread_mutex_unlock(&lock);
}

/* -- asking -- */

static void
begin_sending(void)
{
	pthread_t thread;

	state = SENDING;
	if (pthread_create(&thread, NULL, deliver, NULL) == 0)
		pthread_detach(thread);
	else
	{
		buffer_free(&body);
		state = WAITING;
		next_at = now_ms() + interval;
	}
}

/* Without the database its own are still answered */
static void
take_page(void *of, int code, const AnswerHeader *answer_headers, int n_headers, const char *text, size_t n)
{
	Buffer page = {0};
	struct timespec now;

	(void) of;
	(void) answer_headers;
	(void) n_headers;
	if ((code != 200) != alone)
	{
		alone = code != 200;
		if (alone)
			log_line("warning", "only the gateway's own metrics are sent: the database answers %d%s",
					 code, code == 401 ? ", since ingest_api.metrics_role names no role" : "");
	}
	pool_page(&page, alone ? "" : text, alone ? 0 : n);
	clock_gettime(CLOCK_REALTIME, &now);
	otlp_write(&body, page.bytes, resource.bytes, now.tv_sec * UINT64_C(1000000000) + now.tv_nsec);
	buffer_free(&page);
	begin_sending();
}

static void
ask(int64_t now)
{
	static const char accept[] = "{\"accept\":\"text/plain\"}";
	Question q = {.answered = take_page, .express = true};

	began = now;
	state = ASKED;
	q.method = need_copy("GET", 3);
	q.path = need_copy("/metrics", 8);
	q.headers = need_copy(accept, strlen(accept));
	q.who = need_copy("export", 6);
	pool_ask(NULL, &q);
}

void
export_tick(int64_t now)
{
	if (address == NULL)
		return;
	if (state == SENDING)
		take_sent(now);
	if (state == WAITING && now >= next_at)
		ask(now);
}
