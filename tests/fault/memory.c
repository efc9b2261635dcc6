/*
 * memory - a library to preload that lets one allocation of a program fail.
 *
 *   FAULT=12 FAULT_HIT=file LD_PRELOAD=build/tests/memory.so command ...
 *
 * Counts the calls of malloc, calloc, realloc, aligned_alloc and posix_memalign in all threads together. The 12th
 * fails, and the file FAULT_HIT appears.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);
void *__libc_memalign(size_t, size_t);

static const char *hit;
static unsigned long wanted;
static atomic_ulong count;

__attribute__((constructor)) static void
start(void)
{
	if (getenv("FAULT") != NULL && (hit = getenv("FAULT_HIT")) != NULL)
		wanted = strtoul(getenv("FAULT"), NULL, 10);
}

/* Returns whether this allocation is to fail. */
static int
fails(void)
{
	if (wanted == 0 || atomic_fetch_add(&count, 1) + 1 != wanted)
		return 0;
	syscall(SYS_close, syscall(SYS_openat, AT_FDCWD, hit, O_WRONLY | O_CREAT, 0666));
	errno = ENOMEM;
	return 1;
}

void *
malloc(size_t n)
{
	return fails() ? NULL : __libc_malloc(n);
}

void *
calloc(size_t n, size_t size)
{
	return fails() ? NULL : __libc_calloc(n, size);
}

void *
realloc(void *p, size_t n)
{
	return fails() ? NULL : __libc_realloc(p, n);
}

void *
aligned_alloc(size_t align, size_t n)
{
	return fails() ? NULL : __libc_memalign(align, n);
}

int
posix_memalign(void **p, size_t align, size_t n)
{
	if (fails() || (*p = __libc_memalign(align, n)) == NULL)
		return ENOMEM;
	return 0;
}
