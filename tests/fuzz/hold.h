/* hold - what fuzz targets of readers that take a path share. */
#ifndef ODESTEER_FUZZ_HOLD_H
#define ODESTEER_FUZZ_HOLD_H

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* The path of a file in memory that holds these bytes; static, and there is one such file. */
static inline const char *
hold(const unsigned char *data, size_t size)
{
	static char path[32];
	static int fd = -1;

	if (fd < 0) {
		if ((fd = memfd_create("fuzz", MFD_CLOEXEC)) < 0) {
			perror("memfd_create");
			exit(1);
		}
		snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	}
	if (ftruncate(fd, 0) != 0 || pwrite(fd, data, size, 0) != (ssize_t)size) {
		perror(path);
		exit(1);
	}
	return path;
}

#endif
