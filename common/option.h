/*
 * option.h
 *		Options of servers, user mappings and foreign tables, by their names.
 */
#ifndef COMMON_OPTION_H
#define COMMON_OPTION_H

#include "nodes/parsenodes.h"
#include "nodes/pg_list.h"

/* The one of that name, or NULL */
extern DefElem *option_of(List *defs, const char *name);
/* What it says, or NULL */
extern char *option_text(List *defs, const char *name);

#endif /* COMMON_OPTION_H */
