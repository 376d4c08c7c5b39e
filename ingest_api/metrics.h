/*
 * metrics.h
 *		/metrics: what Prometheus reads.
 */
#ifndef API_METRICS_H
#define API_METRICS_H

#include "postgres.h"

#include "ingest_api/api.h"

/* As whom metrics are answered to who has no credential; InvalidOid: to nobody, or something else was asked for */
extern Oid metrics_role(const char *path);
extern void metrics_answer(const Request *request, Answer *answer);

#endif /* API_METRICS_H */
