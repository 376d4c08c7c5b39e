/*
 * semantic.c
 *		Which meaning fits the distinct values of a column.
 *
 * The values are those of the sample: a random choice of the distinct ones.  A
 * meaning is taken if more than SEMANTIC_SHARE of them fit it, if they are
 * enough, and if it would hardly happen by chance: each fitting value counts
 * the bits by which its check beats chance.  Closed lists of short codes take
 * fewer values if the column's name speaks for them; codes that are told by
 * their form alone are never guessed without such a name.  Of several meanings the first in the list is taken: special ones come first.
 */
#include "postgres.h"

#include <ctype.h>

#include "ingest_profile/checksum.h"
#include "ingest_profile/closed.h"
#include "ingest_profile/compat.h"
#include "ingest_profile/hidden.h"
#include "ingest_profile/semantic.h"

#define IS_DIGIT(c) ((c) >= '0' && (c) <= '9')
#define IS_ALPHA(c) (((c) >= 'A' && (c) <= 'Z') || ((c) >= 'a' && (c) <= 'z'))
#define IS_ALNUM(c) (IS_DIGIT(c) || IS_ALPHA(c))
#define IS_HEX(c) (IS_DIGIT(c) || ((c) >= 'a' && (c) <= 'f') || ((c) >= 'A' && (c) <= 'F'))

/* Does the text have this form?  9 digit, A upper case, a lower case, x letter, h hex, * letter or digit; others themselves */
static bool
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

static bool
all_hex(const char *text, int len)
{
	bool letters = false;
	bool digits = false;

	for (int i = 0; i < len; i++)
	{
		if (!IS_HEX(text[i]))
			return false;
		letters |= !IS_DIGIT(text[i]);
		digits |= IS_DIGIT(text[i]);
	}
	return letters && digits;
}

/* A number with an optional fraction; its value if it is one */
static bool
plain_number(const char *text, int len, bool needs_point, double *value)
{
	char buffer[40];
	char *end;
	int points = 0;

	if (len == 0 || len >= sizeof(buffer))
		return false;
	for (int i = 0; i < len; i++)
	{
		points += text[i] == '.';
		if (!IS_DIGIT(text[i]) && text[i] != '.' && !(i == 0 && (text[i] == '-' || text[i] == '+')))
			return false;
	}
	if (points > 1 || (needs_point && points == 0))
		return false;
	memcpy(buffer, text, len);
	buffer[len] = '\0';
	*value = strtod(buffer, &end);
	return *end == '\0' && IS_DIGIT(text[len - 1]);
}

static int
digits_value(const char *text, int n)
{
	int value = 0;

	for (int i = 0; i < n; i++)
		value = value * 10 + text[i] - '0';
	return value;
}

/* -- the network -- */

static bool
is_domain(const char *text, int len)
{
	int label = 0;
	const char *last = text;

	if (len < 4 || len > 253)
		return false;
	for (int i = 0; i < len; i++)
	{
		if (text[i] == '.')
		{
			if (label == 0 || text[i - 1] == '-')
				return false;
			label = 0;
			last = text + i + 1;
		}
		else if (IS_ALNUM(text[i]) || (text[i] == '-' && label > 0) || (unsigned char) text[i] >= 128)
			label++;
		else
			return false;
		if (label > 63)
			return false;
	}
	return last > text && label > 1 && is_top_domain(last, (int) (text + len - last));
}

static bool
is_email(const char *text, int len)
{
	const char *at = memchr(text, '@', len);
	int before;
	int label = 0;

	if (at == NULL || len > 254)
		return false;
	before = (int) (at - text);
	if (before == 0 || before > 64 || text[0] == '.' || at[-1] == '.')
		return false;
	for (int i = 0; i < before; i++)
	{
		if (!IS_ALNUM(text[i]) && strchr(".!#$%&'*+/=?^_`{|}~-", text[i]) == NULL && (unsigned char) text[i] < 128)
			return false;
		if (text[i] == '.' && text[i + 1] == '.')
			return false;
	}
	/* any domain will do here: the form is telling enough */
	for (const char *p = at + 1; p < text + len; p++)
	{
		if (*p == '.')
		{
			if (label == 0)
				return false;
			label = 0;
		}
		else if (IS_ALNUM(*p) || *p == '-' || (unsigned char) *p >= 128)
			label++;
		else
			return false;
	}
	return label >= 2 && memchr(at, '.', text + len - at) != NULL;
}

