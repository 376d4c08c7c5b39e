/*
 * otlp.h
 *		The page of metrics as an ExportMetricsServiceRequest, in OTLP's JSON.
 */
#ifndef GATEWAY_OTLP_H
#define GATEWAY_OTLP_H

#include <stdint.h>

#include "gateway/buffer.h"

/*
 * The page, of the text format 0.0.4, is taken apart in its place.  resource: attributes as JSON, without brackets.
 * Nanoseconds since 1970.
 */
extern void otlp_write(Buffer *out, char *page, const char *resource, uint64_t now);
/* An attribute whose value is text */
extern void otlp_attribute(Buffer *out, const char *key, size_t n_key, const char *value, size_t n_value);

#endif /* GATEWAY_OTLP_H */
