/*
 * session.h
 *		Who is logged in: sessions of a browser, and what begins and ends one.
 */
#ifndef API_SESSION_H
#define API_SESSION_H

#include "postgres.h"

#include "ingest_api/api.h"
#include "nodes/pg_list.h"

/* "session <SHA-256 of the cookie in hex>", or for who logs in "link <SHA-256 in hex>": role, scope and who.  As the engine */
extern bool session_find(const char *credential, Request *request);
extern void session_note_use(int64 session);
/* Does somebody log in? */
extern bool session_begins(const Request *request);
/* What is no credential was logged in with: written down, or too often of late */
extern void session_refused(const Request *request, Answer *answer);
/* False: another address; parts: of the path, behind the version */
extern bool session_answer(const Request *request, List *parts, Answer *answer);

#endif /* API_SESSION_H */
