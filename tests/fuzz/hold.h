/* hold - bytes as files, for fuzz targets of readers that need a path. */
#ifndef ODESTEER_FUZZ_HOLD_H
#define ODESTEER_FUZZ_HOLD_H

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

enum { HOLD_INPUT, HOLD_COPY, HOLD_BARRIER, HOLDS };

/*
 * Returns the path of a file in memory with these bytes. Each call replaces the bytes that `which`
 * had; the path is static.
 */
static inline const char *
hold(int which, const void *data, size_t size)
{
	static struct {
		char path[32];
		int fd;			/* 0: none yet */
	} all[HOLDS];
	int *fd = &all[which].fd;

	if (*fd == 0) {
		if ((*fd = memfd_create("fuzz", MFD_CLOEXEC)) <= 0) {
			perror("memfd_create");
			exit(1);
		}
		snprintf(all[which].path, sizeof all[which].path, "/proc/self/fd/%d", *fd);
	}
	if (ftruncate(*fd, 0) != 0 || pwrite(*fd, data, size, 0) != (ssize_t)size) {
		perror(all[which].path);
		exit(1);
	}
	return all[which].path;
}

/*
 * Returns a path for what a writer makes, which may rename its file. It is in memory, where fsync
 * takes no time, if there is such a folder.
 */
static inline const char *
hold_output(void)
{
	static char path[64];

	if (path[0] == '\0')
		snprintf(path, sizeof path, "%s/odesteer-fuzz.%ld", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp",
		    (long)getpid());
	return path;
}

/* Ends the run, whose input is then in the file `mutated`. */
static inline _Noreturn void
broken(const char *law, const char *why)
{
	fprintf(stderr, "broken: %s%s%s\n", law, *why != '\0' ? ": " : "", why);
	abort();
}

#endif