static bool
is_url(const char *text, int len)
{
	static const char *const schemes[] = {"http://", "https://", "ftp://", "ftps://", "sftp://", "s3://", "file://", "ws://", "wss://"};

	for (int i = 0; i < lengthof(schemes); i++)
	{
		int n = (int) strlen(schemes[i]);

		if (len > n && pg_strncasecmp(text, schemes[i], n) == 0)
			return memchr(text, ' ', len) == NULL && (IS_ALNUM(text[n]) || text[n] == '[' || text[n] == '/' || (unsigned char) text[n] >= 128);
	}
	return false;
}

/* So many bytes of it are an address; 0 if none */
static int
ipv4_bytes(const char *text, int len)
{
	int i = 0;

	for (int part = 0; part < 4; part++)
	{
		int start = i;

		if (part > 0 && (i >= len || text[i++] != '.'))
			return 0;
		start = i;
		while (i < len && i - start < 3 && IS_DIGIT(text[i]))
			i++;
		if (i == start || digits_value(text + start, i - start) > 255 || (i - start > 1 && text[start] == '0'))
			return 0;
	}
	return i;
}

static bool
is_ipv4(const char *text, int len)
{
	return len >= 7 && ipv4_bytes(text, len) == len;
}

static bool
is_ipv6(const char *text, int len)
{
	int groups = 0;
	int digits = 0;
	bool gap = false;

	if (len < 3 || len > 45 || memchr(text, ':', len) == NULL)
		return false;
	for (int i = 0; i < len; i++)
	{
		if (text[i] == ':')
		{
			if (i + 1 < len && text[i + 1] == ':')
			{
				if (gap)
					return false;
				gap = true;
			}
			else if (digits == 0 && !(i > 0 && text[i - 1] == ':'))
				return false;
			digits = 0;
		}
		else if (IS_HEX(text[i]))
		{
			groups += digits == 0;
			if (++digits > 4)
				return false;
		}
		else if (text[i] == '.')
			return gap && ipv4_bytes(text + i - digits, len - i + digits) == len - i + digits;
		else
			return false;
	}
	return gap ? groups < 8 : groups == 8 && digits > 0;
}

static bool
is_ip(const char *text, int len)
{
	return is_ipv4(text, len) || is_ipv6(text, len);
}

static bool
is_cidr(const char *text, int len)
{
	const char *slash = memchr(text, '/', len);
	int n;
	int bits;

	if (slash == NULL)
		return false;
	n = (int) (slash - text);
	if (len - n - 1 < 1 || len - n - 1 > 3 || !all_digits(slash + 1, len - n - 1))
		return false;
	bits = digits_value(slash + 1, len - n - 1);
	return (is_ipv4(text, n) && bits <= 32) || (is_ipv6(text, n) && bits <= 128);
}

static bool
is_mac(const char *text, int len)
{
	return has_form(text, len, "hh:hh:hh:hh:hh:hh") || has_form(text, len, "hh-hh-hh-hh-hh-hh") ||
		   has_form(text, len, "hhhh.hhhh.hhhh");
}

static bool
is_uuid(const char *text, int len)
{
	return is_uuid_text(text, len) || has_form(text, len, "{hhhhhhhh-hhhh-hhhh-hhhh-hhhhhhhhhhhh}");
}

static bool
base64_bytes(const char *text, int len, const char *more)
{
	for (int i = 0; i < len; i++)
	{
		if (!IS_ALNUM(text[i]) && (text[i] == '\0' || strchr(more, text[i]) == NULL))
			return false;
	}
	return len > 0;
}

static bool
is_jwt(const char *text, int len)
{
	/* a value is kept by its beginning only: two parts are enough to see */
	return len > 20 && strncmp(text, "eyJ", 3) == 0 && memchr(text, '.', len) != NULL && base64_bytes(text, len, "-_.");
}

static bool
is_md5(const char *text, int len)
{
	return len == 32 && all_hex(text, len);
}

