/*
 * network.c
 *		Networks that nothing is sent to unless somebody allows it.
 */
#include "common/network.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#define V4(a, b, c, d, bits, rule) \
	{ \
		{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d}, 96 + (bits), rule \
	}
#define COUNT(array) ((int) (sizeof(array) / sizeof((array)[0])))

static const Network forbidden_v4[] = {
	V4(0, 0, 0, 0, 8, "0.0.0.0/8 is this network"),
	V4(10, 0, 0, 0, 8, "10.0.0.0/8 is private"),
	V4(100, 64, 0, 0, 10, "100.64.0.0/10 is shared within a provider"),
	V4(127, 0, 0, 0, 8, "127.0.0.0/8 is loopback"),
	V4(169, 254, 0, 0, 16, "169.254.0.0/16 is link-local"),
	V4(172, 16, 0, 0, 12, "172.16.0.0/12 is private"),
	V4(192, 0, 0, 0, 24, "192.0.0.0/24 is reserved"),
	V4(192, 0, 2, 0, 24, "192.0.2.0/24 is for documents"),
	V4(192, 88, 99, 0, 24, "192.88.99.0/24 is a relay"),
	V4(192, 168, 0, 0, 16, "192.168.0.0/16 is private"),
	V4(198, 18, 0, 0, 15, "198.18.0.0/15 is for measurements"),
	V4(198, 51, 100, 0, 24, "198.51.100.0/24 is for documents"),
	V4(203, 0, 113, 0, 24, "203.0.113.0/24 is for documents"),
	V4(224, 0, 0, 0, 4, "224.0.0.0/4 is multicast"),
	V4(240, 0, 0, 0, 4, "240.0.0.0/4 is reserved"),
};

/* The most special first */
static const Network forbidden_v6[] = {
	{{0}, 128, ":: is no address"},
	{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 128, "::1 is loopback"},
	{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 96, "::ffff:0:0/96 is IPv4 in another form"},
	{{0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 96, "::ffff:0:0:0/96 is IPv4 in another form"},
	{{0}, 96, "::/96 is IPv4 in another form"},
	{{0, 0x64, 0xff, 0x9b}, 96, "64:ff9b::/96 is IPv4 in another form"},
	{{0, 0x64, 0xff, 0x9b, 0, 1}, 48, "64:ff9b:1::/48 is IPv4 in another form"},
	{{0x01}, 64, "100::/64 is thrown away"},
	{{0x20, 0x01}, 32, "2001::/32 is IPv4 in another form"},
	{{0x20, 0x01}, 23, "2001::/23 is reserved"},
	{{0x20, 0x01, 0x0d, 0xb8}, 32, "2001:db8::/32 is for documents"},
	{{0x20, 0x02}, 16, "2002::/16 is IPv4 in another form"},
	{{0x3f, 0xff}, 20, "3fff::/20 is for documents"},
	{{0x5f, 0x00}, 16, "5f00::/16 is within a network"},
	{{0xfc}, 7, "fc00::/7 is unique-local"},
	{{0xfe, 0x80}, 10, "fe80::/10 is link-local"},
	{{0xfe, 0xc0}, 10, "fec0::/10 is site-local"},
	{{0xff}, 8, "ff00::/8 is multicast"},
};

static bool
is_in(const unsigned char *address, const Network *network)
{
	int bytes = network->bits / 8;
	int rest = network->bits % 8;

	if (memcmp(address, network->address, bytes) != 0)
		return false;
	return rest == 0 || ((address[bytes] ^ network->address[bytes]) >> (8 - rest)) == 0;
}

static const char *
rule_of(const unsigned char *address, const Network *networks, int n)
{
	for (int i = 0; i < n; i++)
		if (is_in(address, &networks[i]))
			return networks[i].rule;
	return NULL;
}

/*
 * What is global of IPv6 begins with 001; the rest was given to nobody, or is special.  And an interface that is called
 * 0:5efe:a.b.c.d is an IPv4 address within the network that a router of ISATAP serves.
 */
static const char *
not_global(const unsigned char *a)
{
	if ((a[0] & 0xe0) != 0x20)
		return "it is not in 2000::/3, which alone is global";
	if ((a[8] & 0xfd) == 0 && a[9] == 0 && a[10] == 0x5e && a[11] == 0xfe)
		return "its end is IPv4 in another form (ISATAP)";
	return NULL;
}

const char *
network_forbidden(const struct sockaddr *address, const Network *allowed, int n)
{
	unsigned char a[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
	const char *rule;

	if (address->sa_family == AF_INET)
		memcpy(a + 12, &((const struct sockaddr_in *) address)->sin_addr, 4);
	else if (address->sa_family == AF_INET6)
		memcpy(a, &((const struct sockaddr_in6 *) address)->sin6_addr, 16);
	else
		return "it is neither IPv4 nor IPv6";
	if (rule_of(a, allowed, n))
		return NULL;
	if (address->sa_family == AF_INET)
		return rule_of(a, forbidden_v4, COUNT(forbidden_v4));
	rule = rule_of(a, forbidden_v6, COUNT(forbidden_v6));
	return rule ? rule : not_global(a);
}

bool
network_of(const char *text, Network *network)
{
	char address[INET6_ADDRSTRLEN];
	const char *slash = strchr(text, '/');
	size_t n = slash ? slash - text : strlen(text);
	char *end = NULL;
	long bits = slash ? strtol(slash + 1, &end, 10) : -1;
	bool is_v4;

	memset(network, 0, sizeof(Network));
	network->rule = "allowed";
	if (n >= sizeof(address) || (slash && (end == slash + 1 || *end != '\0' || bits < 0)))
		return false;
	memcpy(address, text, n);
	address[n] = '\0';
	is_v4 = inet_pton(AF_INET, address, network->address + 12) == 1;
	if (!is_v4 && inet_pton(AF_INET6, address, network->address) != 1)
		return false;
	if (is_v4)
		network->address[10] = network->address[11] = 0xff;
	if (bits > (is_v4 ? 32 : 128))
		return false;
	network->bits = bits < 0 ? 128 : is_v4 ? 96 + bits
										   : bits;
	return true;
}
