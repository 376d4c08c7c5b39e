/*
 * letter.h
 *		Events as CloudEvents over HTTP, signed as Standard Webhooks says.
 */
#ifndef DELIVERY_LETTER_H
#define DELIVERY_LETTER_H

#include "postgres.h"

#include "lib/stringinfo.h"
#include "nodes/pg_list.h"

/* In UTF-8, as it is sent */
typedef struct Event
{
	int32 era;
	int64 id;
	char *type;
	char *source;
	char *subject; /* NULL: none */
	char *time;
	char *version; /* of its type's schema */
	char *data;
	char **alert;  /* alert.h's fields; NULL: it is no alert's */
	bool repeated; /* no event, but an alert that is still open */
} Event;

typedef enum LetterMode
{
	STRUCTURED,
	BINARY,
	BATCH
} LetterMode;

typedef struct Key
{
	char *bytes;
	int length;
} Key;

typedef struct Letter
{
	char *id;
	StringInfoData signed_text; /* id, time and body: what is signed */
	char *body;                 /* within it */
	size_t length;
	List *headers;
} Letter;

extern LetterMode letter_mode(const char *name);
/* All in the current memory context; the same events give the same id and the same body each time */
extern void letter_write(Letter *letter, LetterMode mode, Event *const *events, int n);
/* With the time of this try; the second key may be none */
extern void letter_sign(Letter *letter, const Key *key, const Key *old_key);

#endif /* DELIVERY_LETTER_H */
