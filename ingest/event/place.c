/*
 * place.c
 *		Positions that the reader carries: nothing of them is kept here.
 *
 * Who reads as a consumer has a row that says where he is.  A client of HTTP has none: he
 * is given his place with each event, and comes back with it.  It is the same position,
 * as a word: numbers between points, of which the first two are the event's own, and
 * snapshots as differences of transaction ids.  Whoever makes one up moves himself alone,
 * since what a role may see is looked at with each event.
 */
#include "postgres.h"

#include "access/xlog.h"
#include "access/xlog_internal.h"
#include "common/attribute.h"
#include "ingest/base/compat.h"
#include "ingest/base/home.h"
#include "ingest/base/sql.h"
#include "ingest/event/consumer.h"
#include "ingest/event/outbox.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

SQL_FUNCTION(ingest_read_after);

/* Open transactions that a place names: of those after them it waits for the first */
#define MOST_OPEN 500
#define LONGEST_PLACE 12000
#define MOST_EVENTS 10000

/* -- snapshots -- */

char *
place_snapshot(const char *snapshot)
{
	const char *list = strchr(strchr(snapshot, ':') + 1, ':') + 1;
	const char *at = list;

	for (int n = 0; n < MOST_OPEN && at; n++)
	{
		at = strchr(at, ',');
		at = at ? at + 1 : NULL;
	}
	if (at == NULL)
		return pstrdup(snapshot);
	/* from the first that does not fit on nothing is seen */
	return psprintf("%.*s:%.*s:%.*s", (int) strcspn(snapshot, ":"), snapshot, (int) strcspn(at, ","), at,
					(int) (at - 1 - list), list);
}

/* xmin, xmax less xmin, and of each open transaction how far it is from the one before */
static void
write_snapshot(StringInfo out, const char *snapshot)
{
	char *at;
	uint64 first = strtou64(snapshot, &at, 10),
		   last = strtou64(at + 1, &at, 10),
		   before = first;

	appendStringInfo(out, UINT64_FORMAT "_" UINT64_FORMAT, first, last - first);
	while (*at && at[1])
	{
		uint64 xid = strtou64(at + 1, &at, 10);

		appendStringInfo(out, "_" UINT64_FORMAT, xid - before);
		before = xid;
	}
}

pg_noreturn static void no_place(void);

static void
no_place(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("that is not a place among the events"),
			 errhint("It is a word that came with an event; 0 is before all that are kept.")));
}

/* The number at the cursor, and the character behind it, which is left */
static uint64
read_number(const char **at, uint64 most)
{
	char *end;
	uint64 n;

	if (**at < '0' || **at > '9')
		no_place();
	errno = 0;
	n = strtou64(*at, &end, 10);
	if (errno != 0 || n > most)
		no_place();
	*at = end;
	return n;
}

static uint64
next_number(const char **at, uint64 most)
{
	if (*(*at)++ != '.')
		no_place();
	return read_number(at, most);
}

/* Whether it is one, pg_snapshot's own reader says */
static char *
next_snapshot(const char **at)
{
	StringInfoData out;
	uint64 first = next_number(at, PG_INT64_MAX),
		   xid = first;

	initStringInfo(&out);
	if (*(*at)++ != '_')
		no_place();
	appendStringInfo(&out, UINT64_FORMAT ":" UINT64_FORMAT ":", first, first + read_number(at, PG_INT32_MAX));
	for (char separator = '\0'; **at == '_'; separator = ',')
	{
		(*at)++;
		xid += read_number(at, PG_INT32_MAX);
		if (separator)
			appendStringInfoChar(&out, separator);
		appendStringInfo(&out, UINT64_FORMAT, xid);
	}
	return out.data;
}

/* -- places -- */

/* era.id.seconds.floor_era.floor_id.seen and, where there are, .n.next_era.next_id.next_xid and .o.open */
static char *
place_write(const Position *p, int32 era, int64 id)
{
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfo(&out, "%d." INT64_FORMAT "." INT64_FORMAT ".%d." INT64_FORMAT ".", era, id,
					 (int64) timestamptz_to_time_t(GetCurrentTimestamp()), p->floor_era, p->floor_id);
	write_snapshot(&out, p->seen);
	if (p->next_xid)
		appendStringInfo(&out, ".n.%d." INT64_FORMAT ".%s", p->next_era, p->next_id, p->next_xid);
	if (p->open)
	{
		appendStringInfoString(&out, ".o.");
		write_snapshot(&out, p->open);
	}
	return out.data;
}

/* Whoever comes back after events may have been deleted would miss some without knowing */
static void
check_age(uint64 seconds)
{
	const char *retention = GetConfigOption("ingest.event_retention", true, false);
	int64 age = (int64) timestamptz_to_time_t(GetCurrentTimestamp()) - (int64) seconds;

	if (retention && age > to_int8(retention) * 60)
		ereport(ERROR,
				(errcode(ERRCODE_SNAPSHOT_TOO_OLD), errmsg("events since that place may have been deleted"),
				 errhint("Begin again: without a place from now on, or with 0 from the first event that is kept.")));
}

