/*
 * option.h
 *		Which settings of librdkafka a sink may choose: those that are named here, and no others.
 *
 * Some of librdkafka's settings load libraries or run programs, so what is not on the list
 * is refused, whoever asks for it.
 */
#ifndef KAFKA_OPTION_H
#define KAFKA_OPTION_H

#include <stdbool.h>

/* NULL: it may be set to that; else why not, without the value */
extern const char *option_refusal(const char *name, const char *value);

#endif /* KAFKA_OPTION_H */
