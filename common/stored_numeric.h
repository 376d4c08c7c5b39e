/*
 * stored_numeric.h
 *		PostgreSQL's stored form of a numeric of few digits.
 *
 * Pages and files are mostly such numbers; numeric_in() takes several times as long.
 */
#ifndef COMMON_STORED_NUMERIC_H
#define COMMON_STORED_NUMERIC_H

#include "postgres.h"

#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

#define BUILT_DIGITS 8 /* to the base 10000 */
#define BUILT_SIZE (VARHDRSZ + sizeof(uint16) + BUILT_DIGITS * sizeof(int16))

/*
 * Build a numeric as it is stored: sign, scale and weight in a short header,
 * then digits to the base 10000.  Takes magnitude ÷ 10^scale, and memory for it.
 */
static inline Datum
build_numeric(char *result, uint64 magnitude, bool negative, int scale)
{
	static const uint64 pad[] = {1, 1000, 100, 10};
	int16 digits[BUILT_DIGITS];
	int ndigits = 0;
	int fraction = (scale + 3) / 4; /* digits behind the point */
	int weight;
	int first = 0;
	uint16 header;

	magnitude *= pad[scale & 3];
	while (magnitude > 0)
	{
		digits[ndigits++] = (int16) (magnitude % 10000);
		magnitude /= 10000;
	}
	weight = ndigits - fraction - 1;
	/* least significant first: zeros there are not stored */
	while (first < ndigits && digits[first] == 0)
		first++;
	if (first == ndigits)
	{
		weight = 0;
		negative = false;
	}
	SET_VARSIZE(result, VARHDRSZ + sizeof(uint16) + (ndigits - first) * sizeof(int16));
	header = 0x8000 | (negative ? 0x2000 : 0) | (scale << 7) | (weight < 0 ? 0x0040 : 0) |
			 (weight & 0x003F);
	memcpy(result + VARHDRSZ, &header, sizeof(header));
	for (int i = 0; i < ndigits - first; i++)
		memcpy(result + VARHDRSZ + sizeof(header) + i * sizeof(int16), &digits[ndigits - 1 - i],
			   sizeof(int16));
	return PointerGetDatum(result);
}

#endif /* COMMON_STORED_NUMERIC_H */
