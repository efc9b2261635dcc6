/*
 * mutate - the main of a fuzz target, for compilers that have no libFuzzer.
 *
 *   cc -Ilib ... tests/fuzz/mutate.c tests/fuzz/fuzz_stream.c libodesteer.a -o fuzz_stream
 *   ./fuzz_stream [-n MUTATIONS] [-s SECONDS] [-S SEED] FILE...
 *
 * Passes each file to the target as it is, then MUTATIONS times with a few bytes changed at random.
 * With -s, does this again until the time is over.
 * Every other time the crc32 in the end record of a plain stream is corrected, because a wrong
 * one would hide all that follows. The bytes that caused a crash are in the file ./mutated.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
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

/* Keeps the bytes in a file that stays open: some file systems flush one that is closed. */
static void
keep(size_t n)
{
	static int fd = -1;

	if (fd < 0)
		fd = open("mutated", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd < 0 || pwrite(fd, bent, n, 0) != (ssize_t)n || ftruncate(fd, (off_t)n) != 0) {
		perror("mutated");
		exit(1);
	}
}

/* Reads a file into original. Returns its size. */
static size_t
load(const char *path)
{
	FILE *f = fopen(path, "rb");
	size_t size;

	if (f == NULL) {
		perror(path);
		exit(1);
	}
	size = fread(original, 1, ROOM, f);
	fclose(f);
	if (size == 0 || size == ROOM) {
		fprintf(stderr, "'%s' is empty or too big\n", path);
		exit(1);
	}
	return size;
}

int
main(int argc, char *argv[])
{
	unsigned long rounds = ULONG_MAX, seconds = 0, seed = 1, count = 0, i;
	time_t end;
	int c, k;

	while ((c = getopt(argc, argv, "n:s:S:")) != -1) {
		if (c == '?')
			return 2;
		*(c == 'n' ? &rounds : c == 's' ? &seconds : &seed) = strtoul(optarg, NULL, 10);
	}
	if (optind == argc) {
		fprintf(stderr, "usage: %s [-n mutations] [-s seconds] [-S seed] file ...\n", argv[0]);
		return 2;
	}
	if (rounds == ULONG_MAX)
		rounds = seconds > 0 ? 100 : 10000;
	end = time(NULL) + (time_t)seconds;
	state = seed * 0x9e3779b97f4a7c15 + 1;
	argv += optind;
	argc -= optind;
	do
		for (k = 0; k < argc && (seconds == 0 || time(NULL) < end); k++) {
			size_t size = load(argv[k]);

			for (i = 0; i <= rounds; i++, count++) {
				size_t n = size, changes = i == 0 ? 0 : 1 + draw(4);

				memcpy(bent, original, size);
				while (changes-- > 0)
					n = mutate(n);
				if (i % 2 == 1)
					mend(n);
				keep(n);
				alarm(60);	/* a target that hangs is ended */
				LLVMFuzzerTestOneInput(bent, n);
			}
		}
	while (seconds > 0 && time(NULL) < end);
	printf("%lu executions\n", count);
	unlink("mutated");
	return 0;
}
