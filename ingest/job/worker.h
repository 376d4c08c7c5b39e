/*
 * worker.h
 *		The launcher, schedulers and workers.
 */
#ifndef INGEST_WORKER_H
#define INGEST_WORKER_H

extern void worker_settings(void);
/* There is work: whoever hands it out looks at once */
extern void worker_wake(void);
extern bool worker_launcher_runs(void);

#endif /* INGEST_WORKER_H */
