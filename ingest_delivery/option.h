/*
 * option.h
 *		Options of sinks: how each is checked when it is set, and read when it is used.
 */
#ifndef DELIVERY_OPTION_H
#define DELIVERY_OPTION_H

#include "postgres.h"

#include "nodes/pg_list.h"
#include "utils/jsonb.h"

struct Kind;

typedef enum OptionForm
{
	OPTION_TEXT,      /* any text that check takes */
	OPTION_WORD,      /* one of words */
	OPTION_NUMBER,    /* a whole one from lowest to highest */
	OPTION_TRUTH,     /* true or false */
	OPTION_URL,       /* with one of the schemes that are words */
	OPTION_REFERENCE, /* to a secret, which check takes */
	OPTION_OPENER,    /* to a secret that opens vaults, and stands in none */
	OPTION_FILE,      /* of the server */
	OPTION_HEADERS,   /* an object of names and texts */
	OPTION_LIST       /* a text or an array of texts, each of which check takes */
} OptionForm;

typedef struct OptionRule
{
	const char *name; /* NULL: the end */
	OptionForm form;
	const char *words; /* separated by commas */
	int lowest;
	int highest;
	/* Throws an error about the option unless it takes the value.  The message must not show it where it is a secret */
	void (*check)(const char *option, const char *value);
	bool needed;
} OptionRule;

#define END_OF_OPTIONS \
	{ \
		NULL \
	}

/* What a kind calls so, or every kind; NULL: nothing */
extern const OptionRule *option_rule(const struct Kind *kind, const char *name);
/* What a superuser can do about a refusal.  A session that is open keeps what it began with */
#define HTTP_IS_ALLOWED "A superuser allows it, for sessions that begin afterwards: ALTER DATABASE ... SET ingest_delivery.allow_http = on."
#define NETWORK_IS_ALLOWED \
	"A superuser allows it, for sessions that begin afterwards: ALTER DATABASE ... SET ingest_delivery.allow_networks = '...', the whole list."

/* An error about an option; hint may be NULL */
extern void option_refuse(const char *option, const char *rule, const char *hint) __attribute__((noreturn));
/* As they are kept; an error where one is not as it should be */
extern Jsonb *options_check(const struct Kind *kind, Oid actor, Jsonb *given);

/* In the current memory context; NULL: not set */
extern char *option_text(const Jsonb *options, const char *name);
extern int option_number(const Jsonb *options, const char *name, int otherwise);
extern bool option_truth(const Jsonb *options, const char *name, bool otherwise);
extern bool option_is_set(const Jsonb *options, const char *name);
/* The texts of a list, or the lines "name: value" of headers */
extern List *option_texts(const Jsonb *options, const char *name);

/* Checks that several kinds share */
extern void check_secret_url(const char *option, const char *secret);
extern void check_printable(const char *option, const char *value);

#endif /* DELIVERY_OPTION_H */
