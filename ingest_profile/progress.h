/*
 * progress.h
 *		A NOTICE now and then while a table is profiled.
 */
#ifndef PROFILE_PROGRESS_H
#define PROFILE_PROGRESS_H

#include "postgres.h"

#define PROGRESS_ROWS 65536 /* look at the clock so often */

extern void progress_setup(void);
extern void progress_start(const char *relation, double rows_expected);
extern void progress_report(int64 rows);
extern void progress_stop(void);

#endif /* PROFILE_PROGRESS_H */
