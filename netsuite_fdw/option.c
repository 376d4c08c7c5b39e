/*
 * option.c
 *		Options: which there are, what they may be, what they say.
 */
#include "postgres.h"

#include <ctype.h>
#include <math.h>

#include "access/reloptions.h"
#include "access/table.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_class.h"
#include "catalog/pg_foreign_data_wrapper.h"
#include "catalog/pg_foreign_server.h"
#include "catalog/pg_foreign_table.h"
#include "catalog/pg_type.h"
#include "catalog/pg_user_mapping.h"
#include "commands/defrem.h"
#include "common/address.h"
#include "common/attribute.h"
#include "common/function.h"
#include "common/hashfn.h"
#include "common/identity.h"
#include "common/keyvault.h"
#include "common/option.h"
#include "common/secret.h"
#include "foreign/foreign.h"
#include "miscadmin.h"
#include "netsuite_fdw/compat.h"
#include "netsuite_fdw/form.h"
#include "netsuite_fdw/option.h"
#include "netsuite_fdw/suiteql.h"
#include "pgtime.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
#include "utils/varlena.h"

SQL_FUNCTION(netsuite_fdw_validator);

typedef enum OptionKind
{
	OPT_NOTE, /* anything */
	OPT_ACCOUNT,
	OPT_URL, /* https:// and a host */
	OPT_PROXY,
	OPT_ZONE,
	OPT_LANGUAGE, /* as the header Accept-Language takes it */
	OPT_INT,      /* from min to max */
	OPT_DURATION, /* seconds, or a GUC-like time: 500ms, 2min */
	OPT_SIZE,     /* bytes, or 32MB */
	OPT_REAL,     /* zero or more */
	OPT_BOOL,
	OPT_TRAIT,  /* on, off, auto */
	OPT_FILE,   /* path; for members of pg_read_server_files */
	OPT_SECRET, /* value, or env:, file: for the same, or keyvault: */
	OPT_OPENER, /* the same, but of no vault: it opens them */
	OPT_NAME,   /* of a table or column there */
	OPT_NAMES,  /* list of them */
	OPT_QUERY,  /* a SuiteQL statement */
	OPT_EXPRESSION,
	OPT_METADATA, /* error: the column says why a row does not fit */
	OPT_REMOTE_TYPE
} OptionKind;

typedef struct OptionDef
{
	const char *name;
	Oid catalog;
	OptionKind kind;
	double min;
	double max;
} OptionDef;

