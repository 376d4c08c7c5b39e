/*
 * data_text.h
 *		The data of an event as text.
 */
#ifndef DELIVERY_DATA_TEXT_H
#define DELIVERY_DATA_TEXT_H

#include "postgres.h"

#include "lib/stringinfo.h"
#include "utils/jsonb.h"

/* What jsonb_out() gives, to the byte, in the server's encoding */
extern void append_jsonb(StringInfo out, Jsonb *value);

#endif /* DELIVERY_DATA_TEXT_H */
