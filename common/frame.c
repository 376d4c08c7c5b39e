/*
 * frame.c
 *		Frames: four bytes of length, one of the kind, then numbers with their highest byte first, and bytes
 *		with their length before them and a NUL behind.
 */
#include "common/frame.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define HEAD 5
#define LEAST_ROOM (64 * 1024)
/* An empty buffer that is larger is given back */
#define KEPT_ROOM (4 * 1024 * 1024)
/* The length of what is NULL */
#define LENGTH_OF_NULL UINT32_MAX

/* -- memory -- */

void
frame_free(FrameBuffer *buffer)
{
	if (buffer->data)
	{
		explicit_bzero(buffer->data, buffer->room);
		free(buffer->data);
	}
	memset(buffer, 0, sizeof(FrameBuffer));
}

/* What is there moves to the front */
static void
pack(FrameBuffer *buffer)
{
	size_t end = buffer->end;

	if (buffer->begin == 0)
		return;
	memmove(buffer->data, buffer->data + buffer->begin, end - buffer->begin);
	buffer->frame -= buffer->begin;
	buffer->end -= buffer->begin;
	buffer->begin = 0;
	explicit_bzero(buffer->data + buffer->end, end - buffer->end);
}

static bool
make_room(FrameBuffer *buffer, size_t more)
{
	size_t room = buffer->room < LEAST_ROOM ? LEAST_ROOM : buffer->room;
	unsigned char *data;

	if (buffer->room - buffer->end >= more)
		return true;
	/* packed only where that makes much room, so that a byte is moved once or twice in its life */
	if (buffer->begin >= buffer->room / 2)
		pack(buffer);
	if (buffer->room - buffer->end >= more)
		return true;
	while (room - buffer->end < more)
		room *= 2;
	data = malloc(room);
	if (data == NULL)
		return false;
	if (buffer->data)
	{
		memcpy(data, buffer->data, buffer->end);
		explicit_bzero(buffer->data, buffer->room);
		free(buffer->data);
	}
	buffer->data = data;
	buffer->room = room;
	return true;
}

/* -- writing -- */

static void
put(FrameBuffer *out, const void *bytes, size_t length)
{
	if (out->no_memory || out->too_long)
		return;
	out->too_long = length > MOST_OF_FRAME - (out->end - out->frame);
	out->no_memory = !out->too_long && !make_room(out, length);
	if (out->too_long || out->no_memory)
		return;
	if (length > 0)
		memcpy(out->data + out->end, bytes, length);
	out->end += length;
}

static void
set_u32(unsigned char *at, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		at[i] = value >> (24 - 8 * i);
}

void
frame_begin(FrameBuffer *out, int kind)
{
	unsigned char head[HEAD] = {0};

	out->no_memory = out->too_long = false;
	out->frame = out->end;
	head[4] = kind;
	put(out, head, sizeof(head));
}

void
frame_u8(FrameBuffer *out, uint8_t value)
{
	put(out, &value, 1);
}

void
frame_u32(FrameBuffer *out, uint32_t value)
{
	unsigned char bytes[4];

	set_u32(bytes, value);
	put(out, bytes, sizeof(bytes));
}

void
frame_u64(FrameBuffer *out, uint64_t value)
{
	frame_u32(out, value >> 32);
	frame_u32(out, value);
}

void
frame_bytes(FrameBuffer *out, const void *bytes, size_t length)
{
	if (bytes == NULL)
	{
		frame_u32(out, LENGTH_OF_NULL);
		return;
	}
	frame_u32(out, length < MOST_OF_FRAME ? length : MOST_OF_FRAME);
	put(out, bytes, length);
	frame_u8(out, 0);
}

void
frame_text(FrameBuffer *out, const char *text)
{
	frame_bytes(out, text, strlen(text));
}

void
frame_undo(FrameBuffer *out)
{
	if (out->data)
		explicit_bzero(out->data + out->frame, out->end - out->frame);
	out->end = out->frame;
	out->no_memory = false;
}

