/*
 * lateness.h
 *		How late rows come.
 */
#ifndef INGEST_LATENESS_H
#define INGEST_LATENESS_H

#include "ingest/sync/sync.h"

/* Of the rows of the stage, before they are merged; only_new: those that are here already tell nothing */
extern void lateness_note(const Sync *s, bool only_new);

#endif /* INGEST_LATENESS_H */
