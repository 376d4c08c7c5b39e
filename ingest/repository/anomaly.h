/*
 * anomaly.h
 *		What is odd, with evidence.
 */
#ifndef INGEST_ANOMALY_H
#define INGEST_ANOMALY_H

#include "ingest/sync/sync.h"

/* The table that something is said of */
typedef struct Subject
{
	int32 source; /* 0: none */
	const char *source_name;
	int32 sync; /* 0: none */
	Oid relation;
	const char *schema;
	const char *table;
} Subject;

/* Of a table, by what the repository knows of it */
extern Subject subject_of_relation(Oid relid);

/* evidence: a JSON object, or NULL */
extern void anomaly_raise(const Sync *sync, const Run *run, const char *kind, const char *severity, const char *column,
						  const char *summary, const char *evidence);

/* The profile of a copy after a run, by its policy, held against its history */
extern void profile_after(const Sync *sync, const Run *run);

#endif /* INGEST_ANOMALY_H */
