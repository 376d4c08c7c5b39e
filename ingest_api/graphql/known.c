/*
 * known.c
 *		Schemas and documents that are remembered between requests.
 *
 * A schema is a role's and a scope's: it holds what they may.  It is made anew once
 * anything that it was made of has changed, and with it what was found good by it.  That
 * a statement may still be run is looked at when it is.
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "ingest_api/cache.h"
#include "ingest_api/graphql/known.h"
#include "utils/memutils.h"

#define MOST_SCHEMAS 4
#define MOST_DOCUMENTS 32
#define LONGEST_DOCUMENT (16 * 1024)

typedef struct Known
{
	Cache cache;
	uint64 hash;
	char *text;
	Document *document; /* NULL: it is being read, or was found wrong */
	uint64 used;
} Known;

struct KnownSchema
{
	Cache cache;
	Oid role;
	Scope scope;
	int most; /* rows, which descriptions tell */
	GSchema *schema;
	uint64 used;
	Known documents[MOST_DOCUMENTS];
};

static KnownSchema schemas[MOST_SCHEMAS];
static uint64 uses = 0;

/* The one to be used: where it is remembered, or that of the longest ago */
static KnownSchema *
place_of(Oid role, Scope scope)
{
	KnownSchema *oldest = &schemas[0];

	for (int i = 0; i < MOST_SCHEMAS; i++)
	{
		KnownSchema *k = &schemas[i];

		if (k->schema && k->role == role && k->scope == scope && k->most == api_max_rows)
			return k;
		if (k->used < oldest->used)
			oldest = k;
	}
	cache_forget(&oldest->cache);
	return oldest;
}

KnownSchema *
known_schema(Oid role, Scope scope)
{
	static const Change changes[] = {CHANGE_CATALOGUE, CHANGE_ROLES};
	KnownSchema *k = place_of(role, scope);
	MemoryContext context;

	k->used = ++uses;
	/* an error left it half made */
	if (k->cache.memory && (k->schema == NULL || k->schema->making > 0))
		cache_forget(&k->cache);
	if (cache_holds(&k->cache, "schema of GraphQL", lengthof(changes), changes))
		return k;
	k->schema = NULL;
	memset(k->documents, 0, sizeof(k->documents));
	k->role = role;
	k->scope = scope;
	k->most = api_max_rows;
	context = MemoryContextSwitchTo(k->cache.memory);
	k->schema = schema_new(role, scope);
	MemoryContextSwitchTo(context);
	return k;
}

GSchema *
known_schema_itself(KnownSchema *known)
{
	return known->schema;
}

static uint64
hash_of(const char *text)
{
	return hash_bytes_extended((const unsigned char *) text, strlen(text), 0);
}

Document *
known_document(KnownSchema *known, const char *text)
{
	uint64 hash = hash_of(text);

	for (int i = 0; i < MOST_DOCUMENTS; i++)
	{
		Known *d = &known->documents[i];

		if (d->document == NULL || d->hash != hash || strcmp(d->text, text) != 0)
			continue;
		d->used = ++uses;
		return d->document;
	}
	return NULL;
}

/* A place for one more, instead of that of the longest ago */
MemoryContext
known_begin(KnownSchema *known, const char *text)
{
	Known *d = &known->documents[0];

	if (strlen(text) > LONGEST_DOCUMENT)
		return CurrentMemoryContext;
	for (int i = 1; i < MOST_DOCUMENTS; i++)
		if (known->documents[i].used < d->used)
			d = &known->documents[i];
	cache_forget(&d->cache);
	/* used no more than what is not there, until it was found good */
	*d = (Known){.hash = hash_of(text)};
	d->cache.memory = AllocSetContextCreate(known->cache.memory, "document of GraphQL", ALLOCSET_SMALL_SIZES);
	d->text = MemoryContextStrdup(d->cache.memory, text);
	return d->cache.memory;
}

void
known_good(KnownSchema *known, const char *text, Document *document)
{
	uint64 hash = hash_of(text);

	for (int i = 0; i < MOST_DOCUMENTS; i++)
	{
		Known *d = &known->documents[i];

		if (d->text == NULL || d->hash != hash || strcmp(d->text, text) != 0)
			continue;
		d->document = document;
		d->used = ++uses;
	}
}

bool
known_is_fit(const char *text)
{
	return strstr(text, "__schema") == NULL && strstr(text, "__type") == NULL;
}
