/*
 * smtp.h
 *		A mail over a connection of http.h: libcurl connects, secures it and logs in, here the mail is handed over.
 */
#ifndef COMMON_SMTP_H
#define COMMON_SMTP_H

#include "postgres.h"

#include "common/http.h"

/* Where a conversation ended */
typedef enum SmtpStage
{
	SMTP_FROM,
	SMTP_TO,
	SMTP_DATA,
	SMTP_BODY,
	SMTP_ACCEPTED
} SmtpStage;

typedef struct SmtpTalk
{
	/* as it was begun */
	const char *from;
	char **to;
	int n_to;
	const char *body; /* lines that end in CR LF, none of them ".": smtp_body() */
	size_t body_len;
	/* how far it came */
	SmtpStage stage;
	int recipient;
	char command[600];
	size_t said;
	bool hearing;
	char reply[4096]; /* the last one, NUL-terminated */
	size_t reply_len;
	size_t line; /* where its last line begins */
	int code;    /* of the last answer; 0: there was none */
} SmtpTalk;

/* For HttpTalk.step; arg is an SmtpTalk */
extern HttpTalkState smtp_step(void *easy, void *arg);
/* With dots doubled and the end as it is sent; lines end in CR LF.  palloc'd */
extern char *smtp_body(const char *text, size_t *length);
/* May this stand where an address does?  NULL: yes; else why not */
extern const char *smtp_bad_address(const char *address);

#endif /* COMMON_SMTP_H */