static bool
is_sha1(const char *text, int len)
{
	return len == 40 && all_hex(text, len);
}

static bool
is_sha256(const char *text, int len)
{
	return len == 64 && all_hex(text, len);
}

static bool
is_base64(const char *text, int len)
{
	int pad = 0;
	int classes = 0;

	if (len < 16 || len % 4 != 0)
		return false;
	while (pad < 2 && text[len - 1 - pad] == '=')
		pad++;
	if (!base64_bytes(text, len - pad, "+/"))
		return false;
	for (int i = 0; i < len; i++)
		classes |= IS_DIGIT(text[i]) ? 1 : text[i] >= 'a' && text[i] <= 'z' ? 2
									   : text[i] >= 'A' && text[i] <= 'Z'   ? 4
																			: 8;
	return (classes & 7) == 7 || (pad > 0 && (classes & 6) == 6);
}

static bool
is_hex_color(const char *text, int len)
{
	return has_form(text, len, "#hhhhhh") || has_form(text, len, "#hhh") || has_form(text, len, "#hhhhhhhh");
}

static bool
is_semver(const char *text, int len)
{
	int parts = 1;
	int digits = 0;
	int i = len > 0 && (text[0] == 'v' || text[0] == 'V') ? 1 : 0;

	for (; i < len && (IS_DIGIT(text[i]) || text[i] == '.'); i++)
	{
		if (text[i] == '.')
		{
			if (digits == 0 || ++parts > 3)
				return false;
			digits = 0;
		}
		else if (++digits > 5)
			return false;
	}
	if (parts != 3 || digits == 0)
		return false;
	return i == len || text[i] == '-' || text[i] == '+';
}

static bool
is_mime_type(const char *text, int len)
{
	static const char *const classes[] = {"application/", "audio/", "font/", "image/", "message/", "model/", "multipart/", "text/", "video/"};

	for (int i = 0; i < lengthof(classes); i++)
	{
		int n = (int) strlen(classes[i]);

		if (len > n && strncmp(text, classes[i], n) == 0)
			return base64_bytes(text + n, len - n, "+-._;= /");
	}
	return false;
}

static bool
is_file_path(const char *text, int len)
{
	int slashes = 0;
	int letters = 0;
	char sep = '/';

	if (len < 3)
		return false;
	if (IS_ALPHA(text[0]) && text[1] == ':' && (text[2] == '\\' || text[2] == '/'))
		sep = text[2];
	else if (text[0] == '\\' && text[1] == '\\')
		sep = '\\';
	else if (text[0] != '/' && !(text[0] == '.' && (text[1] == '/' || text[1] == '.')) && !(text[0] == '~' && text[1] == '/'))
		return false;
	for (int i = 0; i < len; i++)
	{
		slashes += text[i] == sep;
		letters += IS_ALPHA(text[i]);
		if ((unsigned char) text[i] < ' ' || strchr("<>|\"*?", text[i]) != NULL)
			return false;
	}
	return slashes >= 1 && letters > 0;
}

static bool
is_xml(const char *text, int len)
{
	return len > 6 && text[0] == '<' && (IS_ALPHA(text[1]) || text[1] == '?' || text[1] == '!') &&
		   (len >= SAMPLE_BYTES - 3 || text[len - 1] == '>');
}

static bool
is_cron(const char *text, int len)
{
	int fields = 1;
	bool special = false;

	for (int i = 0; i < len; i++)
	{
		if (text[i] == ' ')
		{
			if (i == 0 || text[i - 1] == ' ')
				return false;
			fields++;
		}
		else if (!IS_DIGIT(text[i]) && strchr("*/,-", text[i]) == NULL)
			return false;
		else
			special |= text[i] == '*';
	}
	return fields == 5 && special;
}

/* -- people and money -- */

static bool
is_phone_e164(const char *text, int len)
{
	int digits = 0;

	if (len < 8 || text[0] != '+' || text[1] == '0')
		return false;
	for (int i = 1; i < len; i++)
	{
		if (IS_DIGIT(text[i]))
			digits++;
		else if (strchr(" -.()/", text[i]) == NULL)
			return false;
	}
	return digits >= 7 && digits <= 15;
}

