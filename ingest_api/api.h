/*
 * api.h
 *		What all files of the library know: its settings, requests and answers.
 */
#ifndef API_API_H
#define API_API_H

#include "postgres.h"

#include "common/function.h"
#include "lib/stringinfo.h"
#include "nodes/pg_list.h"
#include "utils/jsonb.h"

extern char *api_authenticator;   /* ingest_api.authenticator */
extern char *api_metrics_role;    /* ingest_api.metrics_role */
extern char *api_listen;          /* ingest_api.listen */
extern char *api_gateway_dsn;     /* ingest_api.gateway_dsn */
extern char *api_gateway_options; /* ingest_api.gateway_options */
extern int api_max_rows;          /* ingest_api.max_rows */
extern int api_max_response;      /* ingest_api.max_response, in kB */
extern int api_requests;          /* ingest_api.requests_per_minute */
extern char *api_console_url;     /* ingest_api.console_url */
extern int api_session_idle;      /* ingest_api.session_idle, seconds */
extern int api_session_lifetime;  /* ingest_api.session_lifetime, likewise */
extern int api_logins;            /* ingest_api.logins_per_minute */

/* What a token is good for; each is good for what those before it are */
typedef enum Scope
{
	SCOPE_NOTHING,
	SCOPE_READ,
	SCOPE_OPERATE,
	SCOPE_ADMIN
} Scope;

/* What is asked; texts in the database's encoding */
typedef struct Request
{
	const char *method; /* HEAD is a GET whose body is thrown away by who sends it */
	const char *path;
	const char *query; /* NULL: none */
	Jsonb *headers;
	const char *body; /* NULL: none */
	Oid role;
	Scope scope;
	const char *who;  /* whose credential it is, as it may be shown: how a token begins */
	int64 unnoted;    /* the token whose use is to be written at the end */
	int64 token;      /* 0: it is none */
	int64 session;    /* likewise */
	const char *link; /* hash of the link that somebody logs in with; NULL: none */
	bool session_unnoted;
} Request;

typedef struct Answer
{
	int status;
	StringInfoData headers; /* members of a JSON object */
	StringInfoData body;
	bool called;            /* a function answers: what it does not find is not at the address */
	const char *collection; /* what it is one of */
	bool acts;              /* something is done, or was refused: it is written down */
	const char *route;      /* which address it is, with words for what differs: by that the gateway counts; NULL: none */
} Answer;

extern void answer_begin(Answer *answer, int status, const char *type);
extern void answer_header(Answer *answer, const char *name, const char *value);
/* RFC 9457, with PostgREST's members beside */
extern void answer_problem(Answer *answer, int status, const char *code, const char *message, const char *details, const char *hint);
/* The status of what a client can do something about; 0: it cannot.  called: by a function, which is given names of things */
extern int problem_status(int sqlstate, bool called);
/* No form of a page sends this type without asking first */
extern bool request_is_json(const Request *request);
/* Whether its credential is good for that; if not, the answer says so */
extern bool request_may(const Request *request, Scope needed, Answer *answer);
/* The scope of a name; SCOPE_NOTHING: there is none */
extern Scope scope_named(const char *name);
extern const char *scope_name(Scope scope);
/* NULL: it is not there */
extern char *request_header(const Request *request, const char *name);

/* route.c */
extern void route_answer(const Request *request, Answer *answer);
/* Here it is other methods; OPTIONS asks which */
extern void answer_not_allowed(const Request *request, Answer *answer, const char *methods);
/* rest.c; parts: of the path, behind the version */
extern void rest_answer(const Request *request, List *parts, Answer *answer);

#endif /* API_API_H */
