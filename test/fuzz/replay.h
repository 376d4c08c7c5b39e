/*
 * replay.h
 *		With REPLAY a main() runs the files named, under any compiler's sanitizers; without it libFuzzer has its own.
 */
#ifndef FUZZ_REPLAY_H
#define FUZZ_REPLAY_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

extern int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#ifdef REPLAY

/* Without libFuzzer: run every file named, under any compiler's sanitizers */
int
main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
	{
		FILE *file = fopen(argv[i], "rb");
		uint8_t *data;
		long size;

		if (file == NULL || fseek(file, 0, SEEK_END) != 0 || (size = ftell(file)) < 0)
		{
			perror(argv[i]);
			return 1;
		}
		rewind(file);
		/* a block of its own, whose end the sanitizers watch */
		data = malloc(size > 0 ? size : 1);
		if (fread(data, 1, size, file) != (size_t) size)
		{
			perror(argv[i]);
			return 1;
		}
		fclose(file);
		LLVMFuzzerTestOneInput(data, size);
		free(data);
	}
	printf("%d inputs replayed under the sanitizers\n", argc - 1);
	return 0;
}

#endif

#endif /* FUZZ_REPLAY_H */
