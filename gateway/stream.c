/*
 * stream.c
 *		Answers that go on: events as they come (server-sent events, WHATWG HTML 9.2), or
 *		what a subscription of GraphQL asks for of each (the protocol of npm's graphql-sse).
 *
 * A stream is a question that is asked again: with the place behind what was sent, when
 * somebody has said that there are events, and every few seconds in any case, since by
 * each question it is looked at anew who asks.  So no stream holds a session, and those
 * that would ask the same share one question.  The place is the database's word: nothing
 * is kept here that a gateway which takes over would miss.
 */
#include "gateway/stream.h"

#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "gateway/log.h"
#include "gateway/server.h"
#include "gateway/session.h"

/* Whoever may no longer see events gets none after this */
#define ASK_MS 5000
#define ASK_AGAIN_MS 1000
#define BEAT_MS 15000
/* What is heard within so long is asked for at once */
#define GATHER_NS (10 * 1000 * 1000)
/* Questions under way: requests never wait for more than these */
#define MOST_ASKED 2

typedef struct Stream
{
	Connection *client;
	char *credential;
	char *path;
	char *query;
	char *body; /* NULL: it was not posted */
	char *place;
	uint64_t hash; /* of these */
	bool graphql;
	bool due;
	struct Asked *asked; /* the question under way */
	struct Stream *next_asked;
	int64_t ask_at; /* even if nothing is heard */
	int64_t sent_at;
	struct Stream *next,
		**link;
} Stream;

/* A question for all streams that would ask it */
typedef struct Asked
{
	Stream *streams;
} Asked;

static Stream *first = NULL;
static Stream **last = &first;
static int n_asked = 0;
static Session listener = {.watch.fd = -1, .listens = true};
static Watch gathering = {.fd = -1};
static bool is_gathering = false;

/* -- what it asks for -- */

static uint64_t
hash_on(uint64_t hash, const char *text)
{
	for (; text && *text; text++)
		hash = (hash ^ (unsigned char) *text) * UINT64_C(1099511628211);
	return (hash ^ 0xff) * UINT64_C(1099511628211);
}

static void
take_place(Stream *s, const char *place)
{
	char *new = need_copy(place, strlen(place));

	free(s->place);
	s->place = new;
	s->hash = hash_on(hash_on(hash_on(hash_on(hash_on(UINT64_C(14695981039346656037), s->credential), s->path), s->query), s->body), s->place);
}

static bool
same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static bool
asks_the_same(const Stream *a, const Stream *b)
{
	return a->hash == b->hash && same_text(a->credential, b->credential) && same_text(a->path, b->path) && same_text(a->query, b->query) && same_text(a->body, b->body) && same_text(a->place, b->place);
}

static char *
copy_or_null(const char *text)
{
	return text ? need_copy(text, strlen(text)) : NULL;
}

/* -- they come and go -- */

static void
enlist(Stream *s)
{
	s->next = NULL;
	s->link = last;
	*last = s;
	last = &s->next;
}

static void
unlist(Stream *s)
{
	*s->link = s->next;
	if (s->next)
		s->next->link = s->link;
	else
		last = s->link;
}

static void
leave(Connection *client)
{
	Stream *s = client->worker;

	for (Stream **link = s->asked ? &s->asked->streams : NULL; link && *link; link = &(*link)->next_asked)
		if (*link == s)
		{
			*link = s->next_asked;
			break;
		}
	unlist(s);
	client->worker = NULL;
	client->abandon = NULL;
	free(s->credential);
	free(s->path);
	free(s->query);
	free(s->body);
	free(s->place);
	free(s);
}

static void
end(Stream *s)
{
	Connection *client = s->client;

	leave(client);
	connection_stream_end(client);
}

/* -- asking -- */

static void ask_next(void);

/*
 * The place alone, so that who comes back before anything came begins where he was, and need not pass again what was
 * not for him.  It is an event with a name, which those who listen to messages do not hear, since some readers forget
 * an id that comes without one.  To who subscribes it comes without, since graphql-sse takes any other name than its own
 * two for a fault.
 */
static void
send_place(Stream *s)
{
	Buffer text = {0};

	buffer_print(&text, s->graphql ? "id: %s\n:\n\n" : "id: %s\nevent: place\ndata: {}\n\n", s->place);
	connection_stream_add(s->client, text.bytes, text.n);
	buffer_free(&text);
	s->sent_at = now_ms();
}

static void
take_piece(Stream *s, const char *place, const char *body, size_t n)
{
	int64_t now = now_ms();

	s->ask_at = now + ASK_MS;
	/* where there was something there may be more */
	s->due = s->due || n > 0;
	if (n > 0)
	{
		connection_stream_add(s->client, body, n);
		s->sent_at = now;
	}
	if (place)
		take_place(s, place);
}

/*
 * Who asked for a subscription is told why it is over, and need not come back: it would be refused, too.  The database's
 * own word is on one line where it is errors of GraphQL.
 */
static void
end_refused(Stream *s, int status, const char *body, size_t n)
{
	static const char errors[] = "{\"errors\":";
	bool told = n > sizeof(errors) && memcmp(body, errors, sizeof(errors) - 1) == 0 && memchr(body, '\n', n) == NULL;
	Buffer text = {0};

	if (s->graphql)
	{
		buffer_print(&text, "event: next\ndata: ");
		if (told)
			buffer_add(&text, body, n);
		else
			buffer_print(&text, "{\"errors\":[{\"message\":\"%s\",\"extensions\":{\"status\":%d}}]}", status_title(status), status);
		buffer_print(&text, "\n\nevent: complete\ndata:\n\n");
		connection_stream_add(s->client, text.bytes, text.n);
		buffer_free(&text);
	}
	end(s);
}

