/*
 * option.h
 *		Options of servers, user mappings, foreign tables and columns.
 */
#ifndef NETSUITE_OPTION_H
#define NETSUITE_OPTION_H

#include "postgres.h"

#include "common/azure.h"
#include "common/http.h"
#include "datatype/timestamp.h"
#include "nodes/pg_list.h"

/* What is declared to hold on the account, or left to be measured */
typedef enum Declared
{
	DECLARED_MEASURE,
	DECLARED_YES,
	DECLARED_NO
} Declared;

typedef struct ServerOptions
{
	Oid serverid;
	const char *name;
	const char *account;
	const char *realm;           /* 1234567_SB1 */
	const char *base_url;        /* without a slash at the end */
	const char *timezone;        /* of datetime columns; NULL: measured */
	const char *accept_language; /* header of every request, or NULL */
	HttpSettings http;
	int max_concurrency;
	int page_size;
	bool page_size_declared; /* then it is not exceeded */
	int max_retries;
	int retry_deadline_ms;
	int64 max_buffered;
	double fdw_startup_cost;
	double fdw_tuple_cost;
	bool use_remote_estimate;
	Declared text_equality_exact;
	Declared text_like_exact;
	Declared text_order_binary;
	Declared fetch_first;
} ServerOptions;

typedef struct UserOptions
{
	const char *consumer_key;
	const char *consumer_secret;
	const char *token_id;
	const char *token_secret;
	const char *client_id;
	const char *certificate_id;
	const char *private_key; /* PEM */
	const char *proxy_user;
	const char *proxy_password;
	/* where they come from */
	MemoryContext context; /* that all is in */
	AzureIdentity *identity;
	List *in_vault;    /* references to vaults */
	List *files;       /* and to files */
	uint64 stamp;      /* of these */
	TimestampTz until; /* when vaults are asked again */
} UserOptions;

typedef struct TableOptions
{
	const char *table; /* SuiteQL table, or NULL */
	const char *query; /* SuiteQL text instead of a table, or NULL */
	List *key;         /* column names as on the NetSuite side */
	double rows;       /* declared estimate, or -1 */
} TableOptions;

extern ServerOptions *server_options(Oid serverid);
extern UserOptions *user_options(Oid userid, Oid serverid, MemoryContext parent);
extern bool user_options_equal(const UserOptions *a, const UserOptions *b);
extern bool user_options_old(const UserOptions *o);
extern void user_options_forget(const UserOptions *o);
extern void user_options_free(UserOptions *o);
extern TableOptions *table_options(Oid relid);
extern int relation_natts(Oid relid);
extern const char *column_remote_type(Oid relid, int attnum);
extern char *column_expression(Oid relid, int attnum, bool *is_expression);
extern bool column_is(Oid relid, int attnum, const char *name);
extern bool is_error_column(Oid relid, int attnum);
extern int error_column(Oid relid);

#endif /* NETSUITE_OPTION_H */
