/*
 * identity.h
 *		The Azure identity of a sink: what it opens of vaults, and the token that it shows.
 *
 * Without azure_client_secret and azure_certificate it is the server's own, which is for
 * owners who may read the server's files.
 */
#ifndef DELIVERY_IDENTITY_H
#define DELIVERY_IDENTITY_H

#include "postgres.h"

#include "common/azure.h"
#include "datatype/timestamp.h"
#include "ingest_delivery/option.h"

struct Sink;

/* Options that every kind has */
extern const OptionRule identity_options[];

/* In the current memory context; its own secret is looked up with the rights of a role */
extern AzureIdentity *identity_of(Oid role, const Jsonb *options);
extern void identity_wipe(AzureIdentity *identity);

/* What a sink asks Azure for, beside everything else */
typedef struct Fetch Fetch;

/* Begins to ask for what is not at hand, after a look at who may; NULL: all is.  In the current memory context */
extern Fetch *fetch_begin(struct Sink *sink, const AzureIdentity *identity);
/* True when it is at hand; an error if it will not be */
extern bool fetch_over(Fetch *fetch);
extern TimestampTz fetch_next(const Fetch *fetch);
/* The other side refused what it was shown */
extern void identity_refused(struct Sink *sink, const AzureIdentity *identity);

#endif /* DELIVERY_IDENTITY_H */
