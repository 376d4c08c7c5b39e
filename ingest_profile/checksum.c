/*
 * checksum.c
 *		Check digits: Luhn, modulo 10, 11, 23, 97, and what countries made of them.
 */
#include "postgres.h"

#include <ctype.h>

#include "ingest_profile/checksum.h"
#include "utils/builtins.h"

#define IS_ALPHA(c) (((c) >= 'A' && (c) <= 'Z') || ((c) >= 'a' && (c) <= 'z'))
#define IS_HEX(c) (IS_DIGIT(c) || ((c) >= 'a' && (c) <= 'f') || ((c) >= 'A' && (c) <= 'F'))
#define IS_DIGIT(c) ((c) >= '0' && (c) <= '9')
#define IS_UPPER(c) ((c) >= 'A' && (c) <= 'Z')
#define COMPACT(text, len) \
	char id[IDENTIFIER_BYTES]; \
	int n; \
	if (!compacted(text, len, id, &n)) \
	return false

bool
compacted(const char *text, int len, char *out, int *n)
{
	*n = 0;
	for (int i = 0; i < len; i++)
	{
		char c = text[i];

		if (c == ' ' || c == '-' || c == '.' || c == '/')
			continue;
		if (*n == IDENTIFIER_BYTES - 1)
			return false;
		out[(*n)++] = c >= 'a' && c <= 'z' ? c - 32 : c;
	}
	out[*n] = '\0';
	return *n > 0;
}

bool
all_digits(const char *text, int len)
{
	for (int i = 0; i < len; i++)
	{
		if (!IS_DIGIT(text[i]))
			return false;
	}
	return len > 0;
}

/* Does the text have this form?  9 digit, A upper case, a lower case, x letter, h hex, * letter or digit; others themselves */
bool
has_form(const char *text, int len, const char *form)
{
	if (strlen(form) != len)
		return false;
	for (int i = 0; i < len; i++)
	{
		char c = text[i];
		bool fits;

		switch (form[i])
		{
			case '9':
				fits = IS_DIGIT(c);
				break;
			case 'A':
				fits = c >= 'A' && c <= 'Z';
				break;
			case 'a':
				fits = c >= 'a' && c <= 'z';
				break;
			case 'x':
				fits = IS_ALPHA(c);
				break;
			case 'h':
				fits = IS_HEX(c);
				break;
			case '*':
				fits = IS_DIGIT(c) || (c >= 'A' && c <= 'Z');
				break;
			default:
				fits = c == form[i];
		}
		if (!fits)
			return false;
	}
	return true;
}

int
digits_value(const char *text, int n)
{
	int value = 0;

	for (int i = 0; i < n; i++)
		value = value * 10 + text[i] - '0';
	return value;
}

static bool
all_alike(const char *text, int n)
{
	for (int i = 1; i < n; i++)
	{
		if (text[i] != text[0])
			return false;
	}
	return true;
}

/* Digits times weights */
static int
weighted(const char *digits, int n, const char *weights)
{
	int sum = 0;

	for (int i = 0; i < n; i++)
		sum += (digits[i] - '0') * (weights[i] >= 'a' ? weights[i] - 'a' + 10 : weights[i] - '0');
	return sum;
}

/* 0-9 as they are, A = 10 ... Z = 35 */
static int
value36(char c)
{
	return IS_DIGIT(c) ? c - '0' : IS_UPPER(c) ? c - 'A' + 10
											   : -1;
}

/* ISO 7064 modulo 97 over digits and letters; -1 if there is anything else */
static int
mod97(const char *text, int n, int start)
{
	int rest = start;

	for (int i = 0; i < n; i++)
	{
		int v = value36(text[i]);

		if (v < 0)
			return -1;
		rest = (v < 10 ? rest * 10 + v : rest * 100 + v) % 97;
	}
	return rest;
}

