/*
 * curl_memory.c
 *		Whether libcurl got the memory that it asked for.
 *
 * It says that it has none also where the other side sends a header line that is
 * longer than it takes: only whoever gives it memory can tell.
 */
#include "postgres.h"

#include "common/curl_memory.h"

static bool asked = false;   /* libcurl takes its memory by what is below */
static bool starved = false; /* and got none */

static void *
given(void *memory)
{
	asked = true;
	if (memory == NULL)
		starved = true;
	return memory;
}

static void *
give(size_t size)
{
	return given(malloc(size));
}

static void *
give_more(void *memory, size_t size)
{
	return given(realloc(memory, size));
}

static void *
give_zeroed(size_t n, size_t size)
{
	return given(calloc(n, size));
}

static char *
give_copy(const char *text)
{
	return given(strdup(text));
}

CURLcode
curl_memory_init(void)
{
	return curl_global_init_mem(CURL_GLOBAL_DEFAULT, give, free, give_more, give_copy, give_zeroed);
}

void
curl_memory_forget(void)
{
	starved = false;
}

bool
curl_memory_sufficed(void)
{
	return asked && !starved;
}
