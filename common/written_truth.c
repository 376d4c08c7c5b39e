/*
 * written_truth.c
 *		Words for true and false.  No word means the one in one language and the other in another.
 */
#include "postgres.h"

#include "common/written.h"

#define PLAIN_PAIRS 6 /* the first so many are what a cast reads */

static const char *const pairs[][2] = {
	{"y", "n"},
	{"yes", "no"},
	{"t", "f"},
	{"true", "false"},
	{"on", "off"},
	{"1", "0"},
	{".t.", ".f."},
	{"enabled", "disabled"},
	/* German, French, Spanish, Italian, Portuguese, Dutch */
	{"ja", "nein"},
	{"j", "n"},
	{"wahr", "falsch"},
	{"oui", "non"},
	{"o", "n"},
	{"vrai", "faux"},
	{"v", "f"},
	{"s\303\255", "no"},
	{"s\303\254", "no"},
	{"si", "no"},
	{"s", "n"},
	{"verdadero", "falso"},
	{"vero", "falso"},
	{"sim", "n\303\243o"},
	{"sim", "nao"},
	{"verdadeiro", "falso"},
	{"ja", "nee"},
	{"waar", "onwaar"},
	/* Polish, Czech, Slovak, Hungarian, Romanian */
	{"tak", "nie"},
	{"t", "n"},
	{"prawda", "fa\305\202sz"},
	{"ano", "ne"},
	{"pravda", "nepravda"},
	{"\303\241no", "nie"},
	{"igen", "nem"},
	{"igaz", "hamis"},
	{"da", "nu"},
	/* Swedish, Danish, Norwegian, Finnish, Estonian, Latvian, Lithuanian */
	{"ja", "nej"},
	{"ja", "nei"},
	{"sant", "falskt"},
	{"kyll\303\244", "ei"},
	{"jah", "ei"},
	{"j\304\201", "n\304\223"},
	{"taip", "ne"},
	/* Turkish, also as capitals fold */
	{"evet", "hay\304\261r"},
	{"evet", "hayir"},
	/* Russian, Ukrainian, Bulgarian, Croatian and its neighbours, Greek */
	{"\320\264\320\260", "\320\275\320\265\321\202"},
	{"\320\270\321\201\321\202\320\270\320\275\320\260", "\320\273\320\276\320\266\321\214"},
	{"\321\202\320\260\320\272", "\320\275\321\226"},
	{"\320\264\320\260", "\320\275\320\265"},
	{"da", "ne"},
	{"\316\275\316\261\316\271", "\317\214\317\207\316\271"},
	/* Japanese, Chinese, Korean, Arabic, Hebrew, Indonesian, Vietnamese */
	{"\343\201\257\343\201\204", "\343\201\204\343\201\204\343\201\210"},
	{"\346\230\257", "\345\220\246"},
	{"\354\230\210", "\354\225\204\353\213\210\354\230\244"},
	{"\354\230\210", "\354\225\204\353\213\210\354\232\224"},
	{"\331\206\330\271\331\205", "\331\204\330\247"},
	{"\327\233\327\237", "\327\234\327\220"},
	{"ya", "tidak"},
	{"c\303\263", "kh\303\264ng"},
};

StaticAssertDecl(lengthof(pairs) <= 64, "a bit for each pair");

#define WORD_UNITS 16

bool
written_truth(const char *text, int len, bool *value, uint64 *of)
{
	uint16 word[WORD_UNITS];
	int n;

	*of = 0;
	while (len > 0 && text[len - 1] == ' ')
		len--;
	for (; len > 0 && *text == ' '; len--)
		text++;
	n = len > 0 && len <= 32 ? folded_word(text, len, word, WORD_UNITS) : 0;
	for (int i = 0; i < lengthof(pairs) && n > 0; i++)
	{
		for (int side = 0; side < 2; side++)
		{
			uint16 other[WORD_UNITS];
			const char *name = pairs[i][side];

			if (abs((int) strlen(name) - len) <= 2 && folded_word(name, (int) strlen(name), other, WORD_UNITS) == n &&
				memcmp(word, other, n * sizeof(uint16)) == 0)
			{
				*of |= UINT64CONST(1) << i;
				*value = side == 0;
			}
		}
	}
	return *of != 0;
}

bool
truth_is_plain(uint64 pair)
{
	return (pair & ~((UINT64CONST(1) << PLAIN_PAIRS) - 1)) == 0;
}