static bool
is_phone(const char *text, int len)
{
	int digits = 0;
	int marks = 0;

	for (int i = 0; i < len; i++)
	{
		if (IS_DIGIT(text[i]))
			digits++;
		else if (strchr(" -.()/+", text[i]) == NULL)
			return false;
		else
			marks++;
	}
	return digits >= 7 && digits <= 15 && marks > 0 && marks <= 6 && (text[0] == '0' || text[0] == '(' || text[0] == '+' || has_form(text, len, "999-999-9999") || has_form(text, len, "999.999.9999"));
}

static bool
is_bic(const char *text, int len)
{
	return (has_form(text, len, "AAAAAA**") || has_form(text, len, "AAAAAA*****")) && is_country2(text + 4, 2);
}

static bool
is_ein(const char *text, int len)
{
	return has_form(text, len, "99-9999999") && strncmp(text, "00", 2) != 0;
}

static bool
is_nino(const char *text, int len)
{
	char id[IDENTIFIER_BYTES];
	int n;

	return compacted(text, len, id, &n) && has_form(id, n, "AA999999A") && strchr("DFIQUV", id[0]) == NULL &&
		   strchr("DFIQUVO", id[1]) == NULL && id[8] <= 'D' &&
		   strncmp(id, "BG", 2) != 0 && strncmp(id, "GB", 2) != 0 && strncmp(id, "ZZ", 2) != 0;
}

static bool
is_pan(const char *text, int len)
{
	return has_form(text, len, "AAAAA9999A") && strchr("ABCFGHJLPT", text[3]) != NULL;
}

static bool
is_gstin(const char *text, int len)
{
	return len == 15 && IS_DIGIT(text[0]) && IS_DIGIT(text[1]) && is_pan(text + 2, 10) && text[13] == 'Z';
}

static bool
is_us_zip(const char *text, int len)
{
	return has_form(text, len, "99999") || has_form(text, len, "99999-9999");
}

static bool
is_zip4(const char *text, int len)
{
	return has_form(text, len, "99999-9999");
}

static bool
is_uk_postcode(const char *text, int len)
{
	return has_form(text, len, "A9 9AA") || has_form(text, len, "A99 9AA") || has_form(text, len, "AA9 9AA") ||
		   has_form(text, len, "AA99 9AA") || has_form(text, len, "A9A 9AA") || has_form(text, len, "AA9A 9AA");
}

static bool
is_ca_postcode(const char *text, int len)
{
	return (has_form(text, len, "A9A 9A9") || has_form(text, len, "A9A9A9")) && strchr("DFIOQUWZ", text[0]) == NULL;
}

static bool
is_postal_code(const char *text, int len)
{
	return has_form(text, len, "9999") || has_form(text, len, "99999") || has_form(text, len, "999999") ||
		   has_form(text, len, "99-999") || has_form(text, len, "999 99") || has_form(text, len, "9999 AA") ||
		   has_form(text, len, "9999-999") || has_form(text, len, "99999-999") || has_form(text, len, "999-9999");
}

static bool
is_iata_airport(const char *text, int len)
{
	return has_form(text, len, "AAA");
}

/* Digits with a currency sign or code before or behind */
static bool
is_money(const char *text, int len)
{
	static const char *const signs[] = {"$", "\342\202\254", "\302\243", "\302\245", "USD", "EUR", "GBP", "CHF", "JPY", "CAD", "AUD"};

	for (int i = 0; i < lengthof(signs); i++)
	{
		int n = (int) strlen(signs[i]);
		const char *number = NULL;
		int m = len - n;

		if (m < 1)
			continue;
		if (strncmp(text, signs[i], n) == 0)
			number = text + n;
		else if (text[0] == '-' && m > 1 && strncmp(text + 1, signs[i], n) == 0)
			number = text + n + 1, m--;
		else if (strncmp(text + m, signs[i], n) == 0)
			number = text;
		if (number == NULL)
			continue;
		while (m > 0 && *number == ' ')
			number++, m--;
		while (m > 0 && number[m - 1] == ' ')
			m--;
		for (int j = 0; j < m; j++)
		{
			if (!IS_DIGIT(number[j]) && strchr(".,' -", number[j]) == NULL)
				return false;
		}
		return m > 0 && IS_DIGIT(number[m - 1]);
	}
	return false;
}

