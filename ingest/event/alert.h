/*
 * alert.h
 *		What is wrong and waits for somebody: alerts.sql.
 */
#ifndef INGEST_ALERT_H
#define INGEST_ALERT_H

/* Opens alerts of what nobody does and closes those that are right again: every minute */
extern void alerts_look(void);

extern void alert_settings(void);

#endif /* INGEST_ALERT_H */
