/*
 * home.h
 *		Is this the database that the repository was made in?
 *
 * A dump that was restored elsewhere, or a copy of the files, holds the same jobs and
 * sources.  It does nothing by itself until somebody says that it shall, so that a clone
 * does not pull from sources or act beside the original.
 */
#ifndef INGEST_HOME_H
#define INGEST_HOME_H

#include "postgres.h"

/* The era of events here; an error where the repository is not at home */
extern int32 home_era(void);
/* The same question without an error; also false where nothing was ever done here */
extern bool home_is_ours(void);
/* Is home_era() a matter of no statement? */
extern bool home_era_is_known(void);
/* Was it restored or copied: are its numbers of roles and relations those of another database?  Needs no SPI */
extern bool home_is_elsewhere(void);

#endif /* INGEST_HOME_H */
