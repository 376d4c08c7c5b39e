/*
 * option.c
 *		Which settings of librdkafka a sink may choose, and to what.
 */
#include "ingest_kafka/option.h"

#include <stdlib.h>
#include <string.h>

typedef struct Option
{
	const char *name;
	const char *words;                /* one of these, separated by commas */
	double highest;                   /* a number from 0 to this */
	bool (*check)(const char *value); /* or whatever this takes */
} Option;

/* Names, addresses and ports alone: with :// librdkafka would take a protocol from them */
static bool
is_list_of_hosts(const char *value)
{
	return *value &&
		   strspn(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_:[],") == strlen(value);
}

static bool
is_identifier(const char *value)
{
	return *value && strlen(value) <= 200 &&
		   strspn(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_") == strlen(value);
}

static bool
is_path(const char *value)
{
	return value[0] == '/';
}

static bool
is_anything(const char *value)
{
	return *value;
}

static const Option options[] = {
	{"bootstrap.servers", .check = is_list_of_hosts},
	{"client.id", .check = is_identifier},
	{"security.protocol", .words = "PLAINTEXT,SSL,SASL_PLAINTEXT,SASL_SSL"},
	{"sasl.mechanism", .words = "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER"},
	{"sasl.username", .check = is_anything},
	{"sasl.password", .check = is_anything},
	{"ssl.ca.location", .check = is_path},
	{"ssl.ca.pem", .check = is_anything},
	{"ssl.certificate.pem", .check = is_anything},
	{"ssl.key.pem", .check = is_anything},
	{"ssl.key.password", .check = is_anything},
	{"compression.type", .words = "none,gzip,snappy,lz4,zstd"},
	{"linger.ms", .highest = 10000},
	{"connections.max.idle.ms", .highest = 3600000},
	{"acks", .words = "all"},
	{"batch.size", .highest = 32 * 1024 * 1024},
	{"message.max.bytes", .highest = 32 * 1024 * 1024},
};

static bool
is_word(const char *words, const char *value)
{
	size_t n = strlen(value);

	for (const char *w = words; *w; w += strcspn(w, ","), w += *w == ',')
		if (strcspn(w, ",") == n && strncmp(w, value, n) == 0)
			return true;
	return false;
}

static bool
is_number(const char *value, double highest)
{
	return *value && strlen(value) <= 10 && strspn(value, "0123456789") == strlen(value) && atof(value) <= highest;
}

const char *
option_refusal(const char *name, const char *value)
{
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
	{
		const Option *o = &options[i];

		if (strcmp(o->name, name) != 0)
			continue;
		if (o->words ? is_word(o->words, value) : o->highest > 0 ? is_number(value, o->highest)
																 : o->check(value))
			return NULL;
		return "it cannot have that value";
	}
	return "it is not one of those that a sink may set";
}