static bool
is_luhn(const char *digits, int n)
{
	int sum = 0;

	if (!all_digits(digits, n) || all_alike(digits, n))
		return false;
	for (int i = 0; i < n; i++)
	{
		int d = digits[n - 1 - i] - '0';

		if (i % 2 == 1)
			d = d * 2 > 9 ? d * 2 - 9 : d * 2;
		sum += d;
	}
	return sum % 10 == 0;
}

bool
is_credit_card(const char *text, int len)
{
	int two;
	int four;
	COMPACT(text, len);

	if (n < 12 || n > 19 || !is_luhn(id, n))
		return false;
	two = (id[0] - '0') * 10 + id[1] - '0';
	four = two * 100 + (id[2] - '0') * 10 + id[3] - '0';
	if (id[0] == '4')
		return n == 13 || n == 16 || n == 19;
	if ((two >= 51 && two <= 55) || (four >= 2221 && four <= 2720))
		return n == 16;
	if (two == 34 || two == 37)
		return n == 15;
	if (two == 36 || two == 38 || (four >= 3000 && four <= 3059))
		return n >= 14;
	if (four == 6011 || two == 65 || (four >= 6440 && four <= 6499) || two == 62 || (four >= 3528 && four <= 3589))
		return n >= 16;
	if (four == 2131 || four == 1800)
		return n == 15;
	return two == 50 || (two >= 56 && two <= 58) || two == 63 || two == 67;
}

bool
is_imei(const char *text, int len)
{
	COMPACT(text, len);
	return n == 15 && strspn(id, "0") < 3 && is_luhn(id, n);
}

bool
is_iban(const char *text, int len)
{
	/* of the register, and what banks of a few other countries use likewise */
	static const char lengths[] =
		"AD24AE23AL28AO25AT20AZ28BA20BE16BF28BG22BH22BI27BJ28BR29BY28CF27CG27CH21CI28CM27CR22CV25CY28CZ24DE22DJ27DK18DO28DZ26EE20EG29ES24FI18FK18FO18FR27GA27GB22GE22GI23GL18GQ27GR27GT28GW25HN28HR21HU28IE22IL23IQ23IR26IS26IT27JO30KM27KW30KZ20LB28LC32LI21LT20LU20LV21LY25MA28MC27MD24ME22MG27MK19ML28MN20MR27MT31MU30MZ25NE28NI28NL18NO15OM23PK24PL28PS29PT25QA29RO24RS22RU33SA24SC31SD18SE24SI19SK24SM27SN28SO23ST25SV28TD27TG28TL23TN24TR26UA29VA22VG24XK20YE30";
	COMPACT(text, len);

	if (n < 15 || n > 34 || !IS_DIGIT(id[2]) || !IS_DIGIT(id[3]))
		return false;
	for (const char *p = lengths; *p; p += 4)
	{
		if (p[0] == id[0] && p[1] == id[1])
		{
			int rest;

			if (n != (p[2] - '0') * 10 + p[3] - '0')
				return false;
			rest = mod97(id + 4, n - 4, 0);
			return rest >= 0 && mod97(id, 4, rest) == 1;
		}
	}
	return false;
}

/* The business code at 5 to 7 does not count */
bool
is_sepa_creditor(const char *text, int len)
{
	int rest;
	COMPACT(text, len);

	if (n < 8 || n > 35 || !IS_UPPER(id[0]) || !IS_UPPER(id[1]) || !IS_DIGIT(id[2]) || !IS_DIGIT(id[3]))
		return false;
	rest = mod97(id + 7, n - 7, 0);
	return rest >= 0 && mod97(id, 4, rest) == 1;
}

bool
is_lei(const char *text, int len)
{
	return len == 20 && IS_DIGIT(text[18]) && IS_DIGIT(text[19]) && mod97(text, 20, 0) == 1;
}

