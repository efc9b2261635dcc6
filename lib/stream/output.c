#include "stream/output.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

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
 * Returns the absolute path of the file that path names, without symbolic
 * links. It need not exist, but its folder must. The caller frees it. Returns
 * NULL with errno set on failure.
 */
static char *
resolve(const char *path)
{
	const char *slash = strrchr(path, '/'), *name = slash != NULL ? slash + 1 : path;
	char *real = realpath(path, NULL), *folder;
	struct stat st;

	/* a link to nothing is refused, as open with O_EXCL would */
	if (real != NULL || errno != ENOENT || lstat(path, &st) == 0)
		return real;
	folder = slash != NULL ? strndup(path, (size_t)(name - path)) : strdup(".");
	if (folder != NULL && (real = realpath(folder, NULL)) != NULL) {
		char *whole = NULL;

		if (asprintf(&whole, "%s/%s", real, name) < 0)
			whole = NULL;
		free(real);
		real = whole;
	}
	free(folder);
	return real;
}

/*
 * Creates o->tmp with this mode beside the file at o->name, or where one will
 * be. Returns its descriptor, or -1 with errno set; then there is nothing to
 * remove.
 */
static int
create(struct output *o, mode_t mode)
{
	struct stat st;
	uint32_t unique;
	int fd = -1;

	if (lstat(o->name, &st) == 0 && S_ISLNK(st.st_mode))
		o->to = resolve(o->name);
	else
		o->to = strdup(o->name);
	if (o->to != NULL && getrandom(&unique, sizeof unique, 0) == (ssize_t)sizeof unique &&
	    asprintf(&o->tmp, "%s.%08" PRIx32 ".tmp", o->to, unique) < 0)
		o->tmp = NULL;
	if (o->tmp != NULL) {
		/* set first: a signal in between would leave the file */
		pending = o->tmp;
		fd = open(o->tmp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	}
	if ((o->fd = fd) < 0) {
		int error = errno;

		forget(o);
		errno = error;
	}
	return fd;
}

int
output_is_stdout(const char *path)
{
	struct stat st, out;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && fstat(STDOUT_FILENO, &out) == 0 &&
	    st.st_dev == out.st_dev && st.st_ino == out.st_ino;
}

int
output_open(struct output *o, const char *path, struct err *e)
{
	int standard = path == NULL || strcmp(path, "-") == 0, exists, fd;
	struct stat st;

	if ((o->name = strdup(standard ? "standard output" : path)) == NULL)
		return err_memory(e);
	exists = !standard && stat(path, &st) == 0;
	if (standard || output_is_stdout(path))
		/* a copy, for closing it here tells of a full disk */
		fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0);
	else if (exists && !S_ISREG(st.st_mode))
		/* a pipe or a device cannot be replaced */
		fd = open(path, O_WRONLY | O_CLOEXEC);
	else if ((fd = create(o, exists ? st.st_mode & 0777 : 0666)) >= 0)
		/* the umask may have taken bits away */
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

int
output_same(const char *a, const char *b)
{
	char *real_a = resolve(a), *real_b = resolve(b);
	int same = real_a != NULL && real_b != NULL && strcmp(real_a, real_b) == 0;

	free(real_a);
	free(real_b);
	return same;
}
