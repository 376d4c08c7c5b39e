/*
 * shape.h
 *		The columns of a copy held against those of its source.
 */
#ifndef INGEST_SHAPE_H
#define INGEST_SHAPE_H

#include "ingest/sync/sync.h"

/* Let the copy follow what can be followed without loss; stop the sync at the rest */
extern void shape_follow(Sync *sync);
/* What is in both, now; true if that is not what it was */
extern bool shape_read(Sync *sync);
/* Can every value of one type be one of the other? */
extern bool shape_widens(Oid from, int32 from_mod, Oid to, int32 to_mod);

/* And may a column of the one be made one of the other? */
extern bool shape_may_become(Oid from, int32 from_mod, Oid to, int32 to_mod);

#endif /* INGEST_SHAPE_H */