bool
is_isin(const char *text, int len)
{
	char digits[32];
	int n = 0;

	if (len != 12 || !IS_UPPER(text[0]) || !IS_UPPER(text[1]) || !IS_DIGIT(text[11]))
		return false;
	for (int i = 0; i < 12; i++)
	{
		int v = value36(text[i]);

		if (v < 0)
			return false;
		if (v >= 10)
			digits[n++] = '0' + v / 10;
		digits[n++] = '0' + v % 10;
	}
	return is_luhn(digits, n);
}

bool
is_cusip(const char *text, int len)
{
	int sum = 0;

	if (len != 9 || !IS_DIGIT(text[8]))
		return false;
	for (int i = 0; i < 8; i++)
	{
		int v = text[i] == '*' ? 36 : text[i] == '@' ? 37
								  : text[i] == '#'   ? 38
													 : value36(text[i]);

		if (v < 0)
			return false;
		if (i % 2 == 1)
			v *= 2;
		sum += v / 10 + v % 10;
	}
	return !all_alike(text, 8) && (10 - sum % 10) % 10 == text[8] - '0';
}

bool
is_sedol(const char *text, int len)
{
	static const int weights[] = {1, 3, 1, 7, 3, 9, 1};
	int sum = 0;

	if (len != 7 || !IS_DIGIT(text[6]) || all_alike(text, 7))
		return false;
	for (int i = 0; i < 7; i++)
	{
		int v = value36(text[i]);

		if (v < 0 || strchr("AEIOU", text[i]) != NULL)
			return false;
		sum += v * weights[i];
	}
	return sum % 10 == 0;
}

/* US bank routing number: its first digits name a Federal Reserve district */
bool
is_aba(const char *text, int len)
{
	int two;

	if (len != 9 || !all_digits(text, 9) || all_alike(text, 9))
		return false;
	two = (text[0] - '0') * 10 + text[1] - '0';
	if (!(two <= 12 || (two >= 21 && two <= 32) || (two >= 61 && two <= 72) || two == 80))
		return false;
	return weighted(text, 9, "371371371") % 10 == 0;
}

/* GS1: weights 3 and 1 from the right */
static bool
is_gs1(const char *digits, int n)
{
	int sum = 0;

	if (!all_digits(digits, n) || all_alike(digits, n))
		return false;
	for (int i = 0; i < n; i++)
		sum += (digits[n - 1 - i] - '0') * (i % 2 == 1 ? 3 : 1);
	return sum % 10 == 0;
}

bool
is_ean8(const char *text, int len)
{
	return len == 8 && is_gs1(text, 8);
}

bool
is_ean13(const char *text, int len)
{
	return len == 13 && is_gs1(text, 13);
}

bool
is_upc(const char *text, int len)
{
	return len == 12 && is_gs1(text, 12);
}

bool
is_gtin14(const char *text, int len)
{
	return len == 14 && is_gs1(text, 14);
}

bool
is_sscc(const char *text, int len)
{
	return len == 18 && is_gs1(text, 18);
}

bool
is_isbn10(const char *text, int len)
{
	int sum = 0;
	COMPACT(text, len);

	if (n != 10 || !all_digits(id, 9) || all_alike(id, 10) || !(IS_DIGIT(id[9]) || id[9] == 'X'))
		return false;
	for (int i = 0; i < 10; i++)
		sum += (id[i] == 'X' ? 10 : id[i] - '0') * (10 - i);
	return sum % 11 == 0;
}

bool
is_isbn13(const char *text, int len)
{
	COMPACT(text, len);
	return n == 13 && (strncmp(id, "978", 3) == 0 || strncmp(id, "979", 3) == 0) && is_gs1(id, 13);
}

bool
is_issn(const char *text, int len)
{
	int sum = 0;

	if (len != 9 || text[4] != '-' || !all_digits(text, 4) || !all_digits(text + 5, 3) ||
		!(IS_DIGIT(text[8]) || text[8] == 'X'))
		return false;
	for (int i = 0; i < 4; i++)
		sum += (text[i] - '0') * (8 - i);
	for (int i = 5; i < 8; i++)
		sum += (text[i] - '0') * (9 - i);
	return (sum + (text[8] == 'X' ? 10 : text[8] - '0')) % 11 == 0;
}

