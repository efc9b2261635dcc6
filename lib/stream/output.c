#include "stream/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char *volatile pending;

const char *
output_pending(void)
{
	return pending;
}

/* It has no other name to come from. */
static int
is_special(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && !S_ISREG(st.st_mode);
}

int
output_open(struct output *o, const char *path, struct err *e)
{
	int fd;

	if (path == NULL || strcmp(path, "-") == 0) {
		if ((o->name = strdup("standard output")) == NULL)
			return err_memory(e);
		/* a copy, for closing it here tells of a full disk */
		fd = dup(STDOUT_FILENO);
	} else {
		if ((o->name = strdup(path)) == NULL)
			return err_memory(e);
		if (!is_special(path)) {
			if ((o->tmp = malloc(strlen(path) + 5)) == NULL)
				return err_memory(e);
			sprintf(o->tmp, "%s.tmp", path);
			/* set first: a signal in between would leave it */
			pending = o->tmp;
		}
		fd = open(o->tmp != NULL ? o->tmp : path,
		    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	}
	if (fd < 0) {
		output_fail(o, e);
		/* it is not ours to remove */
		pending = NULL;
		free(o->tmp);
		o->tmp = NULL;
		return -1;
	}
	return fd;
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
	if (rename(o->tmp, o->name) != 0)
		return err_set(e, "cannot rename '%s' to '%s': %s", o->tmp, o->name,
		    strerror(errno));
	pending = NULL;
	free(o->tmp);
	o->tmp = NULL;
	return 0;
}

void
output_release(struct output *o)
{
	if (o->file != NULL)
		fclose(o->file);
	if (o->tmp != NULL) {
		unlink(o->tmp);
		pending = NULL;
	}
	free(o->tmp);
	free(o->name);
	*o = (struct output){ 0 };
}
