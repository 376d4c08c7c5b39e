/*
 * producer.h
 *		A sink's producer: librdkafka, used so that nothing is lost, overtaken or waited for.
 */
#ifndef KAFKA_PRODUCER_H
#define KAFKA_PRODUCER_H

#include <stdint.h>

#include "common/frame.h"

typedef struct Producer Producer;

/* What answers are written to; happened: a descriptor of eventfd() by which producers say that they have something */
extern void producers_begin(FrameBuffer *out, int happened);
/* Networks that producers may connect to although they are private: a list; false: it is none */
extern bool producers_allow(const char *networks);

/* Frames of the worker, whose kind has been read.  False: the frame is bad */
extern bool producer_open(Frame *frame);
extern bool producer_close(Frame *frame);
extern bool producer_send(Frame *frame);
extern bool producer_token(Frame *frame);

/* Looks at what happened to all of them.  True: there is more to look at */
extern bool producers_look(void);
/* Messages for which no answer comes are given up; in how many ms to ask again, -1: nothing is waited for */
extern int producers_expire(void);

#endif /* KAFKA_PRODUCER_H */
