/*
 * pattern.h
 *		Which paths belong to a table.
 *
 * Patterns are divided by semicolons.  In a name * stands for anything, ? for one character, [a-z] and [!a-z] for one
 * of a set or of none, # for digits, also divided as dates are (2026-11-27, 20261127_0900, 12.5); a folder called **
 * stands for any number of folders.
 */
#ifndef FILES_PATTERN_H
#define FILES_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

#define PATTERN_BYTES 4096

/* Why a text is no list of patterns, or NULL if it is one */
extern const char *pattern_problem(const char *patterns);
extern bool pattern_matches(const char *patterns, const char *path);
/* Can something below the folder match? */
extern bool pattern_enters(const char *patterns, const char *folder);
/* How many bytes at p are digits as # takes them */
extern size_t digits_length(const char *p);
/* Does the pattern stand for one path alone? */
/* Where the first of several ends: at its semicolon, or at the end of all */
extern const char *pattern_end(const char *patterns);
extern bool pattern_is_path(const char *patterns);
/* Is it a path as listings have them, whatever its signs would mean in a pattern? */
extern bool is_path(const char *path);

#endif /* FILES_PATTERN_H */