static void
place_read(Position *p, const char *place)
{
	const char *at = place;
	uint64 seconds;

	if (strlen(place) > LONGEST_PLACE)
		no_place();
	p->era = read_number(&at, PG_INT32_MAX);
	p->last_id = next_number(&at, PG_INT64_MAX);
	seconds = next_number(&at, PG_INT64_MAX);
	p->floor_era = next_number(&at, PG_INT32_MAX);
	p->floor_id = next_number(&at, PG_INT64_MAX);
	p->seen = next_snapshot(&at);
	if (strncmp(at, ".n.", 3) == 0)
	{
		at += 2;
		p->next_era = next_number(&at, PG_INT32_MAX);
		p->next_id = next_number(&at, PG_INT64_MAX);
		p->next_xid = psprintf(UINT64_FORMAT, next_number(&at, PG_INT64_MAX));
	}
	if (strncmp(at, ".o.", 3) == 0)
	{
		at += 2;
		p->open = next_snapshot(&at);
	}
	if (*at != '\0' || p->era < p->floor_era || p->floor_era < 1)
		no_place();
	check_age(seconds);
}

/*
 * Before whom reads from now on there may be many events.  An id that bounds those that are to come is one that this
 * session noted when all transactions of then were still to end, and have ended now.
 */
static int64
known_floor(int32 now, const char *seen)
{
	static Horizon noted = {0};
	static int64 floor = 0;
	static int32 era = 0;
	FullTransactionId first = FullTransactionIdFromU64(strtou64(seen, NULL, 10));

	if (era != now)
	{
		noted.known = false;
		floor = 0;
		era = now;
	}
	if (noted.known && FullTransactionIdPrecedesOrEquals(noted.xid, first))
	{
		floor = noted.id;
		noted.known = false;
	}
	if (!noted.known)
		noted = event_horizon();
	return floor;
}

static void
place_begin(Position *p, int32 now, bool everything)
{
	p->era = p->floor_era = everything ? 1 : now;
	p->seen = everything ? "3:3:" : place_snapshot(repo_value("SELECT ingest_internal.event_snapshot()"));
	if (!everything)
		p->floor_id = known_floor(now, p->seen);
}

/* -- reading -- */

#define COLUMNS 8

typedef struct Placed
{
	Receiver receiver;
	const Position *position;
	TupleDesc desc;
} Placed;

/* An event that was found, and the place behind it */
static bool
receive_placed(TupleTableSlot *slot, DestReceiver *self)
{
	Placed *placed = (Placed *) self;
	Datum values[COLUMNS];
	bool nulls[COLUMNS] = {false};

	slot_getallattrs(slot);
	for (int i = 0; i < COLUMNS - 1; i++)
	{
		values[i] = slot->tts_values[i];
		nulls[i] = slot->tts_isnull[i];
	}
	placed->receiver.last_id = DatumGetInt64(values[0]);
	values[COLUMNS - 1] = CStringGetTextDatum(place_write(placed->position, placed->position->era,
														  placed->receiver.last_id));
	tuplestore_putvalues(placed->receiver.store, placed->desc, values, nulls);
	return true;
}

/*
 * What a crash could take back is not given to anybody.  Nothing was written here that would be behind it in the log:
 * so all that is there is flushed, to the end of its last record and not of the header behind that.
 */
static void
flush_all(void)
{
	XLogRecPtr end = GetXLogInsertRecPtr();

	if (end % wal_segment_size == SizeOfXLogLongPHD)
		end -= SizeOfXLogLongPHD;
	else if (end % XLOG_BLCKSZ == SizeOfXLogShortPHD)
		end -= SizeOfXLogShortPHD;
	XLogFlush(end);
}

static char *
text_or_null(FunctionCallInfo fcinfo, int n)
{
	return PG_ARGISNULL(n) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(n));
}

/* The types that are wanted, as SQL's text of an array */
static void
take_types(FunctionCallInfo fcinfo, Position *p, bool is_new)
{
	if (PG_ARGISNULL(1))
		return;
	p->types = repo_value("SELECT $1::text", arg_datum(TEXTARRAYOID, PG_GETARG_DATUM(1), false));
	if (is_new)
		repo_run("SELECT ingest_internal.check_types($1)", arg_datum(TEXTARRAYOID, PG_GETARG_DATUM(1), false));
}

/* read_after(place text, types text[], max_events integer) */
Datum
ingest_read_after(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	char *place = text_or_null(fcinfo, 0);
	int32 limit = PG_ARGISNULL(2) ? 0 : PG_GETARG_INT32(2);
	Placed placed = {.receiver.pub = {receive_placed, receive_startup, receive_end, receive_end, DestNone}};
	Position p = {.carried = true};
	bool is_new = place == NULL || strcmp(place, "0") == 0;
	bool found;
	int32 now;
	int level;

	rows_begin(fcinfo);
	if (limit < 1 || limit > MOST_EVENTS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the number of events must be from 1 to %d", MOST_EVENTS)));
	/* a standby does not say which transactions are open, nor which ids were drawn */
	if (RecoveryInProgress())
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("events are read where they are written, and this is a standby")));
	placed.receiver.store = rsinfo->setResult;
	placed.desc = rsinfo->setDesc;
	placed.position = &p;
	level = sql_begin();
	now = home_era();
	if (is_new)
		place_begin(&p, now, place != NULL);
	else
		place_read(&p, place);
	if (p.era > now || (p.next_xid && p.next_era > now))
		no_place();
	take_types(fcinfo, &p, is_new);
	position_place(&p, now);
	found = position_find(&p, now, limit, &placed.receiver);
	if (!found)
	{
		Datum values[COLUMNS] = {0};
		bool nulls[COLUMNS] = {true, true, true, true, true, true, true, false};

		/* nothing is read of the next batch */
		values[COLUMNS - 1] = CStringGetTextDatum(place_write(&p, p.era, p.last_id));
		tuplestore_putvalues(placed.receiver.store, placed.desc, values, nulls);
	}
	sql_end(level);
	if (found)
		flush_all();
	return (Datum) 0;
}
