/*
 * webhook_peer.c
 *		What the bench "webhook" is measured against: libcurl alone, which sends the same signed bodies.
 *
 * webhook_peer URL REQUESTS CONNECTIONS BYTES: prints seconds, seconds of CPU.
 */
#include <curl/curl.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

typedef struct One
{
	CURL *easy;
	struct curl_slist *headers;
	char *text; /* id.timestamp.body */
} One;

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

/* Signed anew each time, as a worker has to */
static void
send_one(CURLM *multi, One *one, long id, size_t bytes)
{
	unsigned char digest[32], encoded[64];
	char line[200];
	unsigned int n;
	long stamp = (long) time(NULL);
	int head = snprintf(one->text, 64, "1-%ld.%ld.", id, stamp);

	memset(one->text + head, 'x', bytes);
	HMAC(EVP_sha256(), "012345678901234567890123", 24, (unsigned char *) one->text, head + bytes, digest, &n);
	EVP_EncodeBlock(encoded, digest, 32);
	curl_slist_free_all(one->headers);
	one->headers = curl_slist_append(NULL, "content-type: application/cloudevents+json");
	one->headers = curl_slist_append(one->headers, "Expect:");
	snprintf(line, sizeof(line), "webhook-id: 1-%ld", id);
	one->headers = curl_slist_append(one->headers, line);
	snprintf(line, sizeof(line), "webhook-timestamp: %ld", stamp);
	one->headers = curl_slist_append(one->headers, line);
	snprintf(line, sizeof(line), "webhook-signature: v1,%s", encoded);
	one->headers = curl_slist_append(one->headers, line);
	curl_easy_setopt(one->easy, CURLOPT_HTTPHEADER, one->headers);
	curl_easy_setopt(one->easy, CURLOPT_POSTFIELDS, one->text + head);
	curl_easy_setopt(one->easy, CURLOPT_POSTFIELDSIZE, (long) bytes);
	curl_multi_add_handle(multi, one->easy);
}

int
main(int argc, char **argv)
{
	long requests = atol(argv[2]), sent = 0, done = 0;
	int connections = atoi(argv[3]), running, left;
	size_t bytes = atol(argv[4]);
	CURLM *multi = curl_multi_init();
	double began = now();
	struct rusage used;
	CURLMsg *msg;

	for (int i = 0; i < connections && sent < requests; i++)
	{
		One *one = calloc(1, sizeof(One));

		one->easy = curl_easy_init();
		one->text = malloc(bytes + 64);
		curl_easy_setopt(one->easy, CURLOPT_URL, argv[1]);
		curl_easy_setopt(one->easy, CURLOPT_PRIVATE, one);
		send_one(multi, one, ++sent, bytes);
	}
	while (done < requests)
	{
		curl_multi_perform(multi, &running);
		while ((msg = curl_multi_info_read(multi, &left)) != NULL)
		{
			One *one;
			long status = 0;

			curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, (char **) &one);
			curl_easy_getinfo(msg->easy_handle, CURLINFO_RESPONSE_CODE, &status);
			if (msg->data.result != CURLE_OK || status != 204)
				return 1;
			curl_multi_remove_handle(multi, one->easy);
			done++;
			if (sent < requests)
				send_one(multi, one, ++sent, bytes);
		}
		curl_multi_poll(multi, NULL, 0, 100, NULL);
	}
	getrusage(RUSAGE_SELF, &used);
	printf("%.4f %.4f\n", now() - began, used.ru_utime.tv_sec + used.ru_stime.tv_sec + (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6);
	return 0;
}