static const OptionDef options[] = {
	{"account", ForeignServerRelationId, OPT_ACCOUNT},
	{"base_url", ForeignServerRelationId, OPT_URL},
	{"timezone", ForeignServerRelationId, OPT_ZONE},
	{"accept_language", ForeignServerRelationId, OPT_LANGUAGE},
	{"max_concurrency", ForeignServerRelationId, OPT_INT, 1, 50},
	{"page_size", ForeignServerRelationId, OPT_INT, 1, 3000},
	{"connect_timeout", ForeignServerRelationId, OPT_DURATION, 1, 3600000},
	{"request_timeout", ForeignServerRelationId, OPT_DURATION, 1, 86400000},
	{"max_retries", ForeignServerRelationId, OPT_INT, 0, 100},
	{"retry_deadline", ForeignServerRelationId, OPT_DURATION, 0, 86400000},
	{"max_buffered", ForeignServerRelationId, OPT_SIZE, 65536, 1073741823},
	{"ca_file", ForeignServerRelationId, OPT_FILE},
	{"proxy", ForeignServerRelationId, OPT_PROXY},
	{"compress", ForeignServerRelationId, OPT_BOOL},
	{"fdw_startup_cost", ForeignServerRelationId, OPT_REAL},
	{"fdw_tuple_cost", ForeignServerRelationId, OPT_REAL},
	{"use_remote_estimate", ForeignServerRelationId, OPT_BOOL},
	{"text_equality_exact", ForeignServerRelationId, OPT_TRAIT},
	{"text_like_exact", ForeignServerRelationId, OPT_TRAIT},
	{"text_order_binary", ForeignServerRelationId, OPT_TRAIT},
	{"fetch_first", ForeignServerRelationId, OPT_TRAIT},

	{"consumer_key", UserMappingRelationId, OPT_SECRET},
	{"consumer_secret", UserMappingRelationId, OPT_SECRET},
	{"token_id", UserMappingRelationId, OPT_SECRET},
	{"token_secret", UserMappingRelationId, OPT_SECRET},
	{"client_id", UserMappingRelationId, OPT_SECRET},
	{"certificate_id", UserMappingRelationId, OPT_SECRET},
	{"private_key", UserMappingRelationId, OPT_SECRET},
	{"private_key_file", UserMappingRelationId, OPT_FILE},
	{"proxy_user", UserMappingRelationId, OPT_SECRET},
	{"proxy_password", UserMappingRelationId, OPT_SECRET},
	{"azure_tenant_id", UserMappingRelationId, OPT_OPENER},
	{"azure_client_id", UserMappingRelationId, OPT_OPENER},
	{"azure_client_secret", UserMappingRelationId, OPT_OPENER},
	{"azure_certificate_file", UserMappingRelationId, OPT_FILE},
	{"identity_lent_by", UserMappingRelationId, OPT_NOTE},

	{"table", ForeignTableRelationId, OPT_NAME},
	{"query", ForeignTableRelationId, OPT_QUERY},
	{"key", ForeignTableRelationId, OPT_NAMES},
	{"rows", ForeignTableRelationId, OPT_REAL},
	{"description", ForeignTableRelationId, OPT_NOTE},

	{"column_name", AttributeRelationId, OPT_NAME},
	{"expression", AttributeRelationId, OPT_EXPRESSION},
	{"metadata", AttributeRelationId, OPT_METADATA},
	{"remote_type", AttributeRelationId, OPT_REMOTE_TYPE},
	{"description", AttributeRelationId, OPT_NOTE},
};

/* -- reading values -- */

/* A number with an optional unit, in the base unit of flags */
static bool
parse_quantity(const char *value, int flags, double *result)
{
	const char *hint;

	return parse_real(value, result, flags, &hint);
}

static double
quantity(DefElem *def, int flags)
{
	double result = 0;

	parse_quantity(defGetString(def), flags, &result);
	return result;
}

/* Durations are seconds unless they name a unit */
static bool
parse_duration_ms(const char *value, double *ms)
{
	char *end;
	double plain = strtod(value, &end);

	if (end != value && *end == '\0')
	{
		*ms = plain * 1000;
		return true;
	}
	return parse_quantity(value, GUC_UNIT_MS, ms);
}

static void bad_value(DefElem *def, const char *wants) __attribute__((noreturn));

static void
bad_value(DefElem *def, const char *wants)
{
	/* the value itself may be a secret pasted into the wrong place */
	ereport(ERROR,
			(errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
			 errmsg("invalid value for option \"%s\"", def->defname),
			 errhint("%s", wants)));
}

static void
check_range(const OptionDef *option, DefElem *def, double value, const char *unit)
{
	if (value < option->min || value > option->max)
		bad_value(def, psprintf("It must be between %.0f and %.0f%s.",
								option->min, option->max, unit));
}

static void
check_account(DefElem *def)
{
	const char *value = defGetString(def);

	if (*value == '\0')
		bad_value(def, "Give the account id as NetSuite shows it, such as 1234567 or 1234567_SB1.");
	for (const char *p = value; *p; p++)
	{
		if (!isalnum((unsigned char) *p) && *p != '_' && *p != '-')
			bad_value(def, "An account id has letters, digits and an underscore, such as 1234567_SB1.");
	}
}

static void
check_url(DefElem *def)
{
	const char *value = defGetString(def);

	if (strchr(value, '@') != NULL || strchr(value, '?') != NULL || address_as_sent(value) == NULL)
		bad_value(def, "It must be an https:// address without user name or parameters.");
}

/* Options of servers are read by every role: whoever logs in at a proxy says so in his mapping */
static void
check_proxy(DefElem *def)
{
	const char *value = defGetString(def);

	if (*value == '\0')
		bad_value(def, "It must not be empty: leave it out to use no proxy.");
	if (strchr(value, '@') != NULL)
		bad_value(def, "It must be an address without user name and password: set proxy_user and proxy_password in the user mapping.");
	for (const unsigned char *p = (const unsigned char *) value; *p; p++)
	{
		if (*p <= ' ' || *p == 127 || *p == '?' || *p == '#')
			bad_value(def, "It must be an address such as http://proxy.example.com:3128.");
	}
}

