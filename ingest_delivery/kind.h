/*
 * kind.h
 *		What a sink speaks.  A kind is one thing: its options, how events become something that is sent, and
 *		what the answers mean.
 *
 * A new kind is a file kind_NAME.c with a Kind, named in kind.c's list; nothing else knows
 * which there are.  One that speaks HTTP sets write and judge, and send and receive to
 * by_http's.  Others send and receive as they can: both are called outside of transactions
 * and must not wait.
 */
#ifndef DELIVERY_KIND_H
#define DELIVERY_KIND_H

#include "postgres.h"

#include "ingest_delivery/option.h"
#include "ingest_delivery/sink.h"
#include "lib/stringinfo.h"

/* A request over HTTP, in the memory context of a flight */
typedef struct Post
{
	const char *url;
	List *headers; /* of lines */
	const char *body;
	size_t length;
} Post;

typedef struct Kind
{
	const char *name;
	const char *what;          /* as in: a webhook has no option */
	const OptionRule *options; /* closed by END_OF_OPTIONS */
	const char *needs;         /* the hint where one that is needed is missing */
	const char *types;         /* of events, separated by commas, where none are given; NULL: all */
	bool only_alerts;          /* carries no other types than these */
	const char *note;          /* what is to be known of an answer that test_sink() calls good; NULL: nothing */

	/* Of several options together; NULL: nothing */
	void (*check)(const Jsonb *options);
	/* The resource of Azure for which it wants a token, as secret "token"; NULL: none.  The same where there is no function */
	const char *(*token_for)(const Jsonb *options);
	/* From sink->options to settings, limits and what is its own; in the sink's memory context, in a transaction */
	void (*load)(Sink *sink);
	/* Its secrets were looked up (sink_secret); in a transaction and the memory context sink->secret_context, which is
	 * emptied when they are looked up again.  NULL: nothing */
	void (*prepare)(Sink *sink);

	/* Begins to send the items of a flight; must neither wait nor need a transaction */
	void (*send)(Sink *sink, Flight *flight);
	/* True when it is over: flight->answer says how, in flight->context */
	bool (*receive)(Sink *sink, Flight *flight);
	/* While more is read: what is to go goes on its way, without waiting; must not throw.  NULL: nothing */
	void (*go_on)(void);
	/* The sink goes, with whatever is on its way; also amid an error.  NULL: nothing */
	void (*end)(Sink *sink);

	/* For by_http: the request, anew for each try */
	void (*write)(Sink *sink, Flight *flight, Post *post);
	/* May one event go in a request that begins with another?  NULL: any may */
	bool (*together)(const Sink *sink, const Event *first, const Event *other);
	/* For by_http: whose fault a status of the receiver is; NULL: as outcome_of_status() says */
	Verdict (*judge)(int status);
} Kind;

/* An error that lists them if there is none of that name */
extern const Kind *kind_named(const char *name);

/* What the sink's options say, into its settings and limits, and what is the kind's own; in a transaction */
extern void sink_load(Sink *sink);
/* Looks up what its options refer to, as its owner; in a transaction.  What stands in vaults is asked for first: then
 * it is to be called again when sink_asks() is false */
extern void sink_resolve(Sink *sink);
extern const char *sink_token_for(const Sink *sink);
/* Is Azure being asked for something?  Goes on with that; an error if it will not be had */
extern bool sink_asks(Sink *sink);
extern TimestampTz sink_asks_next(const Sink *sink);

/* A body of JSON in UTF-8, to there */
extern void post_json(Post *post, const char *url, const StringInfoData *body);
extern void by_http_send(Sink *sink, Flight *flight);
extern bool by_http_receive(Sink *sink, Flight *flight);

extern const Kind kind_kafka;
extern const Kind kind_event_hubs;
extern const Kind kind_openlineage;
extern const Kind kind_webhook;
extern const Kind kind_email;
extern const Kind kind_alertmanager;
extern const Kind kind_slack;
extern const Kind kind_teams;
extern const Kind kind_pagerduty;

/* The longest interval of option repeat: a week */
#define LONGEST_REPEAT (7 * 24 * 3600)

#endif /* DELIVERY_KIND_H */
