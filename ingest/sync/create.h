/*
 * create.h
 *		Making a sync; what alter_sync takes its arguments by, too.
 */
#ifndef INGEST_CREATE_H
#define INGEST_CREATE_H

#include "postgres.h"

#include "fmgr.h"
#include "ingest/base/row.h"

/* What an argument is as text; NULL if it is null */
extern char *argument_as_text(FunctionCallInfo fcinfo, int n);
/* An argument of type name[]; v is NULL if it is null, an error if it holds a null */
extern Texts argument_as_texts(FunctionCallInfo fcinfo, int n, const char *what);

#endif /* INGEST_CREATE_H */
