/*
 * trait.h
 *		What NetSuite's documents leave open, measured on the account.
 */
#ifndef NETSUITE_TRAIT_H
#define NETSUITE_TRAIT_H

#include "postgres.h"

#include "netsuite_fdw/client.h"
#include "pgtime.h"

typedef enum Trait
{
	TRAIT_UNKNOWN, /* could not be measured: assume nothing */
	TRAIT_YES,
	TRAIT_NO
} Trait;

typedef struct Traits
{
	bool measured;
	Trait case_exact; /* 'a' = 'A' is false */
	Trait accent_exact;
	Trait blank_exact;  /* trailing blanks count */
	Trait like_exact;   /* LIKE heeds case and accents */
	Trait order_binary; /* text sorts by its bytes */
	Trait empty_is_null;
	bool has_dual;
	int sysdate_offset_s; /* SYSDATE less serverTime */
	int current_offset_s; /* CURRENT_TIMESTAMP less serverTime */
	bool offsets_known;
	bool zone_measured;
	bool zone_known;       /* a record could be compared */
	int datetime_offset_s; /* datetime columns less UTC, at zone_at */
	TimestampTz zone_at;
	/* tried by the first query that would gain from them */
	Trait large_pages;
	Trait fetch_first;
} Traits;

extern const Traits *traits_get(Client *client);
extern bool trait_text_equality(Client *client);
extern bool trait_text_like(Client *client);
extern bool trait_text_order(Client *client);
extern Trait trait_large_pages(Client *client);
extern Trait trait_fetch_first(Client *client);
extern void trait_large_pages_tried(Client *client, bool works);
extern void trait_fetch_first_tried(Client *client, bool works);
extern pg_tz *trait_zone(Client *client);
extern pg_tz *trait_zone_or_null(Client *client, const char **problem);
extern void traits_measure_zone(Client *client);
extern TimestampTz server_time(Client *client, MemoryContext context, int64 *round_trip_us);

#endif /* NETSUITE_TRAIT_H */
