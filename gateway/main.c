/*
 * main.c
 *		pg_ingest_gateway: HTTP in front of ingest_api.serve().
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "gateway/buffer.h"
#include "gateway/cors.h"
#include "gateway/export.h"
#include "gateway/files.h"
#include "gateway/jwt.h"
#include "gateway/keys.h"
#include "gateway/log.h"
#include "gateway/server.h"

static const char usage[] =
	"Usage: pg_ingest_gateway [OPTION]...\n"
	"\n"
	"HTTP in front of ingest_api.serve()\n"
	"\n"
	"  --listen ADDRESS:PORT  where to listen (127.0.0.1:8080)\n"
	"  --dsn STRING           the database, without a password (dbname=postgres user=ingest_authenticator)\n"
	"  --dsn-file FILE        the same, read from a file, with a password if need be, or\n"
	"  --conn-fd N            from a descriptor\n"
	"  --tls-cert FILE        certificate chain, and\n"
	"  --tls-key FILE         its key, both in PEM; SIGHUP reads them again\n"
	"  --behind-proxy         a proxy in front speaks TLS: allows listening without it on addresses other than loopback\n"
	"  --jwks FILE|ADDRESS    keys whose JSON Web Tokens are accepted (JWK Set); SIGHUP reads them again\n"
	"  --jwt-hs256-key FILE   key for tokens of HS256, at least 32 bytes\n"
	"  --jwt-issuer TEXT      who must have issued them (iss), and\n"
	"  --jwt-audience TEXT    whom they must be for (aud)\n"
	"  --otlp-endpoint ADDRESS  where to send metrics by OTLP (HTTP, JSON; /v1/metrics is added)\n"
	"  --otlp-headers FILE    headers for that, each a line of name: value\n"
	"  --otlp-interval SECONDS  how often (60)\n"
	"  --static FOLDER        files that are served as they are\n"
	"  --console-dir FOLDER   the console's files, served at /console/ (the installed ones)\n"
	"  --cors-origin ORIGIN   pages from there may read answers; may be given several times\n"
	"  --connections N        maximum number of clients (1000)\n"
	"  --pool N               sessions of the database for requests (8)\n"
	"  --timeout SECONDS      longest time for a request (10)\n"
	"  --version              show the version\n"
	"  --help                 show this help\n";

static int
number(const char *name, const char *text, int least, int most)
{
	char *end;
	long n = strtol(text, &end, 10);

	if (*text == '\0' || *end != '\0' || n < least || n > most)
		give_up("%s wants a number from %d to %d, not %s", name, least, most, text);
	return n;
}

/* Whatever starts it passes secrets this way, since arguments and environment are seen by others; from: for words */
static char *
read_dsn(int fd, const char *from)
{
	Buffer text = {0};
	char part[1024];
	ssize_t n = fd < 0 ? -1 : 0;

	while (fd >= 0 && (n = read(fd, part, sizeof(part))) > 0 && text.n < 65536)
		buffer_add(&text, part, n);
	if (n < 0)
		give_up("%s cannot be read: %s", from, strerror(errno));
	close(fd);
	while (text.n > 0 && (text.bytes[text.n - 1] == '\n' || text.bytes[text.n - 1] == ' '))
		text.bytes[--text.n] = '\0';
	if (text.n == 0)
		give_up("%s names no database", from);
	return text.bytes;
}

static bool
holds_password(const char *dsn)
{
	const char *address = strstr(dsn, "://"),
			   *at = address ? strchr(address, '@') : NULL,
			   *colon = address ? strchr(address + 3, ':') : NULL;

	return strcasestr(dsn, "password") || (at && colon && colon < at);
}

