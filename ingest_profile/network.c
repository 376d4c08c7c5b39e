/*
 * network.c
 *		Names and addresses of networks, digests, tokens, versions, paths and documents.
 */
#include "postgres.h"

#include "ingest_profile/checksum.h"
#include "ingest_profile/closed.h"
#include "ingest_profile/hidden.h"
#include "ingest_profile/network.h"
#include "ingest_profile/sample.h"

#define IS_DIGIT(c) ((c) >= '0' && (c) <= '9')
#define IS_ALPHA(c) (((c) >= 'A' && (c) <= 'Z') || ((c) >= 'a' && (c) <= 'z'))
#define IS_ALNUM(c) (IS_DIGIT(c) || IS_ALPHA(c))
#define IS_HEX(c) (IS_DIGIT(c) || ((c) >= 'a' && (c) <= 'f') || ((c) >= 'A' && (c) <= 'F'))

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

/* Labels of a name, and where the last one begins; NULL if they are none */
static const char *
last_label(const char *text, int len)
{
	int label = 0;
	const char *last = text;

	if (len < 4 || len > 253)
		return NULL;
	for (int i = 0; i < len; i++)
	{
		if (text[i] == '.')
		{
			if (label == 0 || text[i - 1] == '-')
				return NULL;
			label = 0;
			last = text + i + 1;
		}
		else if (IS_ALNUM(text[i]) || (text[i] == '-' && label > 0) || (unsigned char) text[i] >= 128)
			label++;
		else
			return NULL;
		if (label > 63)
			return NULL;
	}
	return last > text && label > 1 ? last : NULL;
}

bool
is_domain(const char *text, int len)
{
	const char *last = last_label(text, len);

	return last != NULL && is_top_domain(last, (int) (text + len - last));
}

/* In a column that is called so: of top-level domains there are too many to list */
bool
is_domain_in_column(const char *text, int len)
{
	const char *last = last_label(text, len);

	for (const char *p = last; p != NULL && p < text + len; p++)
	{
		if (IS_DIGIT(*p) || (*p == '-' && strncmp(last, "xn--", 4) != 0))
			return false;
	}
	return last != NULL;
}

bool
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

/* www.example.com/a, as people write URLs */
static bool
is_domain_and_path(const char *text, int len)
{
	const char *slash = memchr(text, '/', len);

	return is_domain(text, slash ? (int) (slash - text) : len) && memchr(text, ' ', len) == NULL;
}

bool
is_url(const char *text, int len)
{
	static const char *const schemes[] = {"http://", "https://", "ftp://", "ftps://", "sftp://", "s3://", "file://", "ws://", "wss://"};

	for (int i = 0; i < lengthof(schemes); i++)
	{
		int n = (int) strlen(schemes[i]);

		if (len > n && pg_strncasecmp(text, schemes[i], n) == 0)
			return memchr(text, ' ', len) == NULL && (IS_ALNUM(text[n]) || text[n] == '[' || text[n] == '/' || (unsigned char) text[n] >= 128);
	}
	if (len > 4 && pg_strncasecmp(text, "www.", 4) == 0)
		return is_domain_and_path(text, len);
	return false;
}

/* In a column that is called so */
bool
is_url_or_domain(const char *text, int len)
{
	return is_url(text, len) || is_domain_and_path(text, len);
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

bool
is_ipv4(const char *text, int len)
{
	return len >= 7 && ipv4_bytes(text, len) == len;
}

bool
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

bool
is_ip(const char *text, int len)
{
	return is_ipv4(text, len) || is_ipv6(text, len);
}

bool
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

bool
is_mac(const char *text, int len)
{
	return has_form(text, len, "hh:hh:hh:hh:hh:hh") || has_form(text, len, "hh-hh-hh-hh-hh-hh") ||
		   has_form(text, len, "hhhh.hhhh.hhhh");
}

bool
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

bool
is_jwt(const char *text, int len)
{
	/* a value is kept by its beginning only: two parts are enough to see */
	return len > 20 && strncmp(text, "eyJ", 3) == 0 && memchr(text, '.', len) != NULL && base64_bytes(text, len, "-_.");
}

bool
is_md5(const char *text, int len)
{
	return len == 32 && all_hex(text, len);
}

bool
is_sha1(const char *text, int len)
{
	return len == 40 && all_hex(text, len);
}

bool
is_sha256(const char *text, int len)
{
	return len == 64 && all_hex(text, len);
}

bool
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

bool
is_hex_color(const char *text, int len)
{
	return has_form(text, len, "#hhhhhh") || has_form(text, len, "#hhh") || has_form(text, len, "#hhhhhhhh");
}

bool
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

bool
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

bool
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

bool
is_xml(const char *text, int len)
{
	return len > 6 && text[0] == '<' && (IS_ALPHA(text[1]) || text[1] == '?' || text[1] == '!') &&
		   (len >= SAMPLE_BYTES - 3 || text[len - 1] == '>');
}

/* A month or a day of the week, in the words of cron; or L, W and #, in Quartz's */
static int
cron_word(const char *text, int len)
{
	static const char names[] = "JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDECMONTUEWEDTHUFRISATSUN";

	for (int i = 0; i < (int) sizeof(names) - 1 && len >= 3; i += 3)
	{
		if (pg_strncasecmp(text, names + i, 3) == 0)
			return 3;
	}
	return text[0] == 'L' || text[0] == 'W' || text[0] == '#' ? 1 : 0;
}

/* Five fields, or six or seven with seconds and year; something in it is any, or every so many */
bool
is_cron(const char *text, int len)
{
	int fields = 1;
	bool special = false;

	for (int i = 0; i < len; i++)
	{
		int word;

		if (text[i] == ' ')
		{
			if (i == 0 || text[i - 1] == ' ')
				return false;
			fields++;
		}
		else if (IS_DIGIT(text[i]) || strchr("*?/,-", text[i]) != NULL)
			special |= text[i] == '*' || text[i] == '?';
		else if ((word = cron_word(text + i, len - i)) > 0)
			i += word - 1;
		else
			return false;
	}
	return fields >= 5 && fields <= 7 && special;
}
