/*
 * client.h
 *		A backend's door to one NetSuite account: requests are signed, sent,
 *		retried and kept within the account's concurrency.
 */
#ifndef NETSUITE_CLIENT_H
#define NETSUITE_CLIENT_H

#include "postgres.h"

#include "common/http.h"
#include "common/json.h"
#include "datatype/timestamp.h"
#include "netsuite_fdw/credential.h"
#include "netsuite_fdw/option.h"
#include "netsuite_fdw/outcome.h"

typedef struct Client Client;

typedef enum RequestState
{
	REQUEST_NEW,
	REQUEST_WAITING, /* for its turn, or for the next attempt */
	REQUEST_RUNNING,
	REQUEST_DONE,      /* a reply with status 2xx, accepted */
	REQUEST_TOO_LARGE, /* ask for less */
	REQUEST_FAILED     /* for good */
} RequestState;

/* Counters of one scan; a request adds to those that it was given */
typedef struct RequestStats
{
	int64 requests; /* attempts sent */
	int64 retries;
	int64 throttled; /* refusals for concurrency */
	int64 bytes;     /* of bodies, as received */
	int64 wait_us;   /* that the executor stood still */
} RequestStats;

typedef struct Request Request;

/*
 * Looks at a reply with status 2xx.  False with a reason makes it a passing
 * fault that is retried, such as JSON that ends early; with a reason of NULL it
 * has said in request->outcome what is wrong.  Must not throw.
 */
typedef bool (*AcceptReply)(Request *request, void *arg, const char **why);

struct Request
{
	RequestState state;
	Client *client;
	HttpRequest *http;
	MemoryContext context; /* the request's own */
	const char *method;
	const char *path;
	QueryParam params[4];
	int nparams;
	const char *accept_type;
	const char *prefer;
	const char *content_type;
	char *body;
	size_t max_body;
	AcceptReply accept;
	void *accept_arg;
	RequestStats *stats;
	Effect effect;       /* of sending it a second time */
	bool impatient;      /* a lasting 500 is expected: one retry */
	bool spare;          /* one can do without the reply: one retry of any fault */
	const char *what;    /* "run a query", for messages */
	const char *suiteql; /* the query, for messages, or NULL */
	Outcome outcome;
	Verdict verdict; /* at the end */
	char *code;      /* o:errorCode */
	char *detail;    /* NetSuite's words, or libcurl's */
	Json *json;      /* the reply, unless accept takes it */
	/* private */
	bool anonymous; /* needs no login */
	bool relogged;  /* has had its one new token */
	bool renewed;   /* what the mapping refers to was looked up again for it */
	int attempt;
	int lost; /* times that a kept connection died under it */
	TimestampTz not_before;
	TimestampTz deadline;
	TimestampTz launched_at;
	TimestampTz ready_at; /* it lacks nothing but a slot since then; 0: it does */
	bool counted;         /* in client->running */
	bool slot;            /* it has one of the account's */
	uint32 lease;         /* of that slot */
	uint64 token_epoch;
	struct Request *next;
	bool listed;
	bool holds; /* counts in client->users */
	MemoryContextCallback callback;
};

extern Client *client_get(Oid serverid, Oid userid);
extern void client_hold(Client *client, MemoryContext context);
extern const ServerOptions *client_options(Client *client);
extern int client_allowed(Client *client);
extern CredentialKind client_credential(Client *client);
extern void client_check_key(Client *client);
extern CertificateState client_certificate(Client *client, TimestampTz *expiry);
extern void *client_slot(Client *client, Size size);

extern Request *request_new(Client *client, MemoryContext parent);
extern void request_query(Request *request, const char *suiteql, int limit, int64 offset);
extern void request_get(Request *request, const char *path, const char *accept_type);
extern void request_param(Request *request, const char *name, const char *value);
extern void request_start(Request *request);
extern bool request_settle(Request *request);
extern void request_wait(Request *request);
extern void request_stop(Request *request);
extern void request_raise(Request *request) __attribute__((noreturn));
extern bool request_refused(Request *request);
extern int request_sqlstate(Request *request);
extern const char *request_words(Request *request);
extern bool request_settled(Request *request);
extern Json *request_json(Request *request);
extern int64 client_count_if_any(Client *client, const char *suiteql);
extern int64 client_count(Client *client, const char *suiteql, RequestStats *stats);

extern void client_turn(Client *client, long timeout_ms);

#endif /* NETSUITE_CLIENT_H */
