/*
 * closed.h
 *		Lists of codes that are known in full.
 */
#ifndef PROFILE_CLOSED_H
#define PROFILE_CLOSED_H

#include "postgres.h"

extern bool is_currency(const char *text, int len);
extern bool is_currency_in_column(const char *text, int len);
extern bool is_country2(const char *text, int len);
extern bool is_country3(const char *text, int len);
extern bool is_language(const char *text, int len);
extern bool is_language3(const char *text, int len);
extern bool is_language_tag(const char *text, int len);
extern bool is_time_zone(const char *text, int len);
extern bool is_us_state(const char *text, int len);
extern bool is_top_domain(const char *text, int len);

#endif /* PROFILE_CLOSED_H */
