/*
 * shim.c
 *		Another clock and a silent name server, for whatever is started with this in LD_PRELOAD.
 *
 * SHIM_CLOCK names a file with a number of seconds, by which the time of day is another one from then on; clocks by
 * which one waits are not.  Names that begin with "silent" are asked for in vain.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static long
offset(void)
{
	static volatile long *kept = NULL;

	if (kept == NULL)
	{
		const char *name = getenv("SHIM_CLOCK");
		int fd = name ? open(name, O_RDONLY | O_CLOEXEC) : -1;
		void *page = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof(long), PROT_READ, MAP_SHARED, fd, 0);

		if (fd >= 0)
			close(fd);
		if (page == MAP_FAILED)
			return 0;
		kept = page;
	}
	return *kept;
}

int
clock_gettime(clockid_t clock, struct timespec *now)
{
	int code = syscall(SYS_clock_gettime, clock, now);

	if (code == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
		now->tv_sec += offset();
	return code;
}

int
gettimeofday(struct timeval *restrict now, void *restrict zone)
{
	struct timespec at;

	clock_gettime(CLOCK_REALTIME, &at);
	now->tv_sec = at.tv_sec;
	now->tv_usec = at.tv_nsec / 1000;
	return 0;
}

time_t
time(time_t *now)
{
	struct timespec at;

	clock_gettime(CLOCK_REALTIME, &at);
	if (now)
		*now = at.tv_sec;
	return at.tv_sec;
}

int
getaddrinfo(const char *restrict node, const char *restrict service, const struct addrinfo *restrict hints, struct addrinfo **restrict found)
{
	int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **) = (int (*)(const char *, const char *, const struct addrinfo *, struct addrinfo **)) dlsym(RTLD_NEXT, "getaddrinfo");

	/* who asks for numbers alone asks no name server */
	while (node && strncmp(node, "silent", 6) == 0 && !(hints && hints->ai_flags & AI_NUMERICHOST))
		pause();
	return real(node, service, hints, found);
}
