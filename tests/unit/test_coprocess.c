/*
 * Tests coprocess with correct and with broken filters: its messages, and that
 * no process or file is left. The filters are this program itself, with their
 * name as its argument.
 */
#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "steer/coprocess.h"
#include "stream/sink.h"
#include "stream/stream.h"
#include "tap.h"

enum { DIM = 300, BLOCK = 3, MOST = 512 };

static const char *self;

/* ---- the filters ---- */

static void
give_up(void)
{
	_exit(99);
}

static struct record *
next(struct stream *in)
{
	struct record *r = record_alloc();
	struct err e;

	if (r == NULL || stream_read(in, r, &e) != 1) {
		record_free(r);
		return NULL;
	}
	return r;
}

/* Adds 1 to "act". */
static void
work(struct record *r, int half)
{
	float act[DIM];
	struct err e;
	size_t i;

	if (record_get_act(r, 0, act, DIM, &e) != 0)
		give_up();
	for (i = 0; i < DIM; i++)
		act[i] += 1;
	if (record_set_act(r, half, act, DIM, &e) != 0)
		give_up();
}

/* Repeatedly reads `group` records and answers them. */
static void
answer(struct stream *in, struct sink *out, size_t group, int half)
{
	static struct record *r[MOST];
	struct err e;
	size_t n, i;

	do {
		for (n = 0; n < group && (r[n] = next(in)) != NULL; n++)
			;
		for (i = 0; i < n; i++) {
			work(r[i], half);
			if (sink_write(out, r[i], &e) != 0 || sink_flush(out, &e) != 0)
				give_up();
			record_free(r[i]);
		}
	} while (n == group);
}

static void
answer_lines(struct stream *in, const struct header *h, const char *fault)
{
	char *line = header_to_json(h), *at;
	struct record *r;
	struct err e;

	puts(line);
	free(line);
	while ((r = next(in)) != NULL) {
		work(r, 0);
		record_unset(r, "id");
		line = record_to_json(r, 0, &e);
		if (*fault != '\0' && stream_count(in) == 2) {
			at = strstr(line, "[");
			printf("%.*s[%s,%s\n", (int)(at - line), line, fault, strchr(at, ',') + 1);
		} else
			puts(line);
		fflush(stdout);
		free(line);
		record_free(r);
	}
}

