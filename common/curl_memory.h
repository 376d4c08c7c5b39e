/*
 * curl_memory.h
 *		Whether libcurl got the memory that it asked for.
 */
#ifndef COMMON_CURL_MEMORY_H
#define COMMON_CURL_MEMORY_H

#include "common/curl_compat.h"

/* In place of curl_global_init() */
extern CURLcode curl_memory_init(void);
/* All that was asked for so far is no matter any more */
extern void curl_memory_forget(void);
/* Did it get all since then?  False, too, if another library began to use libcurl before, and gives it its memory */
extern bool curl_memory_sufficed(void);

#endif /* COMMON_CURL_MEMORY_H */
