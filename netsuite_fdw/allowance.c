/*
 * allowance.c
 *		How many requests at once an account is believed to take.
 *
 * NetSuite does not tell what others leave of an account, it refuses.  A refusal
 * halves what is sent at once.  What comes back is sought in two steps: below the
 * number that was refused one more is sent for each round of good replies, so that
 * a burst of refusals that has passed is made good in a few rounds; that number
 * itself is tried again only after many, since trying costs a refusal where others
 * still use the rest.
 */
#include "postgres.h"

#include "netsuite_fdw/allowance.h"
#include "utils/timestamp.h"

#define PROBE_AFTER 40  /* good replies before what was refused is tried again */
#define FORGET_MS 30000 /* what was refused before that says nothing of now */

void
allowance_init(Allowance *a, int allowed)
{
	memset(a, 0, sizeof(Allowance));
	a->allowed = allowed;
}

/*
 * A request that left at launched_at was refused, under a server's limit.  Those
 * that left together are refused together, and count once.  While nothing but
 * refusals comes, the lower numbers on the way down are not what is too much.
 */
void
allowance_refused(Allowance *a, int limit, TimestampTz launched_at, TimestampTz now)
{
	int sent = Min(a->allowed, limit);

	a->quiet = 0;
	if (a->reduced_at != 0 && launched_at <= a->reduced_at)
		return;
	if (a->answered || a->ceiling == 0)
		a->ceiling = sent;
	a->answered = false;
	a->allowed = Max(1, sent / 2);
	a->reduced_at = now;
}

/*
 * A good reply to a request that left at launched_at, under a server's limit.  One
 * that left before the last reduction says nothing of the number that is tried now.
 */
void
allowance_answered(Allowance *a, int limit, TimestampTz launched_at, TimestampTz now)
{
	if (a->reduced_at != 0 && launched_at <= a->reduced_at)
		return;
	a->answered = true;
	if (a->allowed >= limit)
		return;
	a->quiet++;
	if (a->ceiling != 0 && TimestampDifferenceExceeds(a->reduced_at, now, FORGET_MS))
		a->ceiling = 0;
	if (a->ceiling != 0 && a->allowed + 1 >= a->ceiling)
	{
		if (a->quiet < PROBE_AFTER)
			return;
		/* refused at this number again, it will be known again */
		if (a->allowed >= a->ceiling)
			a->ceiling = 0;
	}
	else if (a->quiet < a->allowed)
		return;
	a->allowed++;
	a->quiet = 0;
}
