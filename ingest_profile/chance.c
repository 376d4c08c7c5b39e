/*
 * chance.c
 *		Tests of two batches that hold for few rows and for any distribution.
 *
 * Under no change the rows of both batches are one set that was divided at
 * random.  So counts are hypergeometric (Fisher's exact test), and a difference
 * of means is a sum with random signs of numbers that are fixed: Hoeffding's
 * inequality bounds it whatever the tails, where a normal approximation would
 * not.  KS by its asymptotic bound, which is above the exact one, above all with
 * ties.
 */
#include "postgres.h"

#include <math.h>

#include "ingest_profile/chance.h"

static double
log_choose(double n, double k)
{
	return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1);
}

/* Of at least b of the a + b marked rows falling among nb */
static double
upper_tail(double a, double na, double b, double nb)
{
	double marked = a + b;
	double term = exp(log_choose(nb, b) + log_choose(na, a) - log_choose(na + nb, marked));
	double sum = term;

	/* one more here, one less there */
	while (a >= 1 && b < nb && term > sum * 1e-6)
	{
		term *= a * (nb - b) / ((b + 1) * (na - a + 1));
		a--;
		b++;
		sum += term;
	}
	return Min(sum, 1);
}

/* a of na rows and b of nb: both sides of Fisher's test */
double
chance_of_counts(double a, double na, double b, double nb)
{
	a = Min(floor(a), na);
	b = Min(floor(b), nb);
	if (na < 1 || nb < 1 || a * nb == b * na)
		return 1;
	return Min(2 * (b * na > a * nb ? upper_tail(a, na, b, nb) : upper_tail(b, nb, a, na)), 1);
}

/* Means that differ so much, of numbers that have so much variance in both batches together */
double
chance_of_means(double difference, double variance, double na, double nb)
{
	if (na < 1 || nb < 1 || !(variance > 0) || !isfinite(difference) || !isfinite(variance))
		return 1;
	return Min(2 * exp(-difference * difference / (2 * variance * (1 / na + 1 / nb))), 1);
}

/* Kolmogorov and Smirnov's distance */
double
chance_of_distance(double distance, double na, double nb)
{
	if (na < 1 || nb < 1 || distance <= 0)
		return 1;
	return Min(2 * exp(-2 * distance * distance * na * nb / (na + nb)), 1);
}
