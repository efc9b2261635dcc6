/*
 * Fuzzes score report, in each format by turns. It runs in a child, because it exits. It must end
 * with 0 and what its format allows, or with 1 and one line that says why. Built like fuzz_stream.c,
 * with tools/report.c. Useful seeds are streams of scored records.
 */
#include <fcntl.h>
#include <gsl/gsl_errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../tools/report.h"
#include "../../tools/tool.h"
#include "hold.h"

static void
usage(void)
{
}

const struct tool tool = { .name = "score", .usage = usage };

static _Noreturn void
report(char *format, char *path, const char *out, const char *err)
{
	char *argv[] = { "report", "--format", format, path, NULL };
	int to[2] = { open(out, O_WRONLY), open(err, O_WRONLY) };

	if (dup2(to[0], STDOUT_FILENO) < 0 || dup2(to[1], STDERR_FILENO) < 0)
		_exit(3);
	optind = 0;	/* mutate.c has used getopt */
	score_report(4, argv);
}

/* Reads the file into text[size] with a NUL. Returns its length. */
static size_t
read_text(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY);
	ssize_t n = read(fd, text, size - 1);

	close(fd);
	text[n > 0 ? n : 0] = '\0';
	return strlen(text);
}

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	static char formats[][16] = { "table", "csv", "json", "latex", "markdown" };
	static size_t turn;
	static char said[1 << 16];
	char *format = formats[turn++ % (sizeof formats / sizeof *formats)];
	char *path = strdup(hold(HOLD_INPUT, data, size));
	const char *out = hold(HOLD_COPY, "", 0), *err = hold(HOLD_BARRIER, "", 0);
	size_t n, i;
	json_t *v;
	pid_t child;
	int status;

	gsl_set_error_handler_off();
	fflush(NULL);
	if ((child = fork()) == 0)
		report(format, path, out, err);
	if (child < 0 || waitpid(child, &status, 0) != child)
		broken("there are processes", "");
	n = read_text(err, said, sizeof said);
	if (!WIFEXITED(status) || WEXITSTATUS(status) > 1)
		broken("a report ends with 0 or 1", said);
	if (WEXITSTATUS(status) == 0 && n > 0)
		broken("a good report says nothing", said);
	for (i = 0; i < n; i++)
		if ((unsigned char)said[i] < ' ' && (said[i] != '\n' || i + 1 < n))
			broken("a message is a line without control characters", said);
	if (WEXITSTATUS(status) == 1 && strncmp(said, "score: ", 7) != 0)
		broken("a failure has its message", said);
	if (WEXITSTATUS(status) == 0 && strcmp(format, "json") == 0) {
		if ((v = json_load_file(out, 0, NULL)) == NULL)
			broken("a report in JSON is JSON", "");
		json_decref(v);
	}
	free(path);
	return 0;
}