static int
be_filter(const char *name, long n)
{
	struct stream *in;
	struct sink *out;
	struct header h;
	struct record *r;
	struct err e;
	long i;
	int half = strcmp(name, "half") == 0, other = 4;

	if ((in = stream_open(NULL, 0, &e)) == NULL || header_copy(&h, stream_header(in)) != 0)
		give_up();
	h.half = half;
	if (strcmp(name, "dim") == 0)
		h.dim = 7;
	if (strcmp(name, "kind") == 0)
		h.kind = STREAM_COMPLETIONS;
	if (strcmp(name, "block") == 0)
		header_set_blocks(&h, &other, 1);
	if (strcmp(name, "model") == 0)
		header_set_model(&h, "other", "00");
	if (strcmp(name, "lines") == 0 || strcmp(name, "huge") == 0) {
		answer_lines(in, &h, name[0] == 'h' ? "1e39" : "");
		return (int)n;
	}
	if ((out = sink_open(NULL, 0, &h, &e)) == NULL)
		give_up();
	if (strcmp(name, "dim") == 0 || strcmp(name, "kind") == 0 || strcmp(name, "block") == 0 ||
	    strcmp(name, "model") == 0) {
		sink_flush(out, &e);
		pause();
	} else if (strcmp(name, "group") == 0 || half)
		answer(in, out, (size_t)n, half);
	else {	/* n correct answers, and then what the name says */
		for (i = 0; i < n; i++) {
			if ((r = next(in)) == NULL)
				give_up();
			work(r, 0);
			/* before the parent can write more to it */
			if (i == n - 1 &&
			    (strcmp(name, "deaf") == 0 || strcmp(name, "end") == 0 || strcmp(name, "stay") == 0))
				close(STDIN_FILENO);
			if (sink_write(out, r, &e) != 0 || sink_flush(out, &e) != 0)
				give_up();
			record_free(r);
		}
		if (strcmp(name, "exit") == 0)
			_exit(7);
		if (strcmp(name, "signal") == 0)
			raise(SIGKILL);
		if (strcmp(name, "cut") == 0)
			_exit(0);
		if (strcmp(name, "end") == 0)
			return sink_close(out, &e);
		if (strcmp(name, "stay") == 0) {
			sink_close(out, &e);
			close(STDOUT_FILENO);
			pause();
		}
		if (strcmp(name, "garbage") == 0) {
			if (write(STDOUT_FILENO, "\xc1garbage", 8) != 8)
				give_up();
			pause();
		}
		if (strcmp(name, "deaf") == 0)
			pause();
		r = next(in);
		if (strcmp(name, "swap") == 0) {
			struct record *r2 = next(in);

			sink_write(out, r2, &e);
		}
		if (strcmp(name, "drop") == 0) {
			record_free(r);
			r = next(in);
			record_unset(r, "id");
		}
		if (strcmp(name, "bare") == 0)
			record_unset(r, "act");
		if (strcmp(name, "short") == 0) {
			float few[4] = { 0 };

			record_set_act(r, 0, few, 4, &e);
		}
		if (strcmp(name, "pos") == 0)
			record_set_int(r, "pos", 77);
		if (strcmp(name, "twice") == 0) {
			record_unset(r, "id");
			sink_write(out, r, &e);
		}
		if (strcmp(name, "ids") == 0)
			sink_write(out, r, &e);
		sink_write(out, r, &e);
		sink_flush(out, &e);
		answer(in, out, 1, 0);
	}
	return sink_close(out, &e) != 0;
}

/* ---- the tests ---- */

