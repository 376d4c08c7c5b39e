/*
 * names.h
 *		What the names of columns say about keys.
 */
#ifndef PROFILE_NAMES_H
#define PROFILE_NAMES_H

#include "postgres.h"

/* 0 to 1 each */
extern double name_like_key(const char *column);
extern double name_like_own_key(const char *column, const char *table);
extern double name_refers(const char *column, const char *table, const char *key, const char *parent, bool itself);

#endif /* PROFILE_NAMES_H */
