/* requantise FROM TO - a Q8_0 copy of a GGUF file, for the set-up of the default model. */
#include <stdio.h>

#include "model/lm.h"

int
main(int argc, char *argv[])
{
	struct err e;

	if (argc != 3) {
		fprintf(stderr, "usage: requantise FROM TO\n");
		return 2;
	}
	if (lm_requantise(argv[1], argv[2], &e) != 0) {
		fprintf(stderr, "requantise: %s\n", e.text);
		return 1;
	}
	return 0;
}