/* With the check digit that North America demands */
bool
is_vin(const char *text, int len)
{
	static const char values[] = "12345678.12345.7.923456789"; /* A .. Z */
	static const int weights[] = {8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2};
	int sum = 0;

	if (len != 17 || all_alike(text, 17))
		return false;
	for (int i = 0; i < 17; i++)
	{
		int v;

		if (IS_DIGIT(text[i]))
			v = text[i] - '0';
		else if (IS_UPPER(text[i]) && values[text[i] - 'A'] != '.')
			v = values[text[i] - 'A'] - '0';
		else
			return false;
		sum += v * weights[i];
	}
	return text[8] == (sum % 11 == 10 ? 'X' : '0' + sum % 11);
}

/* -- national ones -- */

/* ISO 7064 modulo 11, 10 */
static bool
is_mod11_10(const char *digits, int n)
{
	int p = 10;

	for (int i = 0; i < n - 1; i++)
	{
		p = (p + digits[i] - '0') % 10;
		p = (p == 0 ? 10 : p) * 2 % 11;
	}
	return (11 - p) % 10 == digits[n - 1] - '0';
}

static bool
vat_austria(const char *d)
{
	int sum = 0;

	for (int i = 0; i < 7; i++)
	{
		int v = (d[i] - '0') * (i % 2 + 1);

		sum += v / 10 + v % 10;
	}
	return (10 - (sum + 4) % 10) % 10 == d[7] - '0';
}

static bool
vat_spain(const char *id)
{
	static const char letters[] = "TRWAGMYFPDXBNJZSQVHLCKE";
	char digits[10];
	int sum = 0;

	if (IS_DIGIT(id[0]) || strchr("XYZ", id[0]))
	{
		memcpy(digits, id, 8);
		if (!IS_DIGIT(id[0]))
			digits[0] = id[0] - 'X' + '0';
		return all_digits(digits, 8) && letters[pg_strtoint32(pnstrdup(digits, 8)) % 23] == id[8];
	}
	if (!all_digits(id + 1, 7))
		return false;
	for (int i = 1; i <= 7; i++)
	{
		int v = (id[i] - '0') * (i % 2 + 1);

		sum += v / 10 + v % 10;
	}
	sum = (10 - sum % 10) % 10;
	return id[8] == '0' + sum || id[8] == "JABCDEFGHI"[sum];
}