/*
 * Names alone: whatever else looks like a POSIX rule is one to PostgreSQL, so that
 * Europe3 would be three hours west of Greenwich, and so would +03.
 */
static bool
is_zone_name(const char *name)
{
	pg_tzenum *zones = pg_tzenumerate_start();
	pg_tz *zone;
	bool found = false;

	while (!found && (zone = pg_tzenumerate_next(zones)) != NULL)
		found = pg_strcasecmp(pg_get_timezone_name(zone), name) == 0;
	pg_tzenumerate_end(zones);
	return found;
}

static void
check_zone(DefElem *def)
{
	pg_tz *zone = pg_tzset(defGetString(def));
	const char *name = zone ? pg_get_timezone_name(zone) : NULL;

	/* rules are kept in capitals, as few names are written; leap seconds are not counted here */
	if (zone == NULL || !pg_tz_acceptable(zone) ||
		(strpbrk(name, "abcdefghijklmnopqrstuvwxyz") == NULL && !is_zone_name(name)))
		bad_value(def, "Name a time zone that PostgreSQL knows, such as UTC or America/Los_Angeles (see pg_timezone_names).");
}

/* It becomes a header: nothing but tags and weights, so that it cannot end the line */
static void
check_language(DefElem *def)
{
	const char *value = defGetString(def);

	if (*value == '\0' || strspn(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-,;=.* ") != strlen(value))
		bad_value(def, "Name the company's default language as HTTP does, such as en, zh-CN or de-DE.");
}

static void
check_trait(DefElem *def)
{
	bool ignored;

	if (pg_strcasecmp(defGetString(def), "auto") != 0 && !parse_bool(defGetString(def), &ignored))
		bad_value(def, "It must be on, off or auto; auto asks the account.");
}

static void
check_names(DefElem *def)
{
	List *names;
	ListCell *lc;

	if (!SplitIdentifierString(pstrdup(defGetString(def)), ',', &names) || names == NIL)
		bad_value(def, "It must be a list of column names, such as: transaction, id");
	foreach (lc, names)
	{
		if (!suiteql_is_name(lfirst(lc)))
			bad_value(def, "It must be a list of column names, such as: transaction, id");
	}
}

static void
check_suiteql(DefElem *def, bool statement)
{
	const char *problem;

	if (suiteql_plain(defGetString(def), statement, &problem) == NULL)
		bad_value(def, problem);
}

static void
check_value(const OptionDef *option, DefElem *def)
{
	double number;
	bool flag;

	switch (option->kind)
	{
		case OPT_ACCOUNT:
			check_account(def);
			break;
		case OPT_URL:
			check_url(def);
			break;
		case OPT_PROXY:
			check_proxy(def);
			break;
		case OPT_NOTE:
			break;
		case OPT_ZONE:
			check_zone(def);
			break;
		case OPT_LANGUAGE:
			check_language(def);
			break;
		case OPT_INT:
			if (!parse_quantity(defGetString(def), 0, &number) || number != floor(number))
				bad_value(def, "It must be a whole number.");
			check_range(option, def, number, "");
			break;
		case OPT_DURATION:
			if (!parse_duration_ms(defGetString(def), &number))
				bad_value(def, "It must be a number of seconds, or a time with a unit such as 500ms or 2min.");
			check_range(option, def, number, " ms");
			break;
		case OPT_SIZE:
			if (!parse_quantity(defGetString(def), GUC_UNIT_BYTE, &number))
				bad_value(def, "It must be a number of bytes, or a size with a unit such as 32MB.");
			check_range(option, def, number, " bytes");
			break;
		case OPT_REAL:
			if (!parse_quantity(defGetString(def), 0, &number) || number < 0)
				bad_value(def, "It must be a number, zero or more.");
			break;
		case OPT_BOOL:
			if (!parse_bool(defGetString(def), &flag))
				bad_value(def, "It must be on or off.");
			break;
		case OPT_TRAIT:
			check_trait(def);
			break;
		case OPT_FILE:
			secret_need_file_role(def->defname);
			break;
		case OPT_OPENER:
			if (keyvault_is_reference(defGetString(def)))
				bad_value(def, "It opens vaults, and cannot be kept in one.");
			pg_fallthrough;
		case OPT_SECRET:
			if (*defGetString(def) == '\0')
				bad_value(def, "It must not be empty.");
			if (secret_is_reference(defGetString(def)))
				secret_need_file_role(def->defname);
			break;
		case OPT_NAMES:
			check_names(def);
			break;
		case OPT_NAME:
			if (!suiteql_is_name(defGetString(def)))
				bad_value(def, "It must be a name: a letter, then letters, digits and underscores. Anything else is for option query of the table, or expression of the column.");
			break;
		case OPT_QUERY:
		case OPT_EXPRESSION:
			check_suiteql(def, option->kind == OPT_QUERY);
			break;
		case OPT_METADATA:
			if (strcmp(defGetString(def), "error") != 0)
				bad_value(def, "It must be error: the column, of type jsonb, says why a row does not fit.");
			break;
		case OPT_REMOTE_TYPE:
			if (remote_type_of(defGetString(def)) == REMOTE_UNKNOWN)
				bad_value(def, "It must be number, boolean, date, datetime or text.");
			break;
	}
}

/* -- the validator -- */

static const OptionDef *
find_option(const char *name, Oid catalog)
{
	for (int i = 0; i < lengthof(options); i++)
	{
		if (options[i].catalog == catalog && strcmp(options[i].name, name) == 0)
			return &options[i];
	}
	return NULL;
}

static void unknown_option(const char *name, Oid catalog) __attribute__((noreturn));

static void
unknown_option(const char *name, Oid catalog)
{
	StringInfoData valid;

	initStringInfo(&valid);
	for (int i = 0; i < lengthof(options); i++)
	{
		if (options[i].catalog == catalog)
			appendStringInfo(&valid, "%s%s", valid.len > 0 ? ", " : "", options[i].name);
	}
	ereport(ERROR,
			(errcode(ERRCODE_FDW_INVALID_OPTION_NAME),
			 errmsg("invalid option \"%s\"", name),
			 valid.len > 0 ? errhint("Valid options in this context are: %s", valid.data)
						   : errhint("There are no valid options in this context.")));
}

/* Options that exclude or need one another */
static void
check_together(List *defs, Oid catalog)
{
	if (catalog == ForeignServerRelationId && !option_of(defs, "account"))
		ereport(ERROR,
				(errcode(ERRCODE_FDW_OPTION_NAME_NOT_FOUND),
				 errmsg("option \"account\" is missing"),
				 errhint("CREATE SERVER ... OPTIONS (account '1234567_SB1') is enough to reach NetSuite.")));
	if (catalog == ForeignTableRelationId && option_of(defs, "table") && option_of(defs, "query"))
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_OPTION_NAME),
				 errmsg("options \"table\" and \"query\" exclude each other")));
	if (catalog == AttributeRelationId && option_of(defs, "column_name") && option_of(defs, "expression"))
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_OPTION_NAME),
				 errmsg("options \"column_name\" and \"expression\" exclude each other")));
	if (catalog == AttributeRelationId && option_of(defs, "metadata") && list_length(defs) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_OPTION_NAME),
				 errmsg("option \"metadata\" excludes all others of a column")));
	if (catalog == UserMappingRelationId && option_of(defs, "private_key") && option_of(defs, "private_key_file"))
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_OPTION_NAME),
				 errmsg("options \"private_key\" and \"private_key_file\" exclude each other")));
	if (catalog == UserMappingRelationId && option_of(defs, "proxy_password") && !option_of(defs, "proxy_user"))
		ereport(ERROR,
				(errcode(ERRCODE_FDW_OPTION_NAME_NOT_FOUND),
				 errmsg("option \"proxy_password\" needs option \"proxy_user\"")));
	if (catalog == UserMappingRelationId && option_of(defs, "consumer_key") && option_of(defs, "client_id"))
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_OPTION_NAME),
				 errmsg("options \"consumer_key\" and \"client_id\" exclude each other"),
				 errhint("Give consumer_key, consumer_secret, token_id and token_secret for token-based authentication, or client_id, certificate_id and private_key for OAuth 2.0.")));
}

