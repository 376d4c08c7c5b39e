/*
 * retry.h
 *		How long to wait before the next attempt.
 */
#ifndef COMMON_RETRY_H
#define COMMON_RETRY_H

extern int retry_delay_ms(int attempt, int retry_after_s);

#endif /* COMMON_RETRY_H */
