/*
 * data_text.h
 *		The data of an event as text, and texts as they are sent.
 */
#ifndef DELIVERY_DATA_TEXT_H
#define DELIVERY_DATA_TEXT_H

#include "postgres.h"

#include "lib/stringinfo.h"
#include "utils/jsonb.h"

/* What jsonb_out() gives, to the byte, in the server's encoding; false: it is longer than so many bytes, and out holds a
 * part of it */
extern bool append_jsonb(StringInfo out, Jsonb *value, int most);

/* A text of the database in UTF-8: itself, or a copy in the current memory context; NULL: it has characters that UTF-8
 * has not, or bytes that are none */
extern const char *text_in_utf8(const char *text, size_t length, size_t *sent_length);

#endif /* DELIVERY_DATA_TEXT_H */
