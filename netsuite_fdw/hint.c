/*
 * hint.c
 *		Statements that set an option, for hints: they run as printed for who reads them.
 *
 * ADD where the option is not there, SET where it is; and where the reader may not
 * do it, who may.
 */
#include "postgres.h"

#include "catalog/pg_user_mapping.h"
#include "foreign/foreign.h"
#include "miscadmin.h"
#include "netsuite_fdw/hint.h"
#include "nodes/parsenodes.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/syscache.h"

static const char *
verb(List *options, const char *option)
{
	ListCell *lc;

	foreach (lc, options)
	{
		if (strcmp(lfirst_node(DefElem, lc)->defname, option) == 0)
			return "SET";
	}
	return "ADD";
}

/* The statement, or who may give it if the reader may not */
static const char *
addressed(const ForeignServer *server, bool may, const char *statement)
{
	if (may || has_privs_of_role(GetUserId(), server->owner))
		return psprintf("%s.", statement);
	return psprintf("ask %s, who owns the server, to run: %s.",
					GetUserNameFromId(server->owner, false), statement);
}

/* ALTER SERVER that sets an option */
const char *
hint_server_option(Oid serverid, const char *option)
{
	ForeignServer *server = GetForeignServer(serverid);

	return addressed(server, false,
					 psprintf("ALTER SERVER %s OPTIONS (%s %s '...')", quote_identifier(server->servername),
							  verb(server->options, option), option));
}

static bool
has_own(Oid userid, Oid serverid)
{
	return SearchSysCacheExists2(USERMAPPINGUSERSERVER, ObjectIdGetDatum(userid), ObjectIdGetDatum(serverid));
}

/* Does a user have a mapping, be it everybody's? */
bool
hint_has_mapping(Oid userid, Oid serverid)
{
	return has_own(userid, serverid) || has_own(InvalidOid, serverid);
}

/* ALTER USER MAPPING that sets an option of the one that a user has */
const char *
hint_mapping_option(Oid userid, Oid serverid, const char *option)
{
	ForeignServer *server = GetForeignServer(serverid);
	UserMapping *mapping = GetUserMapping(userid, serverid);
	bool own = has_own(userid, serverid);

	return addressed(server, own && userid == GetUserId(),
					 psprintf("ALTER USER MAPPING FOR %s SERVER %s OPTIONS (%s %s '...')",
							  own ? quote_identifier(GetUserNameFromId(userid, false)) : "PUBLIC",
							  quote_identifier(server->servername), verb(mapping->options, option), option));
}

/* CREATE USER MAPPING for a user who has none */
const char *
hint_new_mapping(Oid userid, Oid serverid)
{
	ForeignServer *server = GetForeignServer(serverid);

	return addressed(server, userid == GetUserId(),
					 psprintf("CREATE USER MAPPING FOR %s SERVER %s OPTIONS (client_id '...', certificate_id '...', private_key '...')",
							  quote_identifier(GetUserNameFromId(userid, false)), quote_identifier(server->servername)));
}
