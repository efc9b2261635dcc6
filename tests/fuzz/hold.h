/* hold - bytes as a file, for fuzz targets of readers that need a path. */
#ifndef ODESTEER_FUZZ_HOLD_H
#define ODESTEER_FUZZ_HOLD_H

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* Returns the path of a file in memory with these bytes. Each call replaces the bytes; the path is static. */
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
