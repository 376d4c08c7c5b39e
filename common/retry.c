/*
 * retry.c
 *		Exponential backoff with full jitter.
 */
#include "postgres.h"

#include "common/pg_prng.h"
#include "common/retry.h"

#define RETRY_BASE_MS 500
#define RETRY_CAP_MS 30000

/*
 * Delay before attempt number attempt + 1, in milliseconds: uniform between 0
 * and the doubled base, so that clients who failed together do not return
 * together.  A server that names a time gets at least that.
 */
int
retry_delay_ms(int attempt, int retry_after_s)
{
	int ceiling = RETRY_BASE_MS << Min(attempt, 6);
	int delay;

	ceiling = Min(ceiling, RETRY_CAP_MS);
	delay = (int) pg_prng_uint64_range(&pg_global_prng_state, 0, ceiling);
	if (retry_after_s >= 0)
		delay += Min(retry_after_s, 3600) * 1000;
	return delay;
}