static bool
is_percent(const char *text, int len)
{
	double value;

	if (len < 2 || text[len - 1] != '%')
		return false;
	len--;
	while (len > 0 && text[len - 1] == ' ')
		len--;
	return plain_number(text, len, false, &value);
}

/* 1,234,567.89 or 1.234.567,89, with accounting's parentheses perhaps */
static bool
is_grouped_number(const char *text, int len)
{
	char group = 0;
	int run = 0;
	int groups = 0;
	int i = 0;

	if (len > 2 && text[0] == '(' && text[len - 1] == ')')
	{
		text++;
		len -= 2;
	}
	else if (len > 1 && text[0] == '-')
	{
		text++;
		len--;
	}
	for (; i < len; i++)
	{
		if (IS_DIGIT(text[i]))
			run++;
		else if (text[i] == ',' || text[i] == '.' || text[i] == '\'')
		{
			if (group == 0 && run >= 1 && run <= 3)
				group = text[i];
			else if (text[i] != group)
				break;
			else if (run != 3)
				return false;
			run = 0;
			groups++;
		}
		else
			return false;
	}
	if (i < len)
	{
		/* the other sign, then decimals */
		if (run != 3 || group == 0 || len - i - 1 < 1)
			return false;
		return all_digits(text + i + 1, len - i - 1);
	}
	return groups > 1 && run == 3;
}

/* -- places and times -- */

static bool
is_latitude(const char *text, int len)
{
	double value;

	return plain_number(text, len, true, &value) && value >= -90 && value <= 90;
}

static bool
is_longitude(const char *text, int len)
{
	double value;

	return plain_number(text, len, true, &value) && value >= -180 && value <= 180;
}

static bool
is_coordinates(const char *text, int len)
{
	const char *comma;
	const char *second;

	if (len > 2 && text[0] == '(' && text[len - 1] == ')')
	{
		text++;
		len -= 2;
	}
	comma = memchr(text, ',', len);
	if (comma == NULL)
		return false;
	second = comma + 1;
	while (second < text + len && *second == ' ')
		second++;
	return is_latitude(text, (int) (comma - text)) && is_longitude(second, (int) (text + len - second));
}

static bool
is_wkt(const char *text, int len)
{
	static const char *const kinds[] = {"POINT", "LINESTRING", "POLYGON", "MULTIPOINT", "MULTIPOLYGON", "MULTILINESTRING", "GEOMETRYCOLLECTION"};

	for (int i = 0; i < lengthof(kinds); i++)
	{
		int n = (int) strlen(kinds[i]);

		if (len > n + 2 && strncmp(text, kinds[i], n) == 0 && (text[n] == '(' || text[n] == ' '))
			return true;
	}
	return false;
}

static bool
is_iso_duration(const char *text, int len)
{
	bool digit = false;

	if (len < 3 || text[0] != 'P')
		return false;
	for (int i = 1; i < len; i++)
	{
		if (IS_DIGIT(text[i]) || text[i] == '.')
			digit = true;
		else if (strchr("YMWDTHS", text[i]) == NULL || (text[i] != 'T' && !IS_DIGIT(text[i - 1])))
			return false;
	}
	return digit && !IS_DIGIT(text[len - 1]);
}

static bool
is_year(const char *text, int len)
{
	return len == 4 && all_digits(text, 4) && digits_value(text, 4) >= 1900 && digits_value(text, 4) <= 2100;
}

/* 2024-03, 202403, 2024-Q1, Q1 2024, Mar 2024 */
static bool
is_period(const char *text, int len)
{
	if (has_form(text, len, "9999-99") || has_form(text, len, "9999/99"))
		return is_year(text, 4) && digits_value(text + 5, 2) >= 1 && digits_value(text + 5, 2) <= 12;
	if (has_form(text, len, "999999"))
		return is_year(text, 4) && digits_value(text + 4, 2) >= 1 && digits_value(text + 4, 2) <= 12;
	if (has_form(text, len, "9999-Q9") || has_form(text, len, "9999Q9") || has_form(text, len, "9999 Q9"))
		return is_year(text, 4) && text[len - 1] >= '1' && text[len - 1] <= '4';
	if (has_form(text, len, "Q9 9999"))
		return is_year(text + 3, 4) && text[1] >= '1' && text[1] <= '4';
	return has_form(text, len, "xxx 9999") && is_month_name(text, 3) && is_year(text + 4, 4);
}

