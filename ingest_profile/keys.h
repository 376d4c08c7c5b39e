/*
 * keys.h
 *		What looking for keys and looking for references to them share.
 */
#ifndef PROFILE_KEYS_H
#define PROFILE_KEYS_H

#include "postgres.h"

#include "fmgr.h"
#include "ingest_profile/table.h"

extern Profiled *profile_relation(FunctionCallInfo fcinfo, Oid relation);
extern bool groupable(const Sketch *s);
extern bool may_be_unique(const Sketch *s);

#endif /* PROFILE_KEYS_H */
