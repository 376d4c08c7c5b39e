/*
 * chance.h
 *		How often chance alone makes so large a difference between two batches.
 */
#ifndef PROFILE_CHANCE_H
#define PROFILE_CHANCE_H

#include "postgres.h"

/* All are of rows that were divided at random, and none is less than the truth */
extern double chance_of_counts(double a, double na, double b, double nb);
extern double chance_of_means(double difference, double variance, double na, double nb);
extern double chance_of_distance(double distance, double na, double nb);

#endif /* PROFILE_CHANCE_H */