/* What the client can do nothing about passes, or the client is told when it comes back */
static bool
may_pass(int status)
{
	return status == 429 || status >= 500;
}

static void
take_answer(void *of, int status, const AnswerHeader *headers, int n_headers, const char *body, size_t n)
{
	Asked *asked = of;
	const char *place = answer_header(headers, n_headers, "last-event-id");

	n_asked--;
	while (asked->streams)
	{
		Stream *s = asked->streams;

		asked->streams = s->next_asked;
		s->asked = NULL;
		if (status == 200)
			take_piece(s, place, body, n);
		else if (may_pass(status))
			s->ask_at = now_ms() + ASK_AGAIN_MS;
		else
			end_refused(s, status, body, n);
	}
	free(asked);
	ask_next();
}

static void
ask(Stream *s)
{
	Asked *asked = need(sizeof(Asked));
	Question q = {.answered = take_answer, .of = asked};
	Buffer headers = {0};

	/* those that are being sent something ask when it has been taken */
	for (Stream *o = s; o; o = o->next)
		if (o->due && o->asked == NULL && o->client->out.n == 0 && asks_the_same(o, s))
		{
			o->due = false;
			o->asked = asked;
			o->next_asked = asked->streams;
			asked->streams = o;
		}
	buffer_print(&headers, "{\"x-stream\":\"on\",\"x-name\":\"pg_ingest_gateway %d-0\",\"accept\":\"text/event-stream\",%s\"last-event-id\":", getpid(),
				 s->body ? "\"content-type\":\"application/json\"," : "");
	buffer_json(&headers, s->place, strlen(s->place));
	buffer_print(&headers, "}");
	q.credential = copy_or_null(s->credential);
	q.method = s->body ? need_copy("POST", 4) : need_copy("GET", 3);
	q.path = copy_or_null(s->path);
	q.query = copy_or_null(s->query);
	q.body = copy_or_null(s->body);
	q.n_body = s->body ? strlen(s->body) : 0;
	q.headers = headers.bytes;
	q.who = need_copy("streams", 7);
	n_asked++;
	pool_ask(NULL, &q);
}

static Stream *
next_due(void)
{
	for (Stream *s = first; s; s = s->next)
		if (s->due && s->asked == NULL && s->client->out.n == 0)
			return s;
	return NULL;
}

static void
ask_next(void)
{
	Stream *s;

	while (n_asked < MOST_ASKED && (s = next_due()) != NULL)
	{
		ask(s);
		/* another one is the first next time */
		unlist(s);
		enlist(s);
	}
}

void
stream_drained(Connection *client)
{
	const Stream *s = client->worker;

	if (s && s->due)
		ask_next();
}

/* -- when there may be something -- */

static void
gathered(void *of, uint32_t events)
{
	uint64_t times;

	(void) of;
	(void) events;
	(void) !read(gathering.fd, &times, sizeof(times));
	is_gathering = false;
	for (Stream *s = first; s; s = s->next)
		s->due = true;
	ask_next();
}

/* Each word of the database is one for all that committed within some milliseconds, and so is each question here */
void
session_heard(Session *s)
{
	static const struct itimerspec soon = {.it_value.tv_nsec = GATHER_NS};

	(void) s;
	if (is_gathering || first == NULL)
		return;
	is_gathering = timerfd_settime(gathering.fd, 0, &soon, NULL) == 0;
}

static void
listen_on(int64_t now)
{
	if (gathering.fd < 0)
	{
		int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);

		if (fd < 0)
			give_up("there is no timer");
		watch_begin(&gathering, fd, EPOLLIN, gathered, NULL);
	}
	session_tick(&listener, now);
}

void
stream_begin(Connection *client, Question *question, const AnswerHeader *headers, int n_headers, const char *body, size_t n)
{
	static const char retry[] = "retry: 2000\n\n";
	Stream *s = need(sizeof(Stream));
	const char *place = answer_header(headers, n_headers, "last-event-id");

	s->client = client;
	s->credential = copy_or_null(question->credential);
	s->path = copy_or_null(question->path);
	s->query = copy_or_null(question->query);
	s->graphql = slice_is(client->request.path, "/graphql");
	if (slice_is(client->request.method, "POST"))
		s->body = need_copy(client->body.bytes ? client->body.bytes : "", client->body.n);
	connection_stream(client, headers, n_headers);
	client->worker = s;
	client->abandon = leave;
	enlist(s);
	connection_stream_add(client, retry, sizeof(retry) - 1);
	take_piece(s, place ? place : "", body, n);
	if (n == 0)
		send_place(s);
	/* what came before anybody listened, and between the first piece and now */
	s->due = true;
	listen_on(now_ms());
	if (server_draining())
		end(s);
}

void
stream_tick(int64_t now)
{
	if (first == NULL)
		return;
	listen_on(now);
	for (Stream *s = first; s; s = s->next)
	{
		if (now >= s->ask_at)
			s->due = true;
		if (now >= s->sent_at + BEAT_MS && s->client->out.n == 0)
			send_place(s);
	}
	ask_next();
}

void
stream_drain(void)
{
	while (first)
		end(first);
}
