/*
 * data_text.h
 *		The data of an event as text.
 */
#ifndef DELIVERY_DATA_TEXT_H
#define DELIVERY_DATA_TEXT_H

#include "postgres.h"

#include "lib/stringinfo.h"
#include "utils/jsonb.h"

/* What jsonb_out() gives, to the byte, in the server's encoding; false: it is longer than so many bytes, and out holds a
 * part of it */
extern bool append_jsonb(StringInfo out, Jsonb *value, int most);

#endif /* DELIVERY_DATA_TEXT_H */
