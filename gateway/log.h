/*
 * log.h
 *		Lines of JSON on stderr.
 */
#ifndef GATEWAY_LOG_H
#define GATEWAY_LOG_H

/* level: info, warning, error */
extern void log_line(const char *level, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Something that makes going on impossible at the start: a line, and the end */
extern void give_up(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

#endif /* GATEWAY_LOG_H */
