#include "stream/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	TRIES = 100,
	ROOM = 40	/* for ".PID-N.tmp" and its NUL */
};

static char *volatile pending;

const char *
output_pending(void)
{
	return pending;
}

static void
forget(struct output *o)
{
	pending = NULL;
	free(o->tmp);
	free(o->to);
	o->tmp = o->to = NULL;
}

/*
 * Creates o->tmp beside the file at o->name, or where one will be. Returns its
 * descriptor, or -1 with errno set; then there is nothing to remove.
 */
static int
create(struct output *o)
{
	struct stat st;
	int fd = -1, n;

	o->to = lstat(o->name, &st) == 0 && S_ISLNK(st.st_mode) ? realpath(o->name, NULL) : NULL;
	if (o->to == NULL && (o->to = strdup(o->name)) == NULL)
		return -1;
	if ((o->tmp = malloc(strlen(o->to) + ROOM)) != NULL)
		for (n = 0; n < TRIES; n++) {
			sprintf(o->tmp, "%s.%ld-%d.tmp", o->to, (long)getpid(), n);
			/* set first: a signal in between would leave the file */
			pending = o->tmp;
			fd = open(o->tmp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
			/* another machine's process may have this number */
			if (fd >= 0 || errno != EEXIST)
				break;
		}
	if ((o->fd = fd) < 0)
		forget(o);
	return fd;
}

int
output_open(struct output *o, const char *path, struct err *e)
{
	int standard = path == NULL || strcmp(path, "-") == 0, exists, fd;
	struct stat st;

	if ((o->name = strdup(standard ? "standard output" : path)) == NULL)
		return err_memory(e);
	exists = !standard && stat(path, &st) == 0;
	if (standard)
		/* a copy, for closing it here tells of a full disk */
		fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0);
	else if (exists && !S_ISREG(st.st_mode))
		/* a pipe or a device cannot be replaced */
		fd = open(path, O_WRONLY | O_CLOEXEC);
	else if ((fd = create(o)) >= 0)
		fd = exists && fchmod(fd, st.st_mode & 0777) != 0 ? -1 :
		    fcntl(fd, F_DUPFD_CLOEXEC, 0);
	return fd >= 0 ? fd : output_fail(o, e);
}

FILE *
output_fopen(struct output *o, const char *path, struct err *e)
{
	int fd = output_open(o, path, e);

	if (fd >= 0 && (o->file = fdopen(fd, "wb")) == NULL) {
		close(fd);
		err_memory(e);
	}
	return o->file;
}

int
output_fail(const struct output *o, struct err *e)
{
	return err_set(e, "cannot write '%s': %s", o->name, strerror(errno));
}

int
output_commit(struct output *o, struct err *e)
{
	if (o->file != NULL) {
		int failed = fflush(o->file) != 0 || ferror(o->file);

		failed |= fclose(o->file) != 0;
		o->file = NULL;
		if (failed)
			return output_fail(o, e);
	}
	if (o->tmp == NULL)
		return 0;
	if (fsync(o->fd) != 0)
		return output_fail(o, e);
	if (rename(o->tmp, o->to) != 0)
		return err_set(e, "cannot rename '%s' to '%s': %s", o->tmp, o->to, strerror(errno));
	close(o->fd);
	forget(o);
	return 0;
}

void
output_release(struct output *o)
{
	if (o->file != NULL)
		fclose(o->file);
	if (o->tmp != NULL) {
		unlink(o->tmp);
		close(o->fd);
		forget(o);
	}
	free(o->name);
	*o = (struct output){ 0 };
}

/* Sets *st to the folder of path, and returns the rest of path. */
static const char *
split(const char *path, struct stat *st)
{
	const char *slash = strrchr(path, '/');
	char *folder = slash != NULL ? strndup(path, (size_t)(slash + 1 - path)) : NULL;

	memset(st, 0, sizeof *st);
	stat(folder != NULL ? folder : ".", st);
	free(folder);
	return slash != NULL ? slash + 1 : path;
}

int
output_same(const char *a, const char *b)
{
	struct stat in_a, in_b;

	return strcmp(split(a, &in_a), split(b, &in_b)) == 0 && in_a.st_dev == in_b.st_dev &&
	    in_a.st_ino == in_b.st_ino;
}
