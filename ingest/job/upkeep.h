/*
 * upkeep.h
 *		What nobody needs any more is deleted.
 */
#ifndef INGEST_UPKEEP_H
#define INGEST_UPKEEP_H

/* How long the engine's own waits for a lock last, at most: others wait behind whoever waits */
#define LOCK_TIMEOUT_OF_OURS "2s"

extern void upkeep_settings(void);

#endif /* INGEST_UPKEEP_H */