static bool
vat_by_country(const char *id, int n)
{
	const char *d = id + 2;
	int m = n - 2;
	int rest;

#define COUNTRY(code) (id[0] == code[0] && id[1] == code[1])
#define DIGITS(count) (m == (count) && all_digits(d, m) && !all_alike(d, m))
	if (COUNTRY("DE"))
		return DIGITS(9) && d[0] != '0' && is_mod11_10(d, 9);
	if (COUNTRY("HR"))
		return DIGITS(11) && is_mod11_10(d, 11);
	if (COUNTRY("AT"))
		return m == 9 && d[0] == 'U' && all_digits(d + 1, 8) && vat_austria(d + 1);
	if (COUNTRY("BE"))
		return DIGITS(10) && (d[0] == '0' || d[0] == '1') &&
			   97 - pg_strtoint32(pnstrdup(d, 8)) % 97 == (d[8] - '0') * 10 + d[9] - '0';
	if (COUNTRY("DK"))
		return DIGITS(8) && weighted(d, 8, "27654321") % 11 == 0;
	if (COUNTRY("FI"))
	{
		if (!DIGITS(8))
			return false;
		rest = weighted(d, 7, "79a5842") % 11;
		rest = (11 - rest) % 11;
		return rest < 10 && rest == d[7] - '0';
	}
	if (COUNTRY("FR"))
		return m == 11 && all_digits(d + 2, 9) &&
			   (!all_digits(d, 2) || (pg_strtoint64(psprintf("%.9s12", d + 2)) % 97 == (d[0] - '0') * 10 + d[1] - '0'));
	if (COUNTRY("IT"))
		return DIGITS(11) && is_luhn(d, 11);
	if (COUNTRY("ES"))
		return m == 9 && vat_spain(d);
	if (COUNTRY("LU"))
		return DIGITS(8) && pg_strtoint32(pnstrdup(d, 6)) % 89 == (d[6] - '0') * 10 + d[7] - '0';
	if (COUNTRY("NL"))
		return m == 12 && all_digits(d, 9) && d[9] == 'B' && all_digits(d + 10, 2) &&
			   ((weighted(d, 8, "98765432") % 11) == d[8] - '0' || mod97(id, n, 0) == 1);
	if (COUNTRY("PL"))
		return DIGITS(10) && weighted(d, 9, "657234567") % 11 == d[9] - '0';
	if (COUNTRY("PT"))
	{
		if (!DIGITS(9))
			return false;
		rest = 11 - weighted(d, 8, "98765432") % 11;
		return (rest > 9 ? 0 : rest) == d[8] - '0';
	}
	if (COUNTRY("SE"))
		return DIGITS(12) && is_luhn(d, 10);
	if (COUNTRY("EL"))
	{
		int sum = 0;

		if (!DIGITS(9))
			return false;
		for (int i = 0; i < 8; i++)
			sum += (d[i] - '0') << (8 - i);
		return sum % 11 % 10 == d[8] - '0';
	}
	if (COUNTRY("SI"))
	{
		if (!DIGITS(8))
			return false;
		rest = 11 - weighted(d, 7, "8765432") % 11;
		return rest != 11 && rest % 10 == d[7] - '0';
	}
	if (COUNTRY("SK"))
		return DIGITS(10) && pg_strtoint64(pnstrdup(d, 10)) % 11 == 0;
	if (COUNTRY("HU"))
		return DIGITS(8) && (10 - weighted(d, 7, "9731973") % 10) % 10 == d[7] - '0';
	if (COUNTRY("EE"))
		return DIGITS(9) && weighted(d, 9, "371371371") % 10 == 0;
	if (COUNTRY("MT"))
		return DIGITS(8) && 37 - weighted(d, 6, "346789") % 37 == (d[6] - '0') * 10 + d[7] - '0';
	if (COUNTRY("RO"))
	{
		char padded[11];

		if (m < 2 || m > 10 || !all_digits(d, m))
			return false;
		memset(padded, '0', 10);
		memcpy(padded + 10 - m, d, m);
		return weighted(padded, 9, "753217532") * 10 % 11 % 10 == padded[9] - '0';
	}
	/* the form alone: Bulgaria, Cyprus, Czechia, Ireland, Latvia, Lithuania, Northern Ireland */
	if (COUNTRY("BG"))
		return DIGITS(9) || DIGITS(10);
	if (COUNTRY("CY"))
		return m == 9 && all_digits(d, 8) && IS_UPPER(d[8]);
	if (COUNTRY("CZ"))
		return DIGITS(8) || DIGITS(9) || DIGITS(10);
	if (COUNTRY("IE"))
		return (m == 8 || m == 9) && all_digits(d, 7) && IS_UPPER(d[7]);
	if (COUNTRY("LV"))
		return DIGITS(11);
	if (COUNTRY("LT"))
		return DIGITS(9) || DIGITS(12);
	if (COUNTRY("XI"))
		return DIGITS(9) || DIGITS(12);
#undef COUNTRY
#undef DIGITS
	return false;
}

bool
is_eu_vat(const char *text, int len)
{
	COMPACT(text, len);
	return n >= 4 && n <= 14 && IS_UPPER(id[0]) && IS_UPPER(id[1]) && vat_by_country(id, n);
}

