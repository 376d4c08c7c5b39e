/*
 * frame.h
 *		What a worker and a helper program of its say to each other over a socket: frames of numbers and bytes.
 *
 * Nothing here is PostgreSQL's: programs beside the server use it as well.  Memory is
 * malloc's, and is overwritten before it goes, since secrets pass through it.  What comes
 * in is believed in nothing: a frame is either as it should be to its last byte, or bad.
 */
#ifndef COMMON_FRAME_H
#define COMMON_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Longer ones are bad; they hold at most an event, or the options of a sink */
#define MOST_OF_FRAME (32 * 1024 * 1024)

/* Bytes on their way: those from begin to end */
typedef struct FrameBuffer
{
	unsigned char *data;
	size_t begin;
	size_t end;
	size_t room;
	size_t frame;   /* where the one begins that is being written */
	bool no_memory; /* for something that was to be written */
	bool too_long;  /* the frame that is or was being written */
} FrameBuffer;

/* One that came, within its buffer: valid until more is received */
typedef struct Frame
{
	int kind;
	unsigned char *begin;
	unsigned char *at; /* what is read next */
	unsigned char *end;
	bool bad;
} Frame;

/* -- writing -- */

extern void frame_begin(FrameBuffer *out, int kind);
extern void frame_u8(FrameBuffer *out, uint8_t value);
extern void frame_u32(FrameBuffer *out, uint32_t value);
extern void frame_u64(FrameBuffer *out, uint64_t value);
/* bytes may be NULL, which is something else than none */
extern void frame_bytes(FrameBuffer *out, const void *bytes, size_t length);
extern void frame_text(FrameBuffer *out, const char *text);
/* False: there is no memory, or it is too_long; nothing of it is sent then */
extern bool frame_end(FrameBuffer *out);
/* The one that was begun is not sent */
extern void frame_undo(FrameBuffer *out);

/* -- reading: what is not there is 0 or NULL, and makes the frame bad -- */

/* 1: the next frame; 0: it is not whole yet; -1: what comes is no frame */
extern int frame_next(FrameBuffer *in, Frame *frame);
extern uint8_t frame_get_u8(Frame *frame);
extern uint32_t frame_get_u32(Frame *frame);
extern uint64_t frame_get_u64(Frame *frame);
/* A NUL follows them; NULL was written as such, or the frame is bad */
extern const char *frame_get_bytes(Frame *frame, size_t *length);
/* Never NULL, and with no NUL in it, or the frame is bad */
extern const char *frame_get_text(Frame *frame);
/* Was it read to its end, and well? */
extern bool frame_is_whole(const Frame *frame);
/* It held a secret */
extern void frame_forget(Frame *frame);

/* -- the socket; neither waits nor raises a signal -- */

/* 1: all was sent; 0: not yet; -1: the other side has gone */
extern int frame_flush(int fd, FrameBuffer *out);
/* 1: something came; 0: nothing; -1: the other side has gone, or there is no memory */
extern int frame_receive(int fd, FrameBuffer *in);
extern void frame_free(FrameBuffer *buffer);

#endif /* COMMON_FRAME_H */
