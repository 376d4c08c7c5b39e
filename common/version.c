/*
 * version.c
 *		Are the library and the objects of an extension of one version?
 *
 * EXTENSION_NAME and EXTENSION_VERSION, from the control file, come from the Makefile
 * of the extension that this is compiled for.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "catalog/pg_extension.h"
#include "commands/extension.h"
#include "common/function.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"

/* The version of the extension's objects in this database; NULL if it is not here */
static char *
version_of_objects(void)
{
	Relation extensions = table_open(ExtensionRelationId, AccessShareLock);
	char *version = NULL;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple tuple;

	ScanKeyInit(&key, Anum_pg_extension_extname, BTEqualStrategyNumber, F_NAMEEQ, CStringGetDatum(EXTENSION_NAME));
	scan = systable_beginscan(extensions, ExtensionNameIndexId, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
	{
		bool isnull;
		Datum value = heap_getattr(tuple, Anum_pg_extension_extversion, RelationGetDescr(extensions), &isnull);

		if (!isnull)
			version = TextDatumGetCString(value);
	}
	systable_endscan(scan);
	table_close(extensions, AccessShareLock);
	return version;
}

bool
version_fits(int elevel)
{
	static bool known = false;
	char *objects;

	/* a script that makes or updates the extension, and pg_upgrade, are on their way to it */
	if (known || creating_extension || IsBinaryUpgrade || !IsTransactionState())
		return true;
	objects = version_of_objects();
	if (objects == NULL)
		return true;
	known = strcmp(objects, EXTENSION_VERSION) == 0;
	if (!known)
		ereport(elevel,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the library of extension \"%s\" is version %s, its objects in this database are version %s", EXTENSION_NAME, EXTENSION_VERSION, objects),
				 errhint("ALTER EXTENSION %s UPDATE if the library is newer; else install the library of version %s, and restart the server if it is preloaded.", EXTENSION_NAME, objects)));
	return known;
}
