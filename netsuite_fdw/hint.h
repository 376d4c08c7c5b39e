/*
 * hint.h
 *		Statements that set an option, for hints: they run as printed for who reads them.
 */
#ifndef NETSUITE_HINT_H
#define NETSUITE_HINT_H

#include "postgres.h"

extern const char *hint_server_option(Oid serverid, const char *option);
extern const char *hint_mapping_option(Oid userid, Oid serverid, const char *option);
extern const char *hint_new_mapping(Oid userid, Oid serverid);
extern bool hint_has_mapping(Oid userid, Oid serverid);

#endif /* NETSUITE_HINT_H */