static void
parse_arguments(int argc, char **argv)
{
	static const struct option names[] = {
		{"listen", 1, 0, 'l'},
		{"dsn", 1, 0, 'd'},
		{"dsn-file", 1, 0, 'F'},
		{"conn-fd", 1, 0, 'f'},
		{"tls-cert", 1, 0, 'c'},
		{"tls-key", 1, 0, 'k'},
		{"behind-proxy", 0, 0, 'b'},
		{"jwks", 1, 0, 'j'},
		{"jwt-hs256-key", 1, 0, 'x'},
		{"jwt-issuer", 1, 0, 'i'},
		{"jwt-audience", 1, 0, 'a'},
		{"otlp-endpoint", 1, 0, 'e'},
		{"otlp-headers", 1, 0, 'E'},
		{"otlp-interval", 1, 0, 'I'},
		{"static", 1, 0, 's'},
		{"console-dir", 1, 0, 'C'},
		{"cors-origin", 1, 0, 'o'},
		{"connections", 1, 0, 'n'},
		{"pool", 1, 0, 'p'},
		{"timeout", 1, 0, 't'},
		{"version", 0, 0, 'V'},
		{"help", 0, 0, 'h'},
		{0},
	};
	int c;

	options = (Options){.listen = "127.0.0.1:8080", .dsn = "dbname=postgres user=ingest_authenticator", .most_connections = 1000, .pool = 8, .timeout_s = 10};
	while ((c = getopt_long(argc, argv, "", names, NULL)) != -1)
	{
		switch (c)
		{
			case 'l':
				options.listen = optarg;
				break;
			case 'd':
				if (holds_password(optarg))
					give_up("a password in --dsn can be seen by everybody on this machine: use --dsn-file, or passfile= in it");
				options.dsn = optarg;
				break;
			case 'f':
				options.dsn = read_dsn(number("--conn-fd", optarg, 0, 1023), "the descriptor of --conn-fd");
				break;
			case 'F':
				options.dsn = read_dsn(open(optarg, O_RDONLY | O_CLOEXEC), optarg);
				break;
			case 'c':
				options.certificate = optarg;
				break;
			case 'k':
				options.key = optarg;
				break;
			case 'b':
				options.behind_proxy = true;
				break;
			case 'j':
				options.jwks = optarg;
				break;
			case 'x':
				options.jwt_secret = optarg;
				break;
			case 'i':
				jwt_options.issuer = optarg;
				break;
			case 'a':
				jwt_options.audience = optarg;
				break;
			case 'e':
				export_options.endpoint = optarg;
				break;
			case 'E':
				export_options.headers = optarg;
				break;
			case 'I':
				export_options.interval_s = number("--otlp-interval", optarg, 1, 86400);
				break;
			case 's':
				options.files = optarg;
				break;
			case 'C':
				options.console = optarg;
				break;
			case 'o':
				cors_allow(optarg);
				break;
			case 'n':
				options.most_connections = number("--connections", optarg, 1, 100000);
				break;
			case 'p':
				options.pool = number("--pool", optarg, 1, 64);
				break;
			case 't':
				options.timeout_s = number("--timeout", optarg, 1, 3600);
				break;
			case 'V':
				puts("pg_ingest_gateway " GATEWAY_VERSION);
				exit(0);
			case 'h':
				fputs(usage, stdout);
				exit(0);
			default:
				fputs(usage, stderr);
				exit(1);
		}
	}
	if (optind < argc)
		give_up("%s is not an option", argv[optind]);
	if (!options.certificate != !options.key)
		give_up("--tls-cert and --tls-key go together");
}

/* A descriptor for each client and some more; what is in memory must not lie on a disk after a crash */
static void
set_limits(void)
{
	struct rlimit files,
		none = {0, 0};

	setrlimit(RLIMIT_CORE, &none);
	prctl(PR_SET_DUMPABLE, 0);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max)
	{
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < (rlim_t) options.most_connections + 128)
	{
		options.most_connections = files.rlim_cur > 160 ? files.rlim_cur - 128 : 32;
		log_line("warning", "only %d clients at once: the limit of open files is %llu", options.most_connections, (unsigned long long) files.rlim_cur);
	}
}

int
main(int argc, char **argv)
{
	parse_arguments(argc, argv);
	files_begin(options.files, options.console);
	set_limits();
	export_begin();
	keys_begin(options.jwks, options.jwt_secret);
	return server_run();
}
