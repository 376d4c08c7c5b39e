/*
 * address.c
 *		Where nothing may be sent to: addresses that lead back into this network.
 */
#include "postgres.h"

#include <arpa/inet.h>
#include <netdb.h>

#include "common/network.h"
#include "ingest_delivery/address.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/varlena.h"

typedef struct Networks
{
	int n;
	Network v[FLEXIBLE_ARRAY_MEMBER];
} Networks;

static char *allow_networks = NULL; /* ingest_delivery.allow_networks */
static Networks *allowed = NULL;

const char *
address_forbidden(const struct sockaddr *address)
{
	return network_forbidden(address, allowed ? allowed->v : NULL, allowed ? allowed->n : 0);
}

/* getaddrinfo reads what libcurl and others do: a number, hexadecimal and octal parts, fewer than four of them */
const char *
address_of_host_forbidden(const char *host)
{
	struct addrinfo hints = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM};
	struct addrinfo *found = NULL;
	char bare[NI_MAXHOST];
	const char *rule = NULL;
	size_t n = strlen(host);

	strlcpy(bare, host[0] == '[' ? host + 1 : host, sizeof(bare));
	if (host[0] == '[' && n > 2 && n < sizeof(bare))
		bare[n - 2] = '\0';
	/* with or without the dot at the end of a name that is whole */
	else if (n > 1 && n < sizeof(bare) && host[n - 1] == '.')
		bare[n - 1] = '\0';
	if (getaddrinfo(bare, NULL, &hints, &found) != 0)
		return NULL;
	for (struct addrinfo *a = found; a && rule == NULL; a = a->ai_next)
		rule = address_forbidden(a->ai_addr);
	freeaddrinfo(found);
	return rule;
}

const char *
address_allowed(void)
{
	static char *text = NULL;
	static Networks *written = NULL;
	StringInfoData out;

	if (text && written == allowed)
		return text;
	initStringInfo(&out);
	for (int i = 0; allowed && i < allowed->n; i++)
	{
		char address[INET6_ADDRSTRLEN];

		inet_ntop(AF_INET6, allowed->v[i].address, address, sizeof(address));
		appendStringInfo(&out, "%s%s/%d", i == 0 ? "" : ",", address, allowed->v[i].bits);
	}
	if (text)
		pfree(text);
	text = MemoryContextStrdup(TopMemoryContext, out.data);
	written = allowed;
	return text;
}

/* -- the setting -- */

/* What goes with a setting's value */
#if PG_VERSION_NUM >= 160000
#define setting_alloc(size) guc_malloc(LOG, size)
#define setting_free(p) guc_free(p)
#else
#define setting_alloc(size) malloc(size)
#define setting_free(p) free(p)
#endif

static bool
check_networks(char **value, void **extra, GucSource source)
{
	char *copy = pstrdup(*value);
	List *items = NIL;
	ListCell *lc;
	Networks *networks;

	if (!SplitIdentifierString(copy, ',', &items))
	{
		GUC_check_errdetail("It must be a list of networks such as 10.1.0.0/16, separated by commas.");
		return false;
	}
	networks = setting_alloc(offsetof(Networks, v) + sizeof(Network) * Max(list_length(items), 1));
	if (networks == NULL)
		return false;
	networks->n = 0;
	foreach (lc, items)
	{
		if (!network_of(lfirst(lc), &networks->v[networks->n++]))
		{
			GUC_check_errdetail("\"%s\" is not a network such as 10.1.0.0/16 or fd00::/8.", (char *) lfirst(lc));
			setting_free(networks);
			return false;
		}
	}
	*extra = networks;
	return true;
}

static void
assign_networks(const char *value, void *extra)
{
	allowed = extra;
}

void
address_settings(void)
{
	DefineCustomStringVariable("ingest_delivery.allow_networks", "Networks that sinks may be in although they are private or of this machine.",
							   "A list such as 10.1.0.0/16, fd00::/8.", &allow_networks, "", PGC_SUSET, 0, check_networks, assign_networks, NULL);
}