/* Seconds or milliseconds since 1970, between 2001 and 2100 */
static bool
is_epoch(const char *text, int len)
{
	return (len == 10 || len == 13) && all_digits(text, len) && digits_value(text, 2) >= 10 && digits_value(text, 2) < 42;
}

static bool
is_geojson(const char *text, int len)
{
	return len > 20 && text[0] == '{' && strstr(text, "\"type\"") != NULL &&
		   (strstr(text, "\"coordinates\"") != NULL || strstr(text, "\"Feature") != NULL);
}

/* -- the list: the first that fits is taken -- */

const SemanticType semantic_types[] = {
	{"email", is_email, 12, 5, NULL, "e-mail address"},
	{"jwt", is_jwt, 30, 2, NULL, "JSON Web Token"},
	{"url", is_url, 16, 5, NULL, "URL with its scheme"},
	{"uuid", is_uuid, 30, 2, NULL, "UUID, in any version"},
	{"mac_address", is_mac, 16, 3, NULL, "MAC address"},
	{"cidr", is_cidr, 10, 5, NULL, "network in CIDR notation"},
	{"ipv4", is_ipv4, 8, 5, NULL, "IPv4 address"},
	{"ipv6", is_ipv6, 10, 5, NULL, "IPv6 address"},
	{"ip_address", is_ip, 8, 5, NULL, "IPv4 or IPv6 address"},
	{"iban", is_iban, 12, 5, NULL, "IBAN: length of its country, modulo 97"},
	{"sepa_creditor", is_sepa_creditor, 6.6, 10, "!creditor,sepa,glaubiger", "SEPA creditor identifier: modulo 97"},
	{"eu_vat", is_eu_vat, 6, 5, NULL, "VAT number of an EU country, each with its own check"},
	{"swiss_uid", is_ch_uid, 6, 5, NULL, "Swiss company number: modulo 11"},
	{"lei", is_lei, 6.6, 5, NULL, "legal entity identifier: modulo 97"},
	{"isin", is_isin, 5, 8, NULL, "ISIN: Luhn over letters as numbers"},
	{"vin", is_vin, 5, 8, NULL, "vehicle identification number with its check digit"},
	{"italian_tax_code", is_codice_fiscale, 5, 8, NULL, "codice fiscale"},
	{"credit_card", is_credit_card, 4.5, 8, NULL, "payment card: known prefix and length, Luhn"},
	{"isbn13", is_isbn13, 5, 8, NULL, "ISBN-13"},
	{"swiss_ahv", is_ahv, 10, 5, NULL, "Swiss AHV number"},
	{"issn", is_issn, 3.4, 9, NULL, "ISSN: modulo 11"},
	{"br_cnpj", is_cnpj, 6.6, 5, NULL, "Brazilian company number"},
	{"br_cpf", is_cpf, 6.6, 5, NULL, "Brazilian person number"},
	{"fr_siret", is_siret, 6.6, 5, NULL, "French establishment number: Luhn, twice"},
	{"gtin14", is_gtin14, 3.3, 10, NULL, "GTIN-14"},
	{"sscc", is_sscc, 3.3, 10, NULL, "serial shipping container code"},
	{"imei", is_imei, 3.3, 10, NULL, "IMEI: Luhn over 15 digits"},
	{"ean13", is_ean13, 3.3, 10, NULL, "EAN-13"},
	{"upc_a", is_upc, 3.3, 10, NULL, "UPC-A"},
	{"in_gstin", is_gstin, 8, 5, NULL, "Indian GST number"},
	{"in_pan", is_pan, 4, 8, NULL, "Indian PAN"},
	{"aadhaar", is_aadhaar, 3.3, 10, NULL, "Indian Aadhaar: Verhoeff"},
	{"au_abn", is_abn, 6.5, 5, NULL, "Australian business number: modulo 89"},
	{"pl_pesel", is_pesel, 5, 8, NULL, "Polish PESEL: birthday and modulo 10"},
	{"de_tax_id", is_steuer_id, 5, 8, NULL, "German tax number of a person"},
	{"se_personnummer", is_personnummer, 5, 8, NULL, "Swedish person number: birthday and Luhn"},
	{"uk_nino", is_nino, 6, 5, NULL, "UK national insurance number"},
	{"es_nif", is_dni, 4.5, 8, NULL, "Spanish DNI or NIE: modulo 23"},
	{"us_ssn", is_ssn, 4, 8, NULL, "US social security number, with its dashes"},
	{"us_ein", is_ein, 4, 8, "!ein,employer,tax,fein", "US employer number, with its dash"},
	{"us_npi", is_npi, 4.3, 10, NULL, "US national provider identifier"},
	{"uk_nhs", is_nhs, 3.5, 10, NULL, "UK NHS number: modulo 11"},
	{"isbn10", is_isbn10, 3.4, 10, NULL, "ISBN-10: modulo 11"},
	{"us_routing_number", is_aba, 5, 8, NULL, "US bank routing number (ABA)"},
	{"nl_bsn", is_bsn, 3.5, 10, "!bsn,sofi,burger", "Dutch BSN: modulo 11"},
	{"fr_siren", is_siren, 3.3, 10, "!siren", "French company number: Luhn"},
	{"ca_sin", is_sin, 3.3, 10, NULL, "Canadian social insurance number: Luhn"},
	{"cusip", is_cusip, 3.3, 10, NULL, "CUSIP"},
	{"ean8", is_ean8, 3.3, 10, NULL, "EAN-8"},
	{"sedol", is_sedol, 3.3, 10, NULL, "SEDOL"},
	{"bic", is_bic, 4, 8, NULL, "BIC (SWIFT code): form and country"},
	{"geojson", is_geojson, 20, 3, NULL, "GeoJSON"},
	{"json", is_json_document, 12, 3, NULL, "JSON object or array"},
	{"xml", is_xml, 12, 3, NULL, "XML or HTML"},
	{"wkt", is_wkt, 20, 3, NULL, "well-known text of a geometry"},
	{"sha256", is_sha256, 30, 2, NULL, "SHA-256 digest in hex"},
	{"sha1", is_sha1, 30, 2, NULL, "SHA-1 digest in hex"},
	{"md5", is_md5, 30, 2, NULL, "MD5 digest in hex"},
	{"hex_color", is_hex_color, 10, 3, NULL, "colour as #rrggbb"},
	{"coordinates", is_coordinates, 10, 5, NULL, "latitude and longitude"},
	{"timestamp", is_timestamp_text, 12, 5, NULL, "date and time as text"},
	{"date", is_date_text, 6, 5, NULL, "date as text"},
	{"iso_duration", is_iso_duration, 8, 4, NULL, "ISO 8601 duration"},
	{"period", is_period, 5, 6, NULL, "accounting period: month or quarter of a year"},
	{"percent", is_percent, 8, 5, NULL, "percentage with its sign"},
	{"money", is_money, 8, 5, NULL, "amount with its currency"},
	{"grouped_number", is_grouped_number, 5, 8, NULL, "number with thousands separators"},
	{"phone_e164", is_phone_e164, 8, 5, NULL, "phone number with its country"},
	{"phone", is_phone, 4, 8, NULL, "national phone number"},
	{"mime_type", is_mime_type, 12, 3, NULL, "MIME type"},
	{"semantic_version", is_semver, 6, 5, NULL, "semantic version"},
	{"time_zone", is_time_zone, 16, 3, NULL, "IANA time zone"},
	{"language_tag", is_language_tag, 8, 4, NULL, "BCP 47 language tag"},
	{"cron", is_cron, 8, 4, NULL, "cron schedule"},
	{"file_path", is_file_path, 6, 5, NULL, "path of a file"},
	{"domain", is_domain, 6, 5, NULL, "domain name"},
	{"uk_postcode", is_uk_postcode, 6, 5, NULL, "UK postcode"},
	{"ca_postcode", is_ca_postcode, 6, 5, NULL, "Canadian postal code"},
	{"us_zip4", is_zip4, 6, 5, NULL, "US ZIP+4 code"},
	{"currency_code", is_currency, 6.6, 3, "curr,ccy", "ISO 4217 currency code"},
	{"us_state", is_us_state, 3.5, 3, "state,province,region", "US state"},
	{"country_code", is_country2, 1.4, 3, "country,nation,land,ctry", "ISO 3166 alpha-2 country code"},
	{"country_code3", is_country3, 6, 3, "country,nation,land,ctry", "ISO 3166 alpha-3 country code"},
	{"language_code", is_language, 1.9, 3, "lang,locale", "ISO 639-1 language code"},
	{"iata_airport", is_iata_airport, 3, 3, "!iata,airport", "IATA airport code"},
	{"us_zip", is_us_zip, 3, 3, "!zip", "US ZIP code"},
	{"postal_code", is_postal_code, 3, 3, "!post,plz,zip,cap", "postal code"},
	{"latitude", is_latitude, 3, 3, "!lat", "latitude in degrees"},
	{"longitude", is_longitude, 3, 3, "!lon,lng", "longitude in degrees"},
	{"year", is_year, 5, 3, "!year,jahr,annee,anno", "year"},
	{"epoch", is_epoch, 3, 5, "!epoch,time,stamp,_at,date", "seconds or milliseconds since 1970"},
	{"base64", is_base64, 8, 5, NULL, "base64"},
	{"boolean", is_boolean_text, 8, 2, NULL, "yes and no, in words or letters"},
};

