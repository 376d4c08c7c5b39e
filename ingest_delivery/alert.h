/*
 * alert.h
 *		Alerts as sinks tell of them: what is in their events, and in words.
 */
#ifndef DELIVERY_ALERT_H
#define DELIVERY_ALERT_H

#include "postgres.h"

#include "ingest_delivery/sink.h"
#include "lib/stringinfo.h"

/* What events of alerts hold, in the order in which store.c reads it; each may be NULL.  In UTF-8 */
typedef enum AlertField
{
	ALERT_ID,
	ALERT_KIND,
	ALERT_SEVERITY,
	ALERT_OBJECT,
	ALERT_SUBJECT,
	ALERT_SUMMARY,
	ALERT_SOURCE,
	ALERT_SINCE,
	ALERT_COUNT,
	ALERT_ACKNOWLEDGED_BY,
	ALERT_CLOSED_BY,
	ALERT_FIELDS
} AlertField;

typedef enum AlertNews
{
	ALERT_OPENED,
	ALERT_REPEATED, /* it is still open */
	ALERT_ACKNOWLEDGED,
	ALERT_CLOSED
} AlertNews;

#define ALERT_TYPES "ingest.alert.opened,ingest.alert.acknowledged,ingest.alert.closed"

/* The event is of an alert, or a test that stands for one */
extern AlertNews alert_news(const Event *event);
/* Never NULL */
extern const char *alert_field(const Event *event, AlertField field);
/* The same by which it is known elsewhere from its opening to its end: at most 100 bytes of ASCII */
extern char *alert_key(const Event *event);
/* In a line of at most so many characters, for an event of any type; neither with control characters */
extern char *alert_title(const Event *event, int most);
/* "state" of it in a word: firing, acknowledged, closed */
extern const char *alert_state(const Event *event);
/* At most so many characters, an … in place of the rest; control characters but line feeds are blanks */
extern char *cut_text(const char *text, int most, bool one_line);
/* A moment as RFC 3339 has it, in UTC */
extern char *rfc3339(TimestampTz at);

/* JSON: , "name": "value" */
extern void write_member(StringInfo out, const char *name, const char *value);

#endif /* DELIVERY_ALERT_H */
