/*
 * service.c
 *		The gateway as a process of the server's: a service's worker starts it, starts it again, and ends it.
 *
 * It is a program of its own all the same, so that a fault in what reads HTTP takes no
 * session with it.  It is told the database through a pipe, has no environment, and is
 * ended with this process however that ends: by what it asked of the kernel before it
 * became the gateway.
 */
#include "postgres.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "access/xact.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "ingest_api/api.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/interrupt.h"
#include "postmaster/postmaster.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

extern PGDLLEXPORT void ingest_api_service_main(Datum arg);

#define PROGRAM "pg_ingest_gateway"
#define LOOK_EVERY_MS 5000
/* A sign of life of this service */
#define TELL_EVERY (10 * USECS_PER_SEC)
/* One that lived for less has failed: the next begins later, and later still */
#define GOOD_LIFE USECS_PER_MINUTE
#define FIRST_DELAY USECS_PER_SEC
#define LONGEST_DELAY USECS_PER_MINUTE
/* Asked to end, it has so long */
#define STEPS_TO_END 30
#define STEP_US 10000
#define MOST_ARGUMENTS 64

static char *database;    /* its name */
static pid_t gateway = 0; /* 0: none runs */
static TimestampTz begun;
static TimestampTz next; /* not before */
static int failures;     /* in a row */

/* -- its end -- */

static bool
has_ended(int *status)
{
	pid_t got = waitpid(gateway, status, WNOHANG);

	if (got != gateway && !(got < 0 && errno == ECHILD))
		return false;
	gateway = 0;
	return true;
}

/* What is under way there is answered if that is quickly done: sessions of it would stand in the way of who drops the database */
static void
end_gateway(int code, Datum arg)
{
	int status;

	if (gateway == 0)
		return;
	kill(gateway, SIGTERM);
	for (int i = 0; i < STEPS_TO_END; i++)
	{
		if (has_ended(&status))
			return;
		pg_usleep(STEP_US);
	}
	kill(gateway, SIGKILL);
	while (waitpid(gateway, &status, 0) < 0 && errno == EINTR)
		;
	gateway = 0;
}

static void
note_end(int status)
{
	TimestampTz now = GetCurrentTimestamp();

	failures = now - begun > GOOD_LIFE ? 0 : failures + 1;
	next = now + Min(FIRST_DELAY << Min(failures, 10), LONGEST_DELAY);
	ereport(LOG,
			(errmsg("ingest_api: the gateway ended by itself and is started again in %d seconds",
					(int) ((next - now) / USECS_PER_SEC)),
			 WIFSIGNALED(status)
				 ? errdetail("It was ended by signal %d.", WTERMSIG(status))
				 : errdetail("Its code is %d; its own messages precede this one.", WEXITSTATUS(status))));
}

/* -- its beginning -- */

/* Where it finds the database, and as whom; a password that somebody set stands there, too */
static char *
dsn(void)
{
	char *sockets = pstrdup(Unix_socket_directories ? Unix_socket_directories : "");
	StringInfoData text;
	const char *values[3];
	static const char *const keys[] = {"host", "dbname", "user"};

	if (api_gateway_dsn[0])
		return api_gateway_dsn;
	sockets[strcspn(sockets, ",")] = '\0';
	values[0] = sockets[0] ? sockets : "127.0.0.1";
	values[1] = database;
	values[2] = api_authenticator;
	initStringInfo(&text);
	appendStringInfo(&text, "port=%d", PostPortNumber);
	for (int i = 0; i < 3; i++)
	{
		appendStringInfo(&text, " %s='", keys[i]);
		for (const char *c = values[i]; *c; c++)
			appendStringInfo(&text, *c == '\'' || *c == '\\' ? "\\%c" : "%c", *c);
		appendStringInfoChar(&text, '\'');
	}
	return text.data;
}

static void
split_arguments(char **arguments, int n)
{
	char *rest = pstrdup(api_gateway_options);

	for (char *word = strtok(rest, " \t\n"); word; word = strtok(NULL, " \t\n"))
	{
		if (n == MOST_ARGUMENTS - 1)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("ingest_api.gateway_options has more than %d words", MOST_ARGUMENTS - 6)));
		arguments[n++] = word;
	}
	arguments[n] = NULL;
}

/* In the child: nothing of the server's is left but standard error */
static void
become_gateway(const char *path, char **arguments, int in, pid_t parent)
{
	char *environment[] = {NULL};
	sigset_t none;

	for (int i = 1; i < NSIG; i++)
		signal(i, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || getppid() != parent)
		_exit(125);
	if (dup2(in, STDIN_FILENO) < 0 || dup2(open("/dev/null", O_WRONLY), STDOUT_FILENO) < 0 || close_range(STDERR_FILENO + 1, ~0U, 0) != 0)
		_exit(125);
	execve(path, arguments, environment);
	_exit(errno == ENOENT ? 127 : 126);
}