const int semantic_ntypes = lengthof(semantic_types);

const SemanticType *
semantic_find(const char *name)
{
	for (int i = 0; i < semantic_ntypes; i++)
	{
		if (strcmp(semantic_types[i].name, name) == 0)
			return &semantic_types[i];
	}
	return NULL;
}

/* Is one of the words in the column's name? */
static bool
hinted(const char *hints, const char *column)
{
	char lower[NAMEDATALEN * 4];
	char words[128];
	char *word;
	char *rest = words;
	int i = 0;

	if (hints == NULL || column == NULL)
		return false;
	for (; i < sizeof(lower) - 1 && column[i]; i++)
		lower[i] = pg_tolower((unsigned char) column[i]);
	lower[i] = '\0';
	strlcpy(words, hints[0] == '!' ? hints + 1 : hints, sizeof(words));
	while ((word = strsep(&rest, ",")) != NULL)
	{
		if (strstr(lower, word) != NULL)
			return true;
	}
	return false;
}

/* Evidence that a type would need */
static bool
convincing(const SemanticType *type, const char *column, int fitting)
{
	double needed = SEMANTIC_BITS;
	int distinct = type->distinct;

	if (hinted(type->hints, column))
		needed = 0;
	else if (type->hints != NULL)
	{
		if (type->hints[0] == '!')
			return false;
		distinct = 10;
	}
	return fitting >= distinct && type->bits * fitting >= needed;
}

