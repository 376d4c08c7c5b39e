/*
 * service.h
 *		Services: processes of other extensions, kept running by a database's scheduler.
 *
 * They are rows of ingest.service, as wrappers are rows of ingest.connector: nothing
 * here knows one by its name.
 */
#ifndef INGEST_SERVICE_H
#define INGEST_SERVICE_H

/*
 * Starts those of this database that are not running and ends those that should not be; within a transaction,
 * with SPI
 */
extern void services_keep(void);
/* Opens and closes alerts of those that give no sign of life; likewise */
extern void services_look(void);
/* Ends all of this database */
extern void services_end(void);

extern void service_settings(void);

#endif /* INGEST_SERVICE_H */