bool
is_ch_uid(const char *text, int len)
{
	int rest;
	COMPACT(text, len);

	if (n < 12 || strncmp(id, "CHE", 3) != 0 || !all_digits(id + 3, 9))
		return false;
	if (n > 12 && strcmp(id + 12, "MWST") != 0 && strcmp(id + 12, "TVA") != 0 && strcmp(id + 12, "IVA") != 0)
		return false;
	rest = 11 - weighted(id + 3, 8, "54327654") % 11;
	return rest != 10 && rest % 11 == id[11] - '0';
}

/* No check digit; areas and groups that were never given out */
bool
is_ssn(const char *text, int len)
{
	if (len != 11 || text[3] != '-' || text[6] != '-' || !all_digits(text, 3) ||
		!all_digits(text + 4, 2) || !all_digits(text + 7, 4))
		return false;
	return strncmp(text, "000", 3) != 0 && strncmp(text, "666", 3) != 0 && text[0] != '9' &&
		   strncmp(text + 4, "00", 2) != 0 && strncmp(text + 7, "0000", 4) != 0;
}

bool
is_npi(const char *text, int len)
{
	char padded[16] = "80840";

	if (len != 10 || (text[0] != '1' && text[0] != '2') || !all_digits(text, 10))
		return false;
	memcpy(padded + 5, text, 10);
	return is_luhn(padded, 15);
}

bool
is_nhs(const char *text, int len)
{
	COMPACT(text, len);
	/* an ISBN-10 has the same check, and its dashes elsewhere */
	return (len == 10 || has_form(text, len, "999 999 9999") || has_form(text, len, "999-999-9999")) && n == 10 && all_digits(id, 10) && !all_alike(id, 10) &&
		   (11 - weighted(id, 9, "a98765432") % 11) % 11 == id[9] - '0';
}

bool
is_bsn(const char *text, int len)
{
	return len == 9 && all_digits(text, 9) && !all_alike(text, 9) &&
		   (weighted(text, 8, "98765432") - (text[8] - '0')) % 11 == 0;
}

bool
is_dni(const char *text, int len)
{
	COMPACT(text, len);
	return n == 9 && (IS_DIGIT(id[0]) || strchr("XYZ", id[0])) && IS_UPPER(id[8]) && vat_spain(id);
}

static char
cpf_digit(int sum)
{
	int rest = sum % 11;

	return rest < 2 ? '0' : '0' + 11 - rest;
}

bool
is_cpf(const char *text, int len)
{
	COMPACT(text, len);
	return n == 11 && all_digits(id, 11) && !all_alike(id, 11) &&
		   cpf_digit(weighted(id, 9, "a98765432")) == id[9] &&
		   cpf_digit(weighted(id, 10, "ba98765432")) == id[10];
}

bool
is_cnpj(const char *text, int len)
{
	COMPACT(text, len);
	return n == 14 && all_digits(id, 14) && !all_alike(id, 14) &&
		   cpf_digit(weighted(id, 12, "543298765432")) == id[12] &&
		   cpf_digit(weighted(id, 13, "6543298765432")) == id[13];
}

bool
is_abn(const char *text, int len)
{
	static const int weights[] = {10, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19};
	int sum = 0;
	COMPACT(text, len);

	if (n != 11 || !all_digits(id, 11) || all_alike(id, 11) || id[0] == '0')
		return false;
	for (int i = 0; i < 11; i++)
		sum += (id[i] - '0' - (i == 0)) * weights[i];
	return sum % 89 == 0;
}

bool
is_sin(const char *text, int len)
{
	COMPACT(text, len);
	return n == 9 && id[0] != '0' && id[0] != '8' && is_luhn(id, 9);
}