static int
count_files(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

static struct coprocess *
start(const char *cmd, double timeout, struct err *e)
{
	struct coprocess *f;
	struct header h;
	int block = BLOCK;

	header_init(&h, STREAM_ACTIVATIONS);
	header_set_model(&h, "made", "00000000000000aa");
	header_set_blocks(&h, &block, 1);
	h.dim = DIM;
	f = coprocess_open(cmd, &h, timeout, e);
	header_release(&h);
	return f;
}

static float
value(size_t i, size_t k)
{
	return (float)(i * 17 % 101) + 0.385f * (float)k;
}

/* Returns whether a command adds 1 to n activations, `calls` times. */
static int
run(const char *cmd, double timeout, size_t calls, size_t n, struct err *e)
{
	static float act[MOST * DIM];
	static struct record *id[MOST];
	struct coprocess_row row[MOST];
	struct coprocess *f = start(cmd, timeout, e);
	int64_t sent = 0;
	size_t i, k;
	int good = 1;

	e->text[0] = '\0';
	if (f == NULL)
		return 0;
	while (calls-- > 0) {
		for (i = 0; i < n; i++) {
			for (k = 0; k < DIM; k++)
				act[i * DIM + k] = value(i, k);
			if (id[i] == NULL)
				id[i] = record_alloc();
			record_set_int(id[i], "id", sent++);
			row[i] = (struct coprocess_row){ id[i], 0 };
		}
		if (coprocess_apply(f, row, act, n, e) != 0) {
			coprocess_abort(f);
			return 0;
		}
		for (i = 0; i < n; i++)
			for (k = 0; k < DIM; k++)	/* float16 has 11 bits of precision */
				good = good && fabsf(act[i * DIM + k] - (value(i, k) + 1)) <=
					    (strstr(cmd, "half") != NULL ? 0.2f : 0);
	}
	return coprocess_close(f, e) == 0 && good;
}

static const char *
command(const char *rest)
{
	static char cmd[4096];

	snprintf(cmd, sizeof cmd, "exec '%s' %s", self, rest);
	return cmd;
}

/* Checks that no child, open file or pending signal is left. */
static int
is_clean(int files)
{
	sigset_t set;

	sigpending(&set);
	if (sigismember(&set, SIGPIPE))
		return 0;
	sigprocmask(SIG_SETMASK, NULL, &set);
	return !sigismember(&set, SIGPIPE) && count_files() == files &&
	    waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD;
}

static void
works(const char *rest, size_t calls, size_t n)
{
	int files = count_files();
	struct err e;
	int good = run(command(rest), 20, calls, n, &e);

	ok(good && is_clean(files), "%s: %zu times %zu activations %s", rest, calls, n, e.text);
}

/* Checks the message. FILTER stands for the filter and its command. */
static void
fails_as(const char *rest, double timeout, const char *wanted)
{
	char full[ERR_SIZE];
	const char *cmd = command(rest), *at = strstr(wanted, "FILTER");
	int files = count_files();
	double begin = clock_now();
	struct err e;
	int good;

	snprintf(full, sizeof full, "%.*sfilter '%s'%s", (int)(at - wanted), wanted, cmd, at + strlen("FILTER"));
	good = run(cmd, timeout, 3, 3, &e);
	if (!ok(!good && strcmp(e.text, full) == 0, "%s: %s", rest, wanted))
		printf("#    got: %s\n# wanted: %s\n", e.text, full);
	ok(is_clean(files) && clock_now() - begin < 10, "and nothing of it is left");
}

static void
check_rows(void)
{
	float act[2 * DIM] = { 0 };
	struct record *r[2] = { record_alloc(), record_alloc() };
	struct coprocess_row row[2] = { { r[0], 5 }, { r[1], 11 } };
	struct coprocess *f;
	char wanted[ERR_SIZE];
	struct err e = { "" };

	record_set_str(r[0], "id", "x", 1);
	record_set_int(r[1], "id", -3);
	f = start(command("group 2"), 20, &e);
	ok(coprocess_apply(f, row, act, 2, &e) == 0 && coprocess_close(f, &e) == 0,
	    "the ids and positions of texts go with the activations: %s", e.text);
	f = start(command("pos 1"), 20, &e);
	snprintf(wanted, sizeof wanted,
	    "the output of filter '%s': record 2: it is the answer to pos 77 of '-3', not 11", command("pos 1"));
	ok(coprocess_apply(f, row, act, 2, &e) != 0 && strcmp(e.text, wanted) == 0, "%s", e.text);
	coprocess_abort(f);
	record_free(r[0]);
	record_free(r[1]);
}

int
main(int argc, char *argv[])
{
	float act[DIM] = { 0 };
	struct record *id = record_alloc();
	struct coprocess *f;
	struct err e;
	double begin;
	int files;

	if (argc == 3) {
		int status = be_filter(argv[1], atol(argv[2]));

		fflush(stdout);
		_exit(status);	/* without a check for leaks */
	}
	self = argv[0];

	works("group 1", 5, 3);
	works("group 3", 5, 3);
	/* much more than a pipe holds, in each direction */
	works("group 1", 2, MOST);
	works("group 512", 2, MOST);
	works("group 7", 1, 7 * 73);
	works("half 1", 2, 3);
	works("lines 0", 3, 5);
	works("group 1", 0, 0);
	files = count_files();
	ok(!run("cat", 20, 2, MOST, &e) && e.text[0] == '\0' && is_clean(files),
	    "cat gives back what it gets: %s", e.text);
	ok(run(command("group 1 | cat | cat"), 20, 2, 300, &e) && is_clean(files), "a pipeline: %s", e.text);
	ok(!run("-x", 20, 1, 1, &e) && strstr(e.text, "exited with status 127") != NULL, "a command is no option: %s",
	    e.text);

	fails_as("exit 0", 20, "FILTER exited with status 7, 0 of 3 records answered");
	fails_as("exit 4", 20, "FILTER exited with status 7, 4 of 6 records answered");
	fails_as("exit 9", 20, "FILTER exited with status 7, 9 of 9 records answered");
	fails_as("signal 4", 20, "FILTER was killed by signal 9 (Killed), 4 of 6 records answered");
	fails_as("lines 3", 20, "FILTER exited with status 3, 9 of 9 records answered");
	fails_as("cut 4", 20, "the output of FILTER is truncated: no end record after record 4");
	fails_as("end 4", 20, "FILTER ended its output, 4 of 6 records answered");
	fails_as("end 9", 20, "FILTER ended its output before its input ended");
	fails_as("garbage 4", 20, "the output of FILTER: record 5: it is not msgpack");
	fails_as("dim 0", 20, "the output of FILTER has dim 7, not 300");
	fails_as("kind 0", 20, "the output of FILTER holds completions, not activations");
	fails_as("block 0", 20, "the output of FILTER is for block 4, not 3");
	fails_as("model 0", 20, "the output of FILTER is from another model");
	fails_as("bare 4", 20, "the output of FILTER: record 5: no field 'act'");
	fails_as("short 4", 20,
	    "the output of FILTER: record 5: field 'act' has 16 bytes, not the 1200 of 300 numbers");
	fails_as("huge 0", 20, "the output of FILTER: record 2: an activation holds inf, which a stream cannot carry");
	fails_as("ids 4", 20, "the output of FILTER: record 6: it is the answer to '4', not '5'");
	fails_as("swap 3", 20, "the output of FILTER: record 4: it is the answer to '4', not '3'");
	fails_as("twice 4", 20, "the output of FILTER: record 7: it is the answer to '5', not '6'");
	fails_as("twice 8", 20, "FILTER answered more than the 9 records it was given");
	fails_as("drop 4", 0.3, "FILTER stalled: 5 of 6 records answered, then nothing for 0.3 s");
	fails_as("group 4", 0.3, "FILTER stalled: 0 of 3 records answered, then nothing for 0.3 s");
	fails_as("deaf 3", 0.3, "FILTER closed its input, 3 of 6 records answered");
	fails_as("stay 9", 0.3, "FILTER ended its output before its input ended");
	check_rows();

	files = count_files();
	begin = clock_now();
	ok(!run("trap '' TERM; sleep 100; sleep 100", 0.2, 1, 1, &e) && clock_now() - begin < 5 && is_clean(files),
	    "one that does not heed SIGTERM: %s", e.text);
	ok(!run("cat; exec >&-; sleep 100", 0.2, 1, 1, &e) && is_clean(files) &&
	    strcmp(e.text, "filter 'cat; exec >&-; sleep 100' stalled: its output has ended, "
	    "but it did not exit for 0.2 s") == 0,
	    "%s", e.text);
	ok(!run("cat; sleep 100", 0.2, 1, 1, &e) && is_clean(files) &&
	    strcmp(e.text, "filter 'cat; sleep 100' stalled: its input has ended, "
	    "but its output did not end for 0.2 s") == 0,
	    "%s", e.text);

	f = start("sleep 100", 20, &e);
	coprocess_kill();
	ok(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD, "coprocess_kill ends it at once");
	coprocess_abort(f);
	coprocess_kill();
	coprocess_abort(NULL);
	ok(is_clean(files), "and again it does nothing");

	f = start("cat", 20, &e);
	act[7] = INFINITY;
	record_set_int(id, "id", 1);
	ok(coprocess_apply(f, &(struct coprocess_row){ id, 0 }, act, 1, &e) != 0 &&
	    strstr(e.text, "filter 'cat': cannot send record 1: ") == e.text, "%s", e.text);
	coprocess_abort(f);
	ok(is_clean(files), "nothing is left");
	record_free(id);
	return tap_done();
}