Datum
netsuite_fdw_validator(PG_FUNCTION_ARGS)
{
	List *defs = untransformRelOptions(PG_GETARG_DATUM(0));
	Oid catalog = PG_GETARG_OID(1);
	ListCell *lc;

	foreach (lc, defs)
	{
		DefElem *def = lfirst_node(DefElem, lc);
		const OptionDef *option = find_option(def->defname, catalog);

		if (option == NULL)
			unknown_option(def->defname, catalog);
		check_value(option, def);
	}
	check_together(defs, catalog);
	if (catalog == UserMappingRelationId)
		identity_check(defs);
	PG_RETURN_VOID();
}

/* -- reading what is set -- */

static const char *
text_or(List *defs, const char *name, const char *otherwise)
{
	const char *text = option_text(defs, name);

	return text ? text : otherwise;
}

static double
number_of(List *defs, const char *name, int flags, double otherwise)
{
	DefElem *def = option_of(defs, name);

	return def ? quantity(def, flags) : otherwise;
}

static int
duration_of(List *defs, const char *name, int otherwise)
{
	DefElem *def = option_of(defs, name);
	double ms = otherwise;

	if (def)
		parse_duration_ms(defGetString(def), &ms);
	return (int) ms;
}

static bool
flag_of(List *defs, const char *name, bool otherwise)
{
	DefElem *def = option_of(defs, name);

	return def ? defGetBoolean(def) : otherwise;
}