/* In a column that is called so: temporary ones and those of businesses as well */
bool
is_sin_in_column(const char *text, int len)
{
	COMPACT(text, len);
	return n == 9 && all_digits(id, 9) && is_luhn(id, n);
}

bool
is_siren(const char *text, int len)
{
	COMPACT(text, len);
	return n == 9 && is_luhn(id, 9);
}

bool
is_siret(const char *text, int len)
{
	COMPACT(text, len);
	return n == 14 && is_luhn(id, 14) && is_luhn(id, 9);
}

/* A birthday within: months count from 1, 21, 41, 61, 81 by century */
bool
is_pesel(const char *text, int len)
{
	int month;
	int day;

	if (len != 11 || !all_digits(text, 11))
		return false;
	month = ((text[2] - '0') * 10 + text[3] - '0') % 20;
	day = (text[4] - '0') * 10 + text[5] - '0';
	return month >= 1 && month <= 12 && day >= 1 && day <= 31 && weighted(text, 11, "13791379131") % 10 == 0;
}

bool
is_personnummer(const char *text, int len)
{
	char id[16] = "";
	int n = 0;
	int month;
	int day;

	for (int i = 0; i < len && n < 13; i++)
	{
		if (text[i] != '-' && text[i] != '+')
			id[n++] = text[i];
	}
	if (n == 12)
		memmove(id, id + 2, n -= 2);
	if (n != 10 || !is_luhn(id, 10))
		return false;
	month = (id[2] - '0') * 10 + id[3] - '0';
	day = (id[4] - '0') * 10 + id[5] - '0';
	return month >= 1 && month <= 12 && day >= 1 && (day <= 31 || (day >= 61 && day <= 91));
}

/* One digit comes twice or thrice, the others once or never */
bool
is_steuer_id(const char *text, int len)
{
	int times[10] = {0};
	int repeated = 0;
	COMPACT(text, len);

	if (n != 11 || id[0] == '0' || !all_digits(id, 11))
		return false;
	for (int i = 0; i < 10; i++)
		times[id[i] - '0']++;
	for (int i = 0; i < 10; i++)
	{
		if (times[i] > 3)
			return false;
		repeated += times[i] > 1;
	}
	return repeated == 1 && is_mod11_10(id, 11);
}

bool
is_codice_fiscale(const char *text, int len)
{
	static const int odd[] = {1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23};
	static const char form[] = "AAAAAA99A99A999A";
	int sum = 0;
	COMPACT(text, len);

	if (n != 16)
		return false;
	for (int i = 0; i < 16; i++)
	{
		bool digit_place = form[i] == '9';

		/* digits may be replaced by letters where two people would share a code */
		if (digit_place ? !(IS_DIGIT(id[i]) || strchr("LMNPQRSTUV", id[i])) : !IS_UPPER(id[i]))
			return false;
		if (i < 15)
		{
			int v = IS_DIGIT(id[i]) ? id[i] - '0' : id[i] - 'A';

			sum += i % 2 == 0 ? odd[v] : v;
		}
	}
	return id[15] == 'A' + sum % 26;
}

bool
is_ahv(const char *text, int len)
{
	COMPACT(text, len);
	return n == 13 && strncmp(id, "756", 3) == 0 && is_gs1(id, 13);
}

/* Verhoeff */
bool
is_aadhaar(const char *text, int len)
{
	static const char d[10][11] = {"0123456789", "1234067895", "2340178956", "3401289567", "4012395678",
								   "5987604321", "6598710432", "7659821043", "8765932104", "9876543210"};
	static const char p[8][11] = {"0123456789", "1576283094", "5803796142", "8916043527",
								  "9453126870", "4286573901", "2793806415", "7046913258"};
	int c = 0;
	COMPACT(text, len);

	if (n != 12 || id[0] < '2' || !all_digits(id, 12))
		return false;
	for (int i = 0; i < 12; i++)
		c = d[c][p[i % 8][id[11 - i] - '0'] - '0'] - '0';
	return c == 0;
}