bool
frame_end(FrameBuffer *out)
{
	size_t length;

	if (out->no_memory || out->too_long)
	{
		frame_undo(out);
		return false;
	}
	length = out->end - out->frame - 4;
	set_u32(out->data + out->frame, length);
	return true;
}

/* -- reading -- */

static uint32_t
u32_at(const unsigned char *at)
{
	return (uint32_t) at[0] << 24 | (uint32_t) at[1] << 16 | (uint32_t) at[2] << 8 | at[3];
}

int
frame_next(FrameBuffer *in, Frame *frame)
{
	size_t here = in->end - in->begin;
	uint32_t length;

	if (here < HEAD)
		return 0;
	length = u32_at(in->data + in->begin);
	if (length < 1 || length > MOST_OF_FRAME)
		return -1;
	if (here - 4 < length)
		return 0;
	frame->begin = in->data + in->begin;
	frame->kind = frame->begin[4];
	frame->at = frame->begin + HEAD;
	frame->end = frame->begin + 4 + length;
	frame->bad = false;
	in->begin += 4 + (size_t) length;
	return 1;
}

static const unsigned char *
take(Frame *frame, size_t n)
{
	const unsigned char *at = frame->at;

	if (frame->bad || (size_t) (frame->end - frame->at) < n)
	{
		frame->bad = true;
		return NULL;
	}
	frame->at += n;
	return at;
}

uint8_t
frame_get_u8(Frame *frame)
{
	const unsigned char *at = take(frame, 1);

	return at ? *at : 0;
}

uint32_t
frame_get_u32(Frame *frame)
{
	const unsigned char *at = take(frame, 4);

	return at ? u32_at(at) : 0;
}

uint64_t
frame_get_u64(Frame *frame)
{
	uint64_t high = frame_get_u32(frame);

	return high << 32 | frame_get_u32(frame);
}

const char *
frame_get_bytes(Frame *frame, size_t *length)
{
	uint32_t n = frame_get_u32(frame);
	const unsigned char *at;

	*length = 0;
	if (frame->bad || n == LENGTH_OF_NULL)
		return NULL;
	at = take(frame, (size_t) n + 1);
	if (at == NULL || at[n] != 0)
	{
		frame->bad = true;
		return NULL;
	}
	*length = n;
	return (const char *) at;
}

const char *
frame_get_text(Frame *frame)
{
	size_t length;
	const char *text = frame_get_bytes(frame, &length);

	if (text == NULL || strlen(text) != length)
		frame->bad = true;
	return frame->bad ? "" : text;
}

bool
frame_is_whole(const Frame *frame)
{
	return !frame->bad && frame->at == frame->end;
}

void
frame_forget(Frame *frame)
{
	explicit_bzero(frame->begin, frame->end - frame->begin);
}

/* -- the socket -- */

static bool
is_passing(int error)
{
	return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

/* An empty buffer begins anew */
static void
is_empty(FrameBuffer *buffer)
{
	if (buffer->room > KEPT_ROOM)
		frame_free(buffer);
	buffer->begin = buffer->end = buffer->frame = 0;
}

int
frame_flush(int fd, FrameBuffer *out)
{
	while (out->begin < out->end)
	{
		ssize_t n = send(fd, out->data + out->begin, out->end - out->begin, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0)
			return is_passing(errno) ? 0 : -1;
		explicit_bzero(out->data + out->begin, n);
		out->begin += n;
	}
	is_empty(out);
	return 1;
}

int
frame_receive(int fd, FrameBuffer *in)
{
	ssize_t n;

	if (in->begin == in->end)
		is_empty(in);
	/* what is not whole yet begins at the front, so that it can grow to the longest */
	if (in->room - in->end < LEAST_ROOM / 2)
		pack(in);
	if (!make_room(in, LEAST_ROOM / 2))
		return -1;
	n = recv(fd, in->data + in->end, in->room - in->end, MSG_DONTWAIT);
	if (n < 0)
		return is_passing(errno) ? 0 : -1;
	if (n == 0)
		return -1;
	in->end += n;
	return 1;
}