static void
begin_gateway(void)
{
	char path[MAXPGPATH];
	char *arguments[MOST_ARGUMENTS] = {PROGRAM, "--listen", api_listen, "--conn-fd", "0"};
	char *text = dsn();
	pid_t parent = getpid();
	int ends[2];

	split_arguments(arguments, 5);
	strlcpy(path, my_exec_path, sizeof(path));
	get_parent_directory(path);
	join_path_components(path, path, PROGRAM);
	if (pipe2(ends, O_CLOEXEC) != 0)
		ereport(ERROR, (errcode_for_socket_access(), errmsg("could not create a pipe: %m")));
	/* it fits into the pipe, which holds 64 kB: nobody is waited for */
	if (strlen(text) > 32768 || write(ends[1], text, strlen(text)) != (ssize_t) strlen(text))
	{
		close(ends[0]);
		close(ends[1]);
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("ingest_api.gateway_dsn is too long")));
	}
	close(ends[1]);
	fflush(NULL);
	begun = GetCurrentTimestamp();
	gateway = fork();
	if (gateway == 0)
		become_gateway(path, arguments, ends[0], parent);
	close(ends[0]);
	if (gateway < 0)
	{
		gateway = 0;
		ereport(ERROR, (errmsg("could not start a process for the gateway: %m")));
	}
	ereport(LOG, (errmsg("ingest_api: the gateway is started as process %d, to listen on %s", (int) gateway, api_listen)));
}

/* -- the database -- */

static char *
value_of(const char *sql)
{
	MemoryContext context = CurrentMemoryContext;
	char *value = NULL;

	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	SPI_connect();
	PushActiveSnapshot(GetTransactionSnapshot());
	if (SPI_execute(sql, false, 1) == SPI_OK_SELECT && SPI_processed == 1)
		value = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
	value = value ? MemoryContextStrdup(context, value) : NULL;
	SPI_finish();
	PopActiveSnapshot();
	CommitTransactionCommand();
	MemoryContextSwitchTo(context);
	pgstat_report_stat(false);
	pgstat_report_activity(STATE_IDLE, NULL);
	return value;
}

/* What was set for this database since this process began: the next one has it.  Without the extension there is none */
static void
look_up(void)
{
	static char *known = NULL;
	char *now = value_of("SELECT coalesce((SELECT pg_catalog.string_agg(pg_catalog.array_to_string(s.setconfig, E'\\n'), E'\\n' ORDER BY s.setdatabase, s.setrole) FROM pg_catalog.pg_db_role_setting s "
						 "WHERE s.setdatabase IN (0, (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())) "
						 "AND s.setrole IN (0, (SELECT r.oid FROM pg_catalog.pg_roles r WHERE r.rolname = session_user))), '') FROM pg_catalog.pg_extension e WHERE e.extname = 'ingest_api'");

	if (now == NULL || (known && strcmp(known, now) != 0))
		proc_exit(0);
	if (known == NULL)
		known = MemoryContextStrdup(TopMemoryContext, now);
}

static void
tell(TimestampTz now)
{
	static TimestampTz told = 0;

	if (gateway == 0 || now < told + TELL_EVERY || now < begun + FIRST_DELAY)
		return;
	told = now;
	(void) value_of("SELECT ingest_internal.service_lives()");
}

/* -- the worker -- */

static void
child_ended(SIGNAL_ARGS)
{
	int save_errno = errno;

	SetLatch(MyLatch);
	errno = save_errno;
}

/* With other settings it is another gateway */
static void
reload(void)
{
	char *before = psprintf("%s\n%s\n%s", api_listen, api_gateway_dsn, api_gateway_options);

	ConfigReloadPending = false;
	ProcessConfigFile(PGC_SIGHUP);
	if (strcmp(before, psprintf("%s\n%s\n%s", api_listen, api_gateway_dsn, api_gateway_options)) == 0)
	{
		/* certificates are read again */
		if (gateway != 0)
			kill(gateway, SIGHUP);
		return;
	}
	end_gateway(0, (Datum) 0);
	failures = 0;
	next = 0;
}

void
ingest_api_service_main(Datum arg)
{
	MemoryContext context = AllocSetContextCreate(TopMemoryContext, "ingest_api", ALLOCSET_SMALL_SIZES);
	TimestampTz looked = 0;

	before_shmem_exit(end_gateway, (Datum) 0);
	pqsignal(SIGCHLD, child_ended);
	SetConfigOption("search_path", "pg_catalog, pg_temp", PGC_USERSET, PGC_S_SESSION);
	SetConfigOption("default_transaction_read_only", "off", PGC_USERSET, PGC_S_SESSION);
	database = MemoryContextStrdup(TopMemoryContext, value_of("SELECT pg_catalog.current_database()"));
	/* said once, so that a gateway which never comes up is a silence, too */
	(void) value_of("SELECT ingest_internal.service_lives()");
	for (;;)
	{
		TimestampTz now = GetCurrentTimestamp();
		int status;

		MemoryContextSwitchTo(context);
		MemoryContextReset(context);
		CHECK_FOR_INTERRUPTS();
		if (ConfigReloadPending)
			reload();
		if (gateway != 0 && has_ended(&status))
			note_end(status);
		if (now >= looked + LOOK_EVERY_MS * INT64CONST(1000) || now < looked)
		{
			looked = now;
			look_up();
		}
		if (gateway == 0 && api_listen[0] && (now >= next || now < begun))
			begin_gateway();
		tell(now);
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, gateway == 0 && api_listen[0] ? 500 : LOOK_EVERY_MS, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
	}
}