static Declared
declared_of(List *defs, const char *name)
{
	DefElem *def = option_of(defs, name);

	if (def == NULL || pg_strcasecmp(defGetString(def), "auto") == 0)
		return DECLARED_MEASURE;
	return defGetBoolean(def) ? DECLARED_YES : DECLARED_NO;
}

/* 1234567_SB1 → https://1234567-sb1.suitetalk.api.netsuite.com */
static char *
default_url(const char *account)
{
	char *host = pstrdup(account);

	for (char *p = host; *p; p++)
		*p = *p == '_' ? '-' : pg_tolower((unsigned char) *p);
	return psprintf("https://%s.suitetalk.api.netsuite.com", host);
}

static char *
realm_of(const char *account)
{
	char *realm = pstrdup(account);

	for (char *p = realm; *p; p++)
		*p = *p == '-' ? '_' : pg_toupper((unsigned char) *p);
	return realm;
}

/* A server's options, palloc'd in the current context */
ServerOptions *
server_options(Oid serverid)
{
	ForeignServer *server = GetForeignServer(serverid);
	List *defs = server->options;
	ServerOptions *o = palloc0(sizeof(ServerOptions));
	const char *url;

	o->serverid = serverid;
	o->name = pstrdup(server->servername);
	o->account = text_or(defs, "account", "");
	o->realm = realm_of(o->account);
	url = text_or(defs, "base_url", default_url(o->account));
	/* such as no check saw, by an older version: as it is, and libcurl will say */
	o->base_url = address_as_sent(url);
	if (o->base_url == NULL)
		o->base_url = pstrdup(url);
	o->timezone = option_text(defs, "timezone");
	o->accept_language = option_text(defs, "accept_language");
	o->http.ca_file = option_text(defs, "ca_file");
	o->http.proxy = option_text(defs, "proxy");
	o->http.id_header = "X-N-OperationId";
	o->http.compress = flag_of(defs, "compress", true);
	o->http.connect_timeout_ms = duration_of(defs, "connect_timeout", 10000);
	o->http.request_timeout_ms = duration_of(defs, "request_timeout", 960000);
	o->max_concurrency = (int) number_of(defs, "max_concurrency", 0, 4);
	o->page_size = (int) number_of(defs, "page_size", 0, 1000);
	o->page_size_declared = option_of(defs, "page_size") != NULL;
	o->max_retries = (int) number_of(defs, "max_retries", 0, 5);
	o->retry_deadline_ms = duration_of(defs, "retry_deadline", 120000);
	o->max_buffered = (int64) number_of(defs, "max_buffered", GUC_UNIT_BYTE, 32 * 1024 * 1024);
	o->fdw_startup_cost = number_of(defs, "fdw_startup_cost", 0, 1000);
	o->fdw_tuple_cost = number_of(defs, "fdw_tuple_cost", 0, 0.05);
	o->use_remote_estimate = flag_of(defs, "use_remote_estimate", false);
	o->text_equality_exact = declared_of(defs, "text_equality_exact");
	o->text_like_exact = declared_of(defs, "text_like_exact");
	o->text_order_binary = declared_of(defs, "text_order_binary");
	o->fetch_first = declared_of(defs, "fetch_first");
	return o;
}

