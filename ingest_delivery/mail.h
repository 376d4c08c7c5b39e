/*
 * mail.h
 *		Events as mails.
 */
#ifndef DELIVERY_MAIL_H
#define DELIVERY_MAIL_H

#include "postgres.h"

#include "ingest_delivery/letter.h"
#include "nodes/pg_list.h"

typedef struct MailForm
{
	const char *from;
	List *to;
	const char *subject; /* a template; NULL: the title of the event */
	List *headers;       /* more of them */
	const char *instance;
} MailForm;

/* An error unless all that is in braces has a name that there is */
extern void mail_check_template(const char *option, const char *template);
/* Header and body, lines separated by line feeds; palloc'd */
extern char *mail_write(const MailForm *form, const Event *event);

#endif /* DELIVERY_MAIL_H */
