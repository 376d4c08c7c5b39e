/*
 * turn.h
 *		What a sink sends next, and what its answers mean for it.
 */
#ifndef DELIVERY_TURN_H
#define DELIVERY_TURN_H

#include "postgres.h"

#include "ingest_delivery/sink.h"

/* Sends what may be sent now */
extern void turn_send(Sink *sink, TimestampTz now);
/* Looks at answers that came; true if there were any */
extern bool turn_receive(Sink *sink, TimestampTz now);
/* Is there room for one more request? */
extern bool turn_has_room(Sink *sink, TimestampTz now);
/* When something of it is to be looked at again, if nothing happens before */
extern TimestampTz turn_next(Sink *sink, TimestampTz now);
#endif /* DELIVERY_TURN_H */
