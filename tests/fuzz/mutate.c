/*
 * mutate - the main of a fuzz target, for compilers that have no libFuzzer.
 *
 *   cc -Ilib ... tests/fuzz/mutate.c tests/fuzz/fuzz_stream.c libodesteer.a -o fuzz_stream
 *   ./fuzz_stream [-n MUTATIONS] [-S SEED] FILE...
 *
 * Passes each file to the target as it is, then MUTATIONS times with a few bytes changed at random.
 * Every other time the crc32 in the end record of a plain stream is corrected, because a wrong
 * one would hide all that follows. The bytes that caused a crash are in the file ./mutated.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

enum { ROOM = 1 << 20 };

static unsigned char original[ROOM], bent[2 * ROOM];
static uint64_t state;

static size_t
draw(size_t n)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (size_t)((state * 0x2545f4914f6cdd1d) >> 32) % n;
}

static size_t
mutate(size_t n)
{
	static const unsigned char odd[] = { 0, 1, 0x7f, 0x80, 0xff, 0x90, 0xc0, 0xc1, 0xc4, 0xc6, 0xca, 0xcb,
		0xcf, 0xd3, 0xd9, 0xdb, 0xdc, 0xdd, 0xde, 0xdf, '{', '"', '\n' };
	size_t at = draw(n), len, to;

	switch (draw(6)) {
	case 0:
		bent[at] ^= (unsigned char)(1u << draw(8));
		break;
	case 1:
		bent[at] = (unsigned char)draw(256);
		break;
	case 2:
		bent[at] = odd[draw(sizeof odd)];
		break;
	case 3:		/* remove a part */
		len = draw(n - at < 64 ? n - at : 64);
		memmove(bent + at, bent + at + len, n - at - len);
		n -= len;
		break;
	case 4:		/* repeat a part elsewhere */
		len = draw(n - at < 64 ? n - at : 64);
		to = draw(n);
		if (n + len <= ROOM) {
			unsigned char part[64];

			memcpy(part, bent + at, len);
			memmove(bent + to + len, bent + to, n - to);
			memcpy(bent + to, part, len);
			n += len;
		}
		break;
	case 5:		/* cut the end off */
		if (draw(8) == 0)
			n -= draw(n);
		break;
	}
	return n > 0 ? n : 1;
}

/* Corrects the checksum in the end record, "...crc32" + uint32. */
static void
mend(size_t n)
{
	static const unsigned char mark[] = "\x83\xa8odesteer\xa3" "end", sum[] = "\xa5" "crc32\xce";
	size_t at = n, k, i;
	uLong c;

	while (at > 0 && (n - at < sizeof mark - 1 || memcmp(bent + at, mark, sizeof mark - 1) != 0))
		at--;
	if (at == 0)
		return;
	for (k = at; k + sizeof sum - 1 + 4 <= n && memcmp(bent + k, sum, sizeof sum - 1) != 0; k++)
		;
	if (k + sizeof sum - 1 + 4 > n)
		return;
	c = crc32(0, bent, (uInt)at);
	for (i = 0; i < 4; i++)
		bent[k + sizeof sum - 1 + i] = (unsigned char)(c >> (24 - 8 * i));
}

static void
keep(size_t n)
{
	FILE *f = fopen("mutated", "wb");

	if (f == NULL || fwrite(bent, 1, n, f) != n || fclose(f) != 0) {
		perror("mutated");
		exit(1);
	}
}

int
main(int argc, char *argv[])
{
	unsigned long rounds = 10000, i;
	uint64_t seed = 1;
	int c;

	while ((c = getopt(argc, argv, "n:S:")) != -1) {
		if (c == '?')
			return 2;
		*(c == 'n' ? &rounds : &seed) = strtoul(optarg, NULL, 10);
	}
	if (optind == argc) {
		fprintf(stderr, "usage: %s [-n mutations] [-S seed] file ...\n", argv[0]);
		return 2;
	}
	for (; optind < argc; optind++) {
		FILE *f = fopen(argv[optind], "rb");
		size_t size;

		if (f == NULL) {
			perror(argv[optind]);
			return 1;
		}
		size = fread(original, 1, ROOM, f);
		fclose(f);
		if (size == 0 || size == ROOM) {
			fprintf(stderr, "'%s' is empty or too big\n", argv[optind]);
			return 1;
		}
		state = seed * 0x9e3779b97f4a7c15 + 1;
		for (i = 0; i <= rounds; i++) {
			size_t n = size, k = i == 0 ? 0 : 1 + draw(4);

			memcpy(bent, original, size);
			while (k-- > 0)
				n = mutate(n);
			if (i % 2 == 1)
				mend(n);
			keep(n);
			LLVMFuzzerTestOneInput(bent, n);
		}
		printf("'%s': %lu mutations\n", argv[optind], rounds);
	}
	unlink("mutated");
	return 0;
}
