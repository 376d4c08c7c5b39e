/*
 * size.c
 *		How large foreign tables are believed to be.
 *
 * What this session saw of a table comes first, then what ANALYZE wrote down.
 * Costs are reckoned by it, and a long read is divided by it before its first
 * page is here; both go on being right where it is wrong.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_class.h"
#include "catalog/pg_statistic.h"
#include "catalog/pg_type.h"
#include "netsuite_fdw/size.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

typedef struct Remembered
{
	Oid relid;
	TableSize size;
} Remembered;

static HTAB *remembered = NULL;

static const TableSize unknown = {.rows = -1, .low = 0, .high = -1};

static void
forget(Datum arg, Oid relid)
{
	if (remembered && OidIsValid(relid))
		hash_search(remembered, &relid, HASH_REMOVE, NULL);
}

static Remembered *
entry_of(Oid relid)
{
	Remembered *entry;
	bool found;

	if (remembered == NULL)
	{
		HASHCTL ctl = {.keysize = sizeof(Oid), .entrysize = sizeof(Remembered)};

		remembered = hash_create("netsuite table sizes", 64, &ctl, HASH_ELEM | HASH_BLOBS);
		CacheRegisterRelcacheCallback(forget, (Datum) 0);
	}
	entry = hash_search(remembered, &relid, HASH_ENTER, &found);
	if (!found)
		entry->size = unknown;
	return entry;
}

/* Note how many rows a whole foreign table was seen to have */
void
size_remember_rows(Oid relid, double rows)
{
	entry_of(relid)->size.rows = rows;
}

/* Note between which values of its leading key they were */
void
size_remember_keys(Oid relid, int64 low, int64 high)
{
	Remembered *entry = entry_of(relid);

	entry->size.low = low;
	entry->size.high = high;
}

/* What this session saw */
TableSize
size_recall(Oid relid)
{
	Remembered *entry = remembered ? hash_search(remembered, &relid, HASH_FIND, NULL) : NULL;

	return entry ? entry->size : unknown;
}

static int64
key_value(Oid type, Datum value)
{
	return type == INT4OID ? DatumGetInt32(value) : DatumGetInt64(value);
}

/* The ends of an integer column by its histogram */
static void
ends_of(Oid relid, int attnum, TableSize *size)
{
	HeapTuple tuple = SearchSysCache3(STATRELATTINH, ObjectIdGetDatum(relid),
									  Int16GetDatum(attnum), BoolGetDatum(false));
	AttStatsSlot slot;

	if (!HeapTupleIsValid(tuple))
		return;
	if (get_attstatsslot(&slot, tuple, STATISTIC_KIND_HISTOGRAM, InvalidOid, ATTSTATSSLOT_VALUES))
	{
		if (slot.nvalues >= 2 && (slot.valuetype == INT4OID || slot.valuetype == INT8OID))
		{
			size->low = key_value(slot.valuetype, slot.values[0]);
			size->high = key_value(slot.valuetype, slot.values[slot.nvalues - 1]);
		}
		free_attstatsslot(&slot);
	}
	ReleaseSysCache(tuple);
}

/* What this session saw, or else ANALYZE, with attnum the leading key */
TableSize
size_guess(Oid relid, int attnum)
{
	TableSize size = size_recall(relid);
	HeapTuple tuple;

	if (size.rows >= 0 && size.high >= size.low)
		return size;
	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	if (!HeapTupleIsValid(tuple))
		return size;
	if (size.rows < 0)
		size.rows = ((Form_pg_class) GETSTRUCT(tuple))->reltuples;
	ReleaseSysCache(tuple);
	ends_of(relid, attnum, &size);
	return size;
}