/* The meaning of the sampled values, if there is one */
bool
semantic_guess(Sketch *s, const char *column, SemanticGuess *guess)
{
	Sample *sample;
	int n = 0;

	guess->type = NULL;
	if (s->type.class != CLASS_TEXT && s->type.class != CLASS_INTEGER && s->type.class != CLASS_NUMERIC &&
		s->type.class != CLASS_FLOAT && s->type.class != CLASS_OTHER)
		return false;
	sample = sketch_sample(s);
	for (int i = 0; i < Min(sample->n, SAMPLE_VALUES); i++)
		n += sample->items[i].value != NULL && sample->items[i].len > 0;
	guess->checked = n;
	for (int t = 0; t < semantic_ntypes && n > 0; t++)
	{
		const SemanticType *type = &semantic_types[t];
		int fitting = 0;
		int misses = 0;

		for (int i = 0; i < Min(sample->n, SAMPLE_VALUES) && misses <= n * (1 - SEMANTIC_SHARE); i++)
		{
			Sampled *item = &sample->items[i];

			if (item->value == NULL || item->len == 0)
				continue;
			if (type->fits(item->value, item->len))
				fitting++;
			else
				misses++;
		}
		if (fitting > n * SEMANTIC_SHARE && convincing(type, column, fitting))
		{
			guess->type = type;
			guess->share = (double) fitting / n;
			return true;
		}
	}
	return false;
}
