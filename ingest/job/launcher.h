/*
 * launcher.h
 *		The launcher: it knows databases, and starts a scheduler in each that has the extension.
 */
#ifndef INGEST_LAUNCHER_H
#define INGEST_LAUNCHER_H

/* Settings of the engine's processes, and the launcher itself where the library is preloaded */
extern void launcher_settings(void);

#endif /* INGEST_LAUNCHER_H */
