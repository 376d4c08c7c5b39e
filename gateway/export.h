/*
 * export.h
 *		Metrics are sent to who collects them by OTLP.
 */
#ifndef GATEWAY_EXPORT_H
#define GATEWAY_EXPORT_H

#include <stdint.h>

/* Of the command line, which comes before the environment's OTEL_EXPORTER_OTLP_…; NULL, 0: not said there */
typedef struct ExportOptions
{
	const char *endpoint; /* to which /v1/metrics is added */
	const char *headers;  /* a file of them */
	int interval_s;
} ExportOptions;

extern ExportOptions export_options;

/* Does nothing, for ever, where no endpoint is said */
extern void export_begin(void);
extern void export_tick(int64_t now);

#endif /* GATEWAY_EXPORT_H */
