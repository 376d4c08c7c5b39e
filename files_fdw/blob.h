/*
 * blob.h
 *		Requests to Azure Blob Storage: who asks, how it is signed, what is said when it fails.
 */
#ifndef FILES_BLOB_H
#define FILES_BLOB_H

#include "postgres.h"

#include "common/azure.h"
#include "common/exchange.h"
#include "foreign/foreign.h"

typedef enum BlobAuth
{
	BLOB_KEY,      /* the account's key signs each request */
	BLOB_SAS,      /* a signature that was given is part of the address */
	BLOB_IDENTITY, /* the token of an Azure identity is shown */
	BLOB_NONE      /* of a container that everybody may read */
} BlobAuth;

/* A folder of a container, and who asks for it */
typedef struct BlobStore
{
	char *server;    /* the foreign server's name, for words */
	char *base;      /* https://account.blob.core.windows.net, as it is sent */
	char *account;   /* that is signed for */
	char *container; /* the path of it: /container, or /account/container where the host is no account's */
	char *folder;    /* empty, or with a slash at its end */
	BlobAuth auth;
	char *secret; /* key, or signature */
	AzureIdentity *identity;
	char *in_vault; /* reference to the secret, or NULL */
} BlobStore;

/* Is the root an address rather than a folder of the server? */
extern bool blob_is_address(const char *where);
/* An error unless it is one of a container */
extern void blob_check_address(const char *option, const char *where);
/* In the current memory context */
extern BlobStore *blob_store(ForeignServer *server, const char *where, Oid userid);

/* What a path is called in the container; of what paths begin with, what their names do */
extern char *blob_name(const BlobStore *store, const char *path);
extern char *blob_base64(const void *bytes, int n);

typedef struct BlobParam
{
	const char *name;
	const char *value;
} BlobParam;

/* A request under way, in a memory context of its own below the current one, with which it goes */
typedef struct BlobCall BlobCall;

/* Of the container; params in the order of their names */
extern BlobCall *blob_list_start(BlobStore *store, const BlobParam *params, int n);
/* So many bytes of a blob, if it has that version */
extern BlobCall *blob_read_start(BlobStore *store, const char *path, const char *version, int64 from, int64 n);
/* Writes, or takes a blob away; only_new: unless there is one of its name.  The body is copied */
extern BlobCall *blob_write_start(BlobStore *store, const char *method, const char *path, const BlobParam *params, int n,
								  const char *body, size_t len, bool only_new);
/* Waits; did what was asked for ahead come, so that blob_wait need not ask anew? */
extern bool blob_came(BlobCall *call);
/* Waits; an error unless it was answered as it should be.  What came is the call's */
extern HttpRequest *blob_wait(BlobCall *call);
/* The same of what was written; false: there is one of its name already, or none to take away */
extern bool blob_written(BlobCall *call);
extern void blob_end(BlobCall *call);

#endif /* FILES_BLOB_H */
