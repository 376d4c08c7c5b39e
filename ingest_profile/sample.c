/*
 * sample.c
 *		Bottom-k sampling of distinct values.
 */
#include "postgres.h"

#include "ingest_profile/hash.h"
#include "ingest_profile/sample.h"
#include "mb/pg_wchar.h"
#include "utils/memutils.h"

#define ST_SORT sort_sampled
#define ST_ELEMENT_TYPE Sampled
#define ST_COMPARE(a, b) compare_sampled(a, b)
#define ST_SCOPE static
#define ST_DEFINE
static inline int
compare_sampled(const Sampled *a, const Sampled *b)
{
	if (a->hash != b->hash)
		return a->hash < b->hash ? -1 : 1;
	/* one that has its text first */
	return (a->value == NULL) - (b->value == NULL);
}
#include "lib/sort_template.h"

Sample *
sample_new(MemoryContext context)
{
	Sample *sample = MemoryContextAllocZero(context, sizeof(Sample));

	sample->context = context;
	sample->below = PG_UINT64_MAX;
	sample->value_below = PG_UINT64_MAX;
	sample->tidy = true;
	return sample;
}

/* Sort, drop what came twice and what is too much */
void
sample_tidy(Sample *sample)
{
	int n = 0;

	if (sample->tidy)
		return;
	sort_sampled(sample->items, sample->n);
	for (int i = 0; i < sample->n; i++)
	{
		Sampled *item = &sample->items[i];
		bool again = n > 0 && sample->items[n - 1].hash == item->hash;

		if (again || n >= SAMPLE_HASHES || n >= SAMPLE_VALUES)
		{
			if (item->value)
				pfree(item->value);
			item->value = NULL;
		}
		if (!again && n < SAMPLE_HASHES)
			sample->items[n++] = *item;
	}
	sample->n = n;
	if (n == SAMPLE_HASHES)
		sample->below = sample->items[n - 1].hash;
	if (n >= SAMPLE_VALUES)
		sample->value_below = sample->items[SAMPLE_VALUES - 1].hash;
	sample->tidy = true;
}

/* A hash below sample->below; its text if it is below value_below */
void
sample_put(Sample *sample, uint64 hash, const char *value, Size len, bool cut)
{
	Sampled *item;

	hash = hash >> SAMPLE_SHIFT << SAMPLE_SHIFT;
	if (sample->n == sample->allocated)
	{
		sample_tidy(sample);
		if (sample->n >= sample->allocated - sample->allocated / 4)
		{
			sample->allocated = Max(128, sample->allocated * 2);
			if (sample->items == NULL)
				sample->items = MemoryContextAlloc(sample->context, sample->allocated * sizeof(Sampled));
			else
				sample->items = repalloc(sample->items, sample->allocated * sizeof(Sampled));
		}
		if (hash >= sample->below)
			return;
	}
	item = &sample->items[sample->n++];
	item->hash = hash;
	item->value = NULL;
	item->len = 0;
	item->cut = false;
	if (value != NULL && hash <= sample->value_below)
	{
		item->len = text_fit(value, len, SAMPLE_BYTES);
		item->cut = cut || len > SAMPLE_BYTES;
		item->value = MemoryContextAlloc(sample->context, item->len + 1);
		memcpy(item->value, value, item->len);
		item->value[item->len] = '\0';
	}
	sample->tidy = false;
}

void
sample_merge(Sample *into, Sample *from)
{
	sample_tidy(from);
	for (int i = 0; i < from->n; i++)
	{
		Sampled *item = &from->items[i];

		if (item->hash <= into->below)
			sample_put(into, item->hash, item->value, item->len, item->cut);
	}
	sample_tidy(into);
}

/* -- stored form: hashes as differences -- */

#define SAMPLED_CUT 1
#define SAMPLED_TEXT 2

void
sample_write(StringInfo out, Sample *sample, int most_values, int room)
{
	uint64 before = 0;
	int values = 0;

	sample_tidy(sample);
	while (values < Min(sample->n, most_values) && room > 0)
		room -= sample->items[values++].len;
	put_count(out, sample->n);
	put_count(out, values);
	for (int i = 0; i < sample->n; i++)
	{
		uint64 hash = sample->items[i].hash >> SAMPLE_SHIFT;

		put_count(out, hash - before);
		before = hash;
		if (i < values)
		{
			const Sampled *item = &sample->items[i];

			put_byte(out, (item->cut ? SAMPLED_CUT : 0) | (item->value ? SAMPLED_TEXT : 0));
			if (item->value)
				put_text(out, item->value, item->len);
		}
	}
}

Sample *
sample_read(Reader *in, MemoryContext context, int version)
{
	Sample *sample = sample_new(context);
	int n = (int) take_count_to(in, SAMPLE_HASHES);
	int values = (int) take_count_to(in, Min(n, SAMPLE_VALUES));
	uint64 hash = 0;

	sample->allocated = Max(n, 1);
	sample->items = MemoryContextAllocZero(context, sample->allocated * sizeof(Sampled));
	for (int i = 0; i < n; i++)
	{
		Sampled *item = &sample->items[i];

		hash += take_count(in);
		if (hash >> (64 - SAMPLE_SHIFT))
			report_damage();
		item->hash = hash << SAMPLE_SHIFT;
		if (i < values)
		{
			unsigned marks = take_byte(in);

			item->cut = (marks & SAMPLED_CUT) != 0;
			if (version < 3 || marks & SAMPLED_TEXT)
				item->value = take_string(in, SAMPLE_BYTES, context, &item->len);
		}
	}
	sample->n = n;
	sample->tidy = false;
	sample_tidy(sample);
	return sample;
}
