/*
 * shape.h
 *		The columns of a copy held against those of its source.
 */
#ifndef INGEST_SHAPE_H
#define INGEST_SHAPE_H

#include "ingest/sync/sync.h"

/* A column of the source's table, of the copy, or of both; gone: a crawl no longer found it */
typedef struct Difference
{
	char *column_name;
	bool there;
	Oid type_there;
	int32 mod_there;
	char *definition_there;
	bool here;
	Oid type_here;
	int32 mod_here;
	char *definition_here;
	bool gone;
} Difference;

typedef enum ShapeVerdict
{
	SHAPE_FITS,
	SHAPE_GONE,  /* not at the source: kept as it is */
	SHAPE_NEW,   /* to be added to the copy */
	SHAPE_WIDER, /* the copy's column takes the type there */
	SHAPE_CLASH  /* values may not fit */
} ShapeVerdict;

extern Difference *shape_differences(const Sync *sync, int *n);
extern ShapeVerdict shape_judge(const Difference *d);
/* Let the copy follow what can be followed without loss; stop the sync at the rest */
extern void shape_follow(Sync *sync);
/* An error where a run would stop at the columns of a table that is to become the copy */
extern void shape_require_fit(const char *foreign, const char *target, const Texts *left_out,
							  const Texts *hashed);
/* What is in both, now; true if that is not what it was */
extern bool shape_read(Sync *sync);
/* Has the copy triggers that may change or leave out a row before it is written? */
extern bool shape_has_triggers(const Sync *sync);
/* Can every value of one type be one of the other? */
extern bool shape_widens(Oid from, int32 from_mod, Oid to, int32 to_mod);

/* And may a column of the one be made one of the other? */
extern bool shape_may_become(Oid from, int32 from_mod, Oid to, int32 to_mod);

#endif /* INGEST_SHAPE_H */
