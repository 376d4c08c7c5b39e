/*
 * xml_part.h
 *		A part of a package that is XML: its elements, by their names without namespaces, one after the other.
 */
#ifndef FILES_XML_PART_H
#define FILES_XML_PART_H

#include "postgres.h"

#include "files_fdw/zip.h"

typedef struct XmlPart XmlPart;

/* What is called while the part is read.  They do not throw, but for want of memory: they say part_fail. */
typedef struct XmlHandlers
{
	void (*begin)(XmlPart *part, void *arg, const char *name, const char **attributes);
	void (*end)(XmlPart *part, void *arg, const char *name);
	void (*text)(XmlPart *part, void *arg, const char *text, int n); /* or NULL */
} XmlHandlers;

/* An error if it is not there.  Gone with the current memory context. */
extern XmlPart *part_open(Zip *zip, const char *name, const XmlHandlers *handlers, void *arg);
/* On, until part_pause or the end; false: the end */
extern bool part_more(XmlPart *part);
extern void part_read(XmlPart *part);
extern void part_pause(XmlPart *part);
/* It is not what it should be: part_more raises that */
extern void part_fail(XmlPart *part, const char *format, ...) pg_attribute_printf(2, 3);
/* NULL: the element does not have it */
extern const char *attribute_of(const char **attributes, const char *name);

#endif /* FILES_XML_PART_H */
