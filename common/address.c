/*
 * address.c
 *		Addresses as they are sent, for those who sign them.
 */
#include "postgres.h"

#include "common/address.h"
#include "common/curl_compat.h"
#include "mb/pg_wchar.h"

static void
no_memory(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_OUT_OF_MEMORY),
			 errmsg("out of memory"),
			 errdetail("Failed to allocate memory for an address.")));
}

/* A part of an address, palloc'd; NULL if it has none */
static char *
address_part(CURLU *url, CURLUPart part, unsigned flags)
{
	char *found = NULL;
	char *text = NULL;
	CURLUcode rc = curl_url_get(url, part, &found, flags);

	if (rc == CURLUE_OUT_OF_MEMORY)
	{
		curl_url_cleanup(url);
		no_memory();
	}
	if (rc == CURLUE_OK)
		text = pstrdup(found);
	curl_free(found);
	return text;
}

/*
 * An https address as libcurl will send it, for those who sign it: 127.1 is
 * 127.0.0.1 on the wire, and port 443 is not named there.  NULL if it is none, or
 * has more than host, port and path.
 */
char *
address_as_sent(const char *text)
{
	CURLU *url = curl_url();
	CURLUcode rc = url ? curl_url_set(url, CURLUPART_URL, text, CURLU_DISALLOW_USER) : CURLUE_OUT_OF_MEMORY;
	char *address = NULL;

	if (rc == CURLUE_OUT_OF_MEMORY)
	{
		curl_url_cleanup(url);
		no_memory();
	}
	if (rc == CURLUE_OK && strcmp(address_part(url, CURLUPART_SCHEME, 0), "https") == 0 &&
		address_part(url, CURLUPART_QUERY, 0) == NULL && address_part(url, CURLUPART_FRAGMENT, 0) == NULL)
	{
		char *host = address_part(url, CURLUPART_HOST, 0);
		char *port = address_part(url, CURLUPART_PORT, CURLU_NO_DEFAULT_PORT);
		char *path = address_part(url, CURLUPART_PATH, 0);

		for (char *p = host; *p; p++)
			*p = pg_ascii_tolower((unsigned char) *p);
		for (int len = strlen(path); len > 0 && path[len - 1] == '/'; len--)
			path[len - 1] = '\0';
		address = psprintf("https://%s%s%s%s", host, port ? ":" : "", port ? port : "", path);
	}
	curl_url_cleanup(url);
	return address;
}

/* Percent-encode as RFC 3986 says, in UTF-8 */
char *
address_escape(const char *text)
{
	static const char hex[] = "0123456789ABCDEF";
	char *result;
	char *out;

	text = pg_server_to_any(text, strlen(text), PG_UTF8);
	result = out = palloc(strlen(text) * 3 + 1);

	for (const unsigned char *p = (const unsigned char *) text; *p; p++)
	{
		if ((*p >= 'A' && *p <= 'Z') || (*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9') ||
			*p == '-' || *p == '.' || *p == '_' || *p == '~')
			*out++ = *p;
		else
		{
			*out++ = '%';
			*out++ = hex[*p >> 4];
			*out++ = hex[*p & 15];
		}
	}
	*out = '\0';
	return result;
}
