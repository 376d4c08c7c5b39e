/*
 * frame_fuzz.c
 *		Whatever comes over the socket between a worker and its helper: frames are read as both sides read
 *		them, in pieces as a socket gives them, and what was read is written and read once more.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/frame.h"
#include "test/fuzz/check.h"
#include "test/fuzz/replay.h"

/* The fields of a frame, in an order that its kind says; what was read goes into another */
static int
read_fields(Frame *frame, FrameBuffer *copy)
{
	unsigned how = frame->kind;

	frame_begin(copy, frame->kind);
	while (!frame->bad && frame->at < frame->end)
	{
		size_t length;
		const char *bytes;

		switch (how % 5)
		{
			case 0:
				frame_u8(copy, frame_get_u8(frame));
				break;
			case 1:
				frame_u32(copy, frame_get_u32(frame));
				break;
			case 2:
				frame_u64(copy, frame_get_u64(frame));
				break;
			case 3:
				bytes = frame_get_bytes(frame, &length);
				CHECK(bytes == NULL || bytes[length] == 0);
				frame_bytes(copy, bytes, length);
				break;
			default:
				bytes = frame_get_text(frame);
				CHECK(bytes != NULL);
				frame_text(copy, bytes);
				break;
		}
		how = how * 7 + 3;
	}
	if (frame->bad)
	{
		CHECK(!frame_is_whole(frame));
		frame_undo(copy);
		return 0;
	}
	return frame_end(copy);
}

static void
read_all(FrameBuffer *in)
{
	FrameBuffer copy = {0};
	Frame frame,
		again;

	while (frame_next(in, &frame) > 0)
	{
		size_t length = frame.end - frame.begin;

		CHECK(frame.end <= in->data + in->end);
		if (!read_fields(&frame, &copy))
			continue;
		/* what was understood is written as it was */
		CHECK(copy.end - copy.begin == length && memcmp(copy.data + copy.begin, frame.begin, length) == 0);
		CHECK(frame_next(&copy, &again) == 1);
		frame_forget(&frame);
	}
	frame_free(&copy);
}

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	FrameBuffer in = {0};
	int ends[2];

	if (size < 1 || socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0)
		return 0;
	for (size_t at = 1, n; at < size; at += n)
	{
		n = 1 + (data[0] * at) % 700;
		n = n < size - at ? n : size - at;
		CHECK(write(ends[0], data + at, n) == (ssize_t) n);
		CHECK(frame_receive(ends[1], &in) > 0);
		read_all(&in);
	}
	close(ends[0]);
	CHECK(frame_receive(ends[1], &in) < 0);
	close(ends[1]);
	frame_free(&in);
	return 0;
}