/* How long what stands in a vault is used before it is asked for again */
#define VAULT_FOR USECS_PER_MINUTE

/* The file that an option names, or refers to */
static void
note_file(UserOptions *o, const char *value)
{
	if (strncmp(value, "file:", 5) == 0 || *value == '/')
		o->files = lappend(o->files, pstrdup(value));
}

static char *
secret_of(UserOptions *o, List *defs, const char *name)
{
	DefElem *def = option_of(defs, name);
	const char *value = def ? defGetString(def) : NULL;

	if (value == NULL)
		return NULL;
	if (keyvault_is_reference(value))
	{
		o->until = GetCurrentTimestamp() + VAULT_FOR;
		o->in_vault = lappend(o->in_vault, pstrdup(value));
		return keyvault_secret(o->identity, name, value);
	}
	note_file(o, value);
	return secret_resolve(name, value);
}

static uint64
stamp_of(const UserOptions *o)
{
	uint64 stamp = 0;
	ListCell *lc;

	foreach (lc, o->files)
		stamp = hash_combine64(stamp, secret_file_stamp(lfirst(lc)));
	return stamp;
}

/* Credentials, resolved, in a memory context of their own below parent */
UserOptions *
user_options(Oid userid, Oid serverid, MemoryContext parent)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "netsuite credentials", ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	List *defs = GetUserMapping(userid, serverid)->options;
	UserOptions *o = palloc0(sizeof(UserOptions));
	const char *file = option_text(defs, "private_key_file");

	o->context = context;
	o->until = DT_NOEND;
	identity_check_use(defs, serverid, false);
	o->identity = identity_of(defs);
	o->consumer_key = secret_of(o, defs, "consumer_key");
	o->consumer_secret = secret_of(o, defs, "consumer_secret");
	o->token_id = secret_of(o, defs, "token_id");
	o->token_secret = secret_of(o, defs, "token_secret");
	o->client_id = secret_of(o, defs, "client_id");
	o->certificate_id = secret_of(o, defs, "certificate_id");
	o->private_key = secret_of(o, defs, "private_key");
	o->proxy_user = secret_of(o, defs, "proxy_user");
	o->proxy_password = secret_of(o, defs, "proxy_password");
	if (file != NULL)
	{
		note_file(o, file);
		o->private_key = secret_read_file("private_key_file", file);
	}
	o->stamp = stamp_of(o);
	MemoryContextSwitchTo(old);
	/* complete: now it may outlive the query */
	MemoryContextSetParent(context, parent);
	return o;
}

/* Each credential of a mapping, in an order of its own */
static void
list_credentials(const UserOptions *o, const char *all[9])
{
	const char *credentials[9] = {o->consumer_key, o->consumer_secret, o->token_id, o->token_secret, o->client_id, o->certificate_id, o->private_key, o->proxy_user, o->proxy_password};

	memcpy(all, credentials, sizeof(credentials));
}

bool
user_options_equal(const UserOptions *a, const UserOptions *b)
{
	const char *x[9];
	const char *y[9];

	list_credentials(a, x);
	list_credentials(b, y);
	for (int i = 0; i < lengthof(x); i++)
		if ((x[i] == NULL) != (y[i] == NULL) || (x[i] && strcmp(x[i], y[i]) != 0))
			return false;
	return true;
}

/* Was a file written to, or is it long since a vault was asked? */
bool
user_options_old(const UserOptions *o)
{
	return GetCurrentTimestamp() >= o->until || (o->files != NIL && stamp_of(o) != o->stamp);
}

