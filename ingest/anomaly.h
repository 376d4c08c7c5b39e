/*
 * anomaly.h
 *		What is odd, with evidence.
 */
#ifndef INGEST_ANOMALY_H
#define INGEST_ANOMALY_H

#include "ingest/sync.h"

/* The table that something is said of */
typedef struct Subject
{
	int32 source; /* 0: none */
	const char *source_name;
	int32 sync; /* 0: none */
	const char *schema;
	const char *table;
} Subject;

extern Subject subject_of_sync(const Sync *sync);
/* Of a table, by what the repository knows of it */
extern Subject subject_of_relation(Oid relid);

/* evidence: a JSON object, or NULL */
extern void anomaly_of(const Subject *subject, const Run *run, const char *kind, const char *severity, const char *column, const char *summary, const char *evidence);
extern void anomaly_raise(const Sync *sync, const Run *run, const char *kind, const char *severity, const char *column, const char *summary, const char *evidence);

/* The profile of a table, kept and held against its history; rows: of a sample, 0 for all */
extern void profile_relation(const Subject *subject, const Run *run, int64 sample_rows);
/* That of a copy after a run, by its policy */
extern void profile_after(const Sync *sync, const Run *run);

#endif /* INGEST_ANOMALY_H */
