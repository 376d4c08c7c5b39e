/*
 * curl_compat.h
 *		libcurl from 7.76 on, which RHEL 9 has, from one source: the only door to its header.
 *
 * What is younger than 7.76 is used behind the CURL_HAS_ that stands for it
 * here; http_way.c has what is done without.  make CURL_KNOWN=0x074c00 builds as
 * with 7.76 (0x075100: 7.81), whatever is installed, and names that such a one
 * does not have are errors: make lint and make check-curl do so.
 */
#ifndef COMMON_CURL_COMPAT_H
#define COMMON_CURL_COMPAT_H

#ifdef CURL_KNOWN
/* what it advises against, a newer one says, is what the older one has */
#define CURL_DISABLE_DEPRECATION
#endif
#include <curl/curl.h>
#include <string.h>

#ifndef CURL_KNOWN
#define CURL_KNOWN LIBCURL_VERSION_NUM
#else
#if CURL_KNOWN < 0x075000
#pragma GCC poison CURLOPT_PREREQDATA CURLOPT_PREREQFUNCTION CURLOPT_MAXLIFETIME_CONN CURLOPT_CAINFO_BLOB
#pragma GCC poison curl_url_strerror
#endif
#if CURL_KNOWN < 0x075500
#pragma GCC poison CURLOPT_PROTOCOLS_STR CURLOPT_REDIR_PROTOCOLS_STR CURLOPT_MIME_OPTIONS
#pragma GCC poison CURLE_UNRECOVERABLE_POLL CURLINFO_CAINFO CURLINFO_CAPATH curl_easy_header curl_easy_nextheader
#endif
#if CURL_KNOWN < 0x075700
#pragma GCC poison CURLOPT_CA_CACHE_TIMEOUT CURLOPT_QUICK_EXIT CURLOPT_WS_OPTIONS curl_ws_recv curl_ws_send
#endif
#pragma GCC poison CURLINFO_CONN_ID CURLINFO_XFER_ID CURLINFO_QUEUE_TIME_T CURLINFO_USED_PROXY
#pragma GCC poison CURLINFO_POSTTRANSFER_TIME_T CURLOPT_SERVER_RESPONSE_TIMEOUT_MS CURLOPT_TCP_KEEPCNT
#pragma GCC poison CURLOPT_UPLOAD_FLAGS curl_multi_get_handles curl_multi_waitfds
#endif

#if defined(LIBCURL_VERSION_NUM) && LIBCURL_VERSION_NUM < 0x074a00
#error "libcurl 7.74 or newer is needed"
#endif

/* CURLOPT_PREREQFUNCTION: a word before a request leaves */
#define CURL_HAS_PREREQ (CURL_KNOWN >= 0x075000)
/* CURLOPT_PROTOCOLS_STR, in place of CURLOPT_PROTOCOLS, which is deprecated since */
#define CURL_HAS_PROTOCOLS_STR (CURL_KNOWN >= 0x075500)
/* CURLOPT_CA_CACHE_TIMEOUT: how long authorities are kept; those before keep none, and read the file each time */
#define CURL_HAS_CA_CACHE (CURL_KNOWN >= 0x075700)
/* CURLOPT_QUICK_EXIT: a request that is dropped does not wait for its resolver's thread */
#define CURL_HAS_QUICK_EXIT (CURL_KNOWN >= 0x075700)

/* The protocols that a handle speaks, by commas, and no others */
static inline CURLcode
curl_speak_only(CURL *easy, const char *protocols)
{
#if CURL_HAS_PROTOCOLS_STR
	return curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, protocols);
#else
	static const struct
	{
		const char *name;
		long bit;
	} known[] = {
		{"http", CURLPROTO_HTTP}, {"https", CURLPROTO_HTTPS}, {"smtp", CURLPROTO_SMTP}, {"smtps", CURLPROTO_SMTPS}};
	long bits = 0;

	while (*protocols)
	{
		size_t n = strcspn(protocols, ",");
		long bit = 0;

		for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
			if (strlen(known[i].name) == n && strncmp(known[i].name, protocols, n) == 0)
				bit = known[i].bit;
		if (bit == 0)
			return CURLE_UNSUPPORTED_PROTOCOL;
		bits |= bit;
		protocols += protocols[n] == ',' ? n + 1 : n;
	}
	/* no bit would mean every protocol */
	return bits ? curl_easy_setopt(easy, CURLOPT_PROTOCOLS, bits) : CURLE_UNSUPPORTED_PROTOCOL;
#endif
}

#endif /* COMMON_CURL_COMPAT_H */
