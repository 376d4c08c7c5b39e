/*
 * files.h
 *		Static files: read once, at the start, so that no path of a request is ever a path of the machine.
 */
#ifndef GATEWAY_FILES_H
#define GATEWAY_FILES_H

#include "gateway/connection.h"

/* All regular files below a folder, at / and their path in it, and the console's at /console/; NULL: none, and the console's where it was installed */
extern void files_begin(const char *folder, const char *console);
extern bool files_have(Slice path);
/* Answers a request whose path they have */
extern void files_answer(Connection *c);

#endif /* GATEWAY_FILES_H */
