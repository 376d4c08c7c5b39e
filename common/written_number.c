/*
 * written_number.c
 *		Numbers as people write them: 1,234.56  1.234,56  1'234.56  12,34,567  (123.45)  12-  $5  5 EUR  12.5 %
 */
#include "postgres.h"

#include "common/written.h"

#define IS_DIGIT(c) ((c) >= '0' && (c) <= '9')
#define BLANK ' ' /* stands for every kind of blank */
#define MOST_MARKS 24

/* Bytes of a blank, also the ones that do not break a line; 0 if there is none */
static int
blank_at(const char *p, const char *end)
{
	static const char *const blanks[] = {"\302\240", "\342\200\257", "\342\200\211", "\342\200\207", "\343\200\200"};

	if (p < end && (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\n'))
		return 1;
	for (int i = 0; i < lengthof(blanks); i++)
	{
		int n = (int) strlen(blanks[i]);

		if (end - p >= n && memcmp(p, blanks[i], n) == 0)
			return n;
	}
	return 0;
}

static bool
starts_with(const char *p, const char *end, const char *what)
{
	size_t n = strlen(what);

	return end - p >= (ptrdiff_t) n && memcmp(p, what, n) == 0;
}

static bool
ends_with(const char *p, const char *end, const char *what)
{
	size_t n = strlen(what);

	return end - p >= (ptrdiff_t) n && memcmp(end - n, what, n) == 0;
}

/* True if a blank went that a cast does not skip */
static bool
trim(const char **p, const char **end)
{
	bool foreign = false;
	int n;

	for (; (n = blank_at(*p, *end)) > 0; *p += n)
		foreign |= n > 1;
	for (;;)
	{
		for (n = 3; n > 0 && !(*end - *p >= n && blank_at(*end - n, *end) == n); n--)
			;
		if (n == 0)
			return foreign;
		foreign |= n > 1;
		*end -= n;
	}
}

#define MINUS "\342\210\222"

static const char *const currencies[] = {
	"US$", "R$", "C$", "A$", "$", "\342\202\254", "\302\243", "\302\245", "\342\202\271", "\342\202\275", "\342\202\251",
	"\342\202\272", "\342\202\253", "\342\202\252", "\342\202\264", "\340\270\277", "Fr.", "kr.", "kr", "z\305\202", "K\304\215", "Ft",
	"USD", "EUR", "GBP", "CHF", "JPY", "CAD", "AUD", "NZD", "CNY", "INR", "BRL", "MXN", "SEK", "NOK", "DKK", "PLN", "CZK", "HUF",
	"Rp", "RM", "\357\277\245", "\320\273\320\262.", "\321\200\321\203\320\261.", "IDR", "VND", "TWD", "PHP", "MYR", "CLP", "COP", "ARS", "PEN", "EGP", "KES", "PKR",
	"QAR", "KWD", "MAD", "ISK", "RSD", "KZT", "RON", "BGN", "TRY", "RUB", "UAH", "ZAR", "SGD", "HKD", "KRW", "ILS", "AED", "SAR", "THB"};

/* What stands around the digits */
typedef struct Around
{
	bool negative;
	bool sign;
	bool open; /* a parenthesis */
	bool percent;
	bool money;
	bool special; /* anything that a cast does not read */
} Around;

static bool
take_front(const char **p, const char **end, Around *a)
{
	if (*p == *end)
		return false;
	if (**p == '(' && !a->open && !a->sign && ends_with(*p, *end, ")"))
	{
		a->open = a->negative = a->special = true;
		(*p)++;
		(*end)--;
		return true;
	}
	if ((**p == '-' || **p == '+') && !a->sign && !a->open)
	{
		a->sign = true;
		a->negative = **p == '-';
		a->special |= a->money;
		(*p)++;
		return true;
	}
	if (starts_with(*p, *end, MINUS) && !a->sign && !a->open)
	{
		a->sign = a->negative = a->special = true;
		*p += strlen(MINUS);
		return true;
	}
	/* Turkish, Basque */
	if (**p == '%' && !a->percent && !a->money)
	{
		a->percent = a->special = true;
		(*p)++;
		return true;
	}
	for (int i = 0; i < lengthof(currencies) && !a->money && !a->percent; i++)
	{
		if (starts_with(*p, *end, currencies[i]))
		{
			*p += strlen(currencies[i]);
			a->money = a->special = true;
			return true;
		}
	}
	return false;
}

static bool
take_back(const char *p, const char **end, Around *a)
{
	if (p == *end)
		return false;
	if ((ends_with(p, *end, "-") || ends_with(p, *end, MINUS)) && !a->sign && !a->open)
	{
		a->sign = a->negative = a->special = true;
		*end -= ends_with(p, *end, "-") ? 1 : strlen(MINUS);
		return true;
	}
	if (ends_with(p, *end, "%") && !a->percent && !a->money)
	{
		a->percent = a->special = true;
		(*end)--;
		return true;
	}
	for (int i = 0; i < lengthof(currencies) && !a->money && !a->percent; i++)
	{
		if (ends_with(p, *end, currencies[i]))
		{
			*end -= strlen(currencies[i]);
			a->money = a->special = true;
			return true;
		}
	}
	return false;
}

/* The digits between marks */
typedef struct Core
{
	int nmarks;
	char mark[MOST_MARKS];
	int run[MOST_MARKS + 1];
	char digits[WRITTEN_BYTES];
	int n;
	int exponent; /* bytes of it at the end */
} Core;

/* One mark between digits; its bytes */
static int
mark_at(const char *p, const char *end, char *mark)
{
	if (*p == '.' || *p == ',' || *p == '\'' || *p == '_')
	{
		*mark = *p;
		return 1;
	}
	*mark = '\'';
	if (starts_with(p, end, "\342\200\231"))
		return 3;
	*mark = BLANK;
	return *p == '\t' || *p == '\r' || *p == '\n' ? 0 : blank_at(p, end);
}

static bool
read_core(const char *p, const char *end, Core *core)
{
	core->nmarks = core->n = core->exponent = 0;
	core->run[0] = 0;
	while (p < end)
	{
		int n;

		if (IS_DIGIT(*p))
		{
			core->digits[core->n++] = *p++;
			core->run[core->nmarks]++;
			continue;
		}
		if ((*p == 'e' || *p == 'E') && core->n > 0)
			break;
		if (core->nmarks == MOST_MARKS)
			return false;
		n = mark_at(p, end, &core->mark[core->nmarks]);
		if (n == 0)
			return false;
		p += n;
		core->run[++core->nmarks] = 0;
	}
	if (p < end)
	{
		const char *e = p + 1;

		if (e < end && (*e == '-' || *e == '+'))
			e++;
		if (e == end || end - e > 3)
			return false;
		core->exponent = (int) (end - p);
		for (; e < end; e++)
		{
			if (!IS_DIGIT(*e))
				return false;
		}
	}
	return core->n > 0;
}

/* Do the first runs make groups, divided by the first mark? Thousands, lakhs and crores, or myriads */
static bool
are_groups(const Core *core, int marks)
{
	const int *run = core->run;
	bool thousands = run[0] >= 1 && run[0] <= 3;
	bool lakhs = core->mark[0] == ',' && marks >= 2 && run[0] >= 1 && run[0] <= 2 && run[marks] == 3;
	bool myriads = marks >= 2 && run[0] >= 1 && run[0] <= 4;

	for (int i = 1; i <= marks; i++)
	{
		thousands = thousands && run[i] == 3;
		lakhs = lakhs && (i == marks || run[i] == 2);
		myriads = myriads && run[i] == 4;
		if (core->mark[i - 1] != core->mark[0])
			return false;
	}
	return core->digits[0] != '0' && (thousands || lakhs || myriads);
}

static bool
is_decimal_sign(char mark)
{
	return mark == '.' || mark == ',';
}

/* Which marks divide groups, and is the last one decimal? */
static bool
judge_marks(const Core *core, char decimal, WrittenNumber *n, bool *last_is_decimal)
{
	int marks = core->nmarks;
	char last = marks > 0 ? core->mark[marks - 1] : 0;
	char tells = 0;
	bool groups = marks > 0 && are_groups(core, marks);
	bool fraction = marks == 1 ? is_decimal_sign(last) : marks > 1 && is_decimal_sign(last) && last != core->mark[0] && are_groups(core, marks - 1);

	*last_is_decimal = false;
	if (marks == 0)
		return true;
	if (!groups && !fraction)
		return false;
	n->either = groups && fraction && decimal == 0;
	if (groups && fraction)
		*last_is_decimal = decimal != 0 ? last == decimal : last == '.';
	else
		*last_is_decimal = fraction;
	/* a group's mark is not the decimal sign */
	if (*last_is_decimal)
		tells = last;
	else if (is_decimal_sign(core->mark[0]))
		tells = core->mark[0] == '.' ? ',' : '.';
	if (decimal != 0 && tells != 0 && tells != decimal)
		return false;
	n->decimal = n->either ? 0 : tells;
	n->grouped = marks > (*last_is_decimal ? 1 : 0);
	n->blank_groups = n->grouped && core->mark[0] == BLANK;
	return true;
}

bool
written_number(const char *text, int len, char decimal, WrittenNumber *n)
{
	const char *p = text;
	const char *end = text + len;
	Around around = {0};
	Core core;
	bool last_is_decimal;
	char *out;

	if (len == 0 || len > WRITTEN_BYTES - 16)
		return false;
	around.special = trim(&p, &end);
	while (take_front(&p, &end, &around))
	{
		around.special |= blank_at(p, end) > 0; /* between sign and digits */
		(void) trim(&p, &end);
	}
	while (take_back(p, &end, &around))
		(void) trim(&p, &end);
	/* ($5): what is within the parentheses has a front of its own, taken above; 5-$ and the like are nobody's way */
	if (p == end || !read_core(p, end, &core))
		return false;
	n->either = n->grouped = n->blank_groups = false;
	n->decimal = 0;
	if (!judge_marks(&core, decimal, n, &last_is_decimal))
		return false;
	n->digits = core.n - (last_is_decimal ? core.run[core.nmarks] : 0);
	n->fraction = last_is_decimal || core.exponent > 0;
	/* 5, and ,5 alone are lists */
	if (last_is_decimal && core.mark[core.nmarks - 1] == ',' && (core.run[core.nmarks] == 0 || n->digits == 0))
		return false;
	if (core.exponent > 0 && (n->grouped || around.special || (last_is_decimal && core.mark[0] == ',')))
		return false;
	n->leading_zero = n->digits > 1 && core.digits[0] == '0';
	n->percent = around.percent;
	n->money = around.money;
	n->plain = !around.special && !n->grouped && !(last_is_decimal && core.mark[core.nmarks - 1] == ',');
	out = n->value;
	if (around.negative)
		*out++ = '-';
	memcpy(out, core.digits, n->digits);
	out += n->digits;
	if (core.n > n->digits)
	{
		*out++ = '.';
		memcpy(out, core.digits + n->digits, core.n - n->digits);
		out += core.n - n->digits;
	}
	memcpy(out, end - core.exponent, core.exponent);
	strcpy(out + core.exponent, around.percent ? "e-2" : "");
	return true;
}
