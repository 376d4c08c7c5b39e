/*
 * reason.h
 *		A row that does not fit becomes a row that says why.
 */
#ifndef NETSUITE_REASON_H
#define NETSUITE_REASON_H

#include "postgres.h"

#include "netsuite_fdw/decode.h"

extern const char *reason_read_row(Decoder *decoder, const char *row, Datum *values, bool *nulls);

#endif /* NETSUITE_REASON_H */
