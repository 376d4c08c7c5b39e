/*
 * input.h
 *		The text of a file: unpacked, and in the database's encoding.
 */
#ifndef FILES_INPUT_H
#define FILES_INPUT_H

#include "postgres.h"

#include "files_fdw/option.h"
#include "files_fdw/root.h"

typedef struct Input Input;

/* The file is open; info is what was listed: no more than that is read */
extern Input *input_new(RootFile *file, const FileInfo *info, Compression compression, FileEncoding encoding);
/* Is it read as it is, so that positions are bytes of the file? */
extern bool input_is_plain(const Input *in);
/* Of a plain one: go on there */
extern void input_seek(Input *in, int64 offset);
/* Some of what follows, at least a byte; 0: it is at its end.  What cannot be converted is shown as a NUL. */
extern size_t input_read(Input *in, char *to, size_t room);
extern const char *input_path(const Input *in);
/* At the end: an error if the file is not what it was when it was opened */
extern void input_check_same(const Input *in);
/* Bytes of the file that were read */
extern int64 input_bytes(const Input *in);
/* By its first bytes */
extern Compression compression_of(const unsigned char *head, size_t n);

#endif /* FILES_INPUT_H */