/* They were refused: what stands in a vault is asked for again */
void
user_options_forget(const UserOptions *o)
{
	ListCell *lc;

	foreach (lc, o->in_vault)
		keyvault_forget(o->identity, lfirst(lc));
}

/* Nothing of them is left in memory */
void
user_options_free(UserOptions *o)
{
	const char *all[9];

	list_credentials(o, all);
	for (int i = 0; i < lengthof(all); i++)
		if (all[i])
			explicit_bzero((char *) all[i], strlen(all[i]));
	identity_wipe(o->identity);
	MemoryContextDelete(o->context);
}

/* SuiteQL from an option, as it is sent; it may have been set when less was checked */
static char *
plain_suiteql(const char *name, const char *text, bool statement)
{
	const char *problem;
	char *plain = suiteql_plain(text, statement, &problem);

	if (plain == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
				 errmsg("invalid value for option \"%s\"", name),
				 errhint("%s", problem)));
	return plain;
}

/* A foreign table's options; the table's own name stands for a missing one */
TableOptions *
table_options(Oid relid)
{
	List *defs = GetForeignTable(relid)->options;
	TableOptions *o = palloc0(sizeof(TableOptions));
	const char *key = option_text(defs, "key");

	if (option_of(defs, "query"))
		o->query = plain_suiteql("query", option_text(defs, "query"), true);
	else
		o->table = text_or(defs, "table", get_rel_name(relid));
	if (o->table && !suiteql_is_name(o->table))
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
				 errmsg("\"%s\" is not the name of a SuiteQL table", o->table),
				 errhint("Set option \"table\" or \"query\" of the foreign table.")));
	if (key != NULL && !SplitIdentifierString(pstrdup(key), ',', &o->key))
		o->key = NIL;
	o->rows = number_of(defs, "rows", 0, -1);
	return o;
}

/* Columns of a relation, dropped ones too */
int
relation_natts(Oid relid)
{
	HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	int natts;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for relation %u", relid);
	natts = ((Form_pg_class) GETSTRUCT(tuple))->relnatts;
	ReleaseSysCache(tuple);
	return natts;
}

/* What a column is called there: a name, or an expression over the table */
char *
column_expression(Oid relid, int attnum, bool *is_expression)
{
	List *defs = GetForeignColumnOptions(relid, attnum);
	const char *name;

	*is_expression = option_of(defs, "expression") != NULL;
	if (*is_expression)
		return plain_suiteql("expression", option_text(defs, "expression"), false);
	name = text_or(defs, "column_name", get_attname(relid, attnum, false));
	if (!suiteql_is_name(name))
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_COLUMN_NAME),
				 errmsg("\"%s\" is not the name of a SuiteQL column", name),
				 errhint("Set option column_name or expression of the column.")));
	return pstrdup(name);
}

/* Is the column the one that bears this name there? */
bool
column_is(Oid relid, int attnum, const char *name)
{
	List *defs = GetForeignColumnOptions(relid, attnum);

	return !option_of(defs, "expression") && !option_of(defs, "metadata") &&
		   pg_strcasecmp(text_or(defs, "column_name", get_attname(relid, attnum, false)), name) == 0;
}

/* Does the column say why a row does not fit, instead of holding a value of it? */
bool
is_error_column(Oid relid, int attnum)
{
	if (attnum <= 0 || !option_of(GetForeignColumnOptions(relid, attnum), "metadata"))
		return false;
	if (get_atttype(relid, attnum) != JSONBOID)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_DATA_TYPE),
				 errmsg("column \"%s\" of foreign table \"%s\" must be of type jsonb",
						get_attname(relid, attnum, false), get_rel_name(relid)),
				 errhint("A column with option metadata says why a row does not fit.")));
	return true;
}

/* The column that says why a row does not fit; 0 for none */
int
error_column(Oid relid)
{
	int natts = relation_natts(relid);

	for (int attnum = 1; attnum <= natts; attnum++)
	{
		if (get_atttype(relid, attnum) != InvalidOid && is_error_column(relid, attnum))
			return attnum;
	}
	return 0;
}

/* What a column is declared to be there, or NULL */
const char *
column_remote_type(Oid relid, int attnum)
{
	return option_text(GetForeignColumnOptions(relid, attnum), "remote_type");
}
