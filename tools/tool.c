#include "tool.h"

#include <cblas.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <ggml.h>
#include <gsl/gsl_errno.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/runtime.h"
#include "steer/coprocess.h"
#include "stream/output.h"

struct tool_output tool_output;
int tool_verbose;

static struct {
	int argc;
	char **argv;
	double start;		/* clock_now() */
} run;

/* What tool_progress was told last, and what it made of it. */
static struct {
	const struct stream *in;
	const char *what, *unit;
	uint64_t done, n;
	uint64_t total;		/* records of in; 0: not known */
	char remark[80];	/* comes last; "" if there is none */
	double first, last;	/* first call, and when a line was printed last: clock_now() */
	int shown;		/* a line was printed; */
	int on_line;		/* it stands on the terminal, without its newline */
} progress;

/* Leaves neither a half-written file nor another program behind. */
static void
clean_up(void)
{
	const char *path;

	/* takes a moment, in which another thread may have opened the output */
	coprocess_kill();
	if ((path = output_pending()) != NULL)
		unlink(path);
}

static void
on_signal(int sig)
{
	/* keep the shell's prompt out of the progress line */
	if (progress.on_line && write(STDERR_FILENO, "\n", 1) != 1)
		progress.on_line = 0;
	clean_up();
	signal(sig, SIG_DFL);
	raise(sig);
}

/* A write beyond the limit of `ulimit -f` fails with a message instead. */
static void
on_file_size(int sig)
{
	(void)sig;
}

/*
 * libggml calls this, in any thread, where it would abort, such as for a
 * damaged model. Nothing is allocated, and exit is not called: a lock may be
 * held.
 */
static void
on_ggml_abort(const char *text)
{
	static atomic_flag said = ATOMIC_FLAG_INIT;
	const char *colon = strchr(text, ':'), *p;
	struct err e;

	/* other threads may fail at the same place */
	while (atomic_flag_test_and_set(&said))
		pause();

	/* only the last part of the source's path */
	for (p = text; colon != NULL && p < colon; p++)
		if (*p == '/')
			text = p + 1;
	err_set(&e, "libllama gave up: %s", text);
	dprintf(STDERR_FILENO, "%s%s: %s\n", progress.on_line ? "\n" : "", tool.name, e.text);
	clean_up();
	_exit(1);
}

/* C++ calls this if libllama lets an exception pass. */
static void
on_terminate(void)
{
	on_ggml_abort("an exception, such as for lack of memory");
}

/* Calls std::set_terminate, by its name in the C++ library. */
static void
set_terminate(void)
{
	void *(*set)(void (*)(void));

	*(void **)&set = dlsym(RTLD_DEFAULT, "_ZSt13set_terminatePFvvE");
	if (set != NULL)
		set(on_terminate);
}

static void
handle(int sig, void (*handler)(int))
{
	struct sigaction old, new = { .sa_handler = handler };

	/* a signal the caller ignores (nohup) stays ignored */
	if (sigaction(sig, NULL, &old) == 0 && old.sa_handler != SIG_IGN)
		sigaction(sig, &new, NULL);
}

/*
 * Opens /dev/null as each standard descriptor that is closed. Otherwise the
 * next file would get its number, and receive what is meant for it. Each is
 * opened the wrong way round, so that using it fails.
 */
static void
open_standard(void)
{
	int fd;

	for (fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 &&
		    open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
			_exit(1);
}

void
tool_start(int argc, char *argv[])
{
	/* SIGPIPE: beside standard output, a file or a program may be open */
	static const int sigs[] = { SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGQUIT, SIGALRM, SIGXCPU,
		SIGUSR1, SIGUSR2, SIGABRT };
	size_t i;

	open_standard();
	runtime_start(argv);
	run.argc = argc - 1;
	/* a copy, because getopt_long permutes argv */
	run.argv = tool_need(malloc((size_t)argc * sizeof *run.argv));
	for (i = 1; i < (size_t)argc; i++)
		run.argv[i - 1] = argv[i];
	gsl_set_error_handler_off();
	for (i = 0; i < sizeof sigs / sizeof *sigs; i++)
		handle(sigs[i], on_signal);
	handle(SIGXFSZ, on_file_size);
	ggml_set_abort_callback(on_ggml_abort);
	set_terminate();
	/*
	 * Threads of OpenBLAS beside those of libllama, which wait by spinning,
	 * would double the time of a token. Tools without a model may raise
	 * this.
	 */
	openblas_set_num_threads(1);
	run.start = clock_now();
	/* libraries exit, too: libgomp does when it is out of memory */
	atexit(clean_up);
	atexit(tool_progress_end);
}

/* Prints a message without its newline. */
static void
say(const char *fmt, va_list ap)
{
	struct err e;

	tool_progress_end();
	err_vset(&e, fmt, ap);
	fprintf(stderr, "%s: %s", tool.name, e.text);
}

void
tool_die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(fmt, ap);
	va_end(ap);
	putc('\n', stderr);
	exit(1);
}

void
tool_die_err(const struct err *e)
{
	tool_die("%s", e->text);
}

void
tool_die_record(const struct stream *s, struct err *e)
{
	tool_die_record_back(s, 0, e);
}

void
tool_die_record_back(const struct stream *s, uint64_t back, struct err *e)
{
	stream_locate_back(s, back, e);
	tool_die_err(e);
}

void
tool_misuse(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(fmt, ap);
	va_end(ap);
	fprintf(stderr, "\ntry '%s -h'\n", tool.name);
	exit(2);
}

void
tool_check(int status, const struct err *e)
{
	if (status < 0)
		tool_die("%s", e != NULL ? e->text : "out of memory");
}

void *
tool_need(void *p)
{
	if (p == NULL)
		tool_die("out of memory");
	return p;
}

void *
tool_need_err(void *p, const struct err *e)
{
	if (p == NULL)
		tool_die_err(e);
	return p;
}

void
tool_check_stdout(void)
{
	int bad, copy;

	/* an earlier write may have failed, for a reason that is forgotten */
	errno = EIO;
	bad = fflush(stdout) != 0 || ferror(stdout);
	/* some file systems tell of a full disk only when a file is closed */
	if (!bad && (copy = dup(STDOUT_FILENO)) >= 0)
		bad = close(copy) != 0;
	if (bad)
		tool_die("cannot write 'standard output': %s", strerror(errno));
}

void
tool_answered(void)
{
	tool_check_stdout();
	exit(0);
}

int
tool_threads(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);
	cpu_set_t set;

	/* taskset or a batch system may allow fewer than there are */
	if (sched_getaffinity(0, sizeof set, &set) == 0)
		n = CPU_COUNT(&set);
	if (n < 1)
		return 1;
	return n > THREADS_MAX ? THREADS_MAX : (int)n;
}

struct stream *
tool_open_input(int argc, char *argv[], unsigned kinds)
{
	const char *const *path = (const char *const *)argv + optind;
	struct err e;
	struct stream *in = tool_need_err(stream_open(path, (size_t)(argc - optind), &e), &e);

	tool_check(stream_expect(in, kinds, &e), &e);
	stream_add_ids(in);
	return in;
}

int
tool_read(struct stream *in, struct record *r)
{
	struct err e;
	int got = stream_read(in, r, &e);

	tool_check(got, &e);
	return got;
}

void
tool_refuse_terminal(const char *path)
{
	if ((path == NULL || strcmp(path, "-") == 0) && isatty(STDOUT_FILENO))
		tool_die("standard output is a terminal: give -o file or a pipe");
}

void
tool_output_header(struct header *h, const struct stream *in, enum stream_kind kind,
    const uint64_t *seed)
{
	if (in != NULL)
		tool_check(header_copy(h, stream_header(in)), NULL);
	else
		header_init(h, kind);
	h->kind = kind;
	tool_check(header_add_link(h, tool.name, ODESTEER_VERSION, run.argc, run.argv, seed), NULL);
}

struct sink *
tool_open_output(const struct header *h)
{
	struct err e;

	return tool_need_err(sink_open(tool_output.path, tool_output.gzip, h, &e), &e);
}

/*
 * Prints the line. Before the first one, the records of the input are counted.
 */
static void
show_progress(int terminal, double now)
{
	if (!progress.shown && progress.in != NULL)
		progress.total = stream_total(progress.in);
	progress.shown = 1;
	progress.last = now;
	fprintf(stderr, "%s%s: %llu", terminal ? "\r" : "", tool.name,
	    (unsigned long long)progress.done);
	if (progress.total >= progress.done && progress.total > 0)
		fprintf(stderr, " of %llu", (unsigned long long)progress.total);
	fprintf(stderr, " %s", progress.what);
	/* since the first call: opening a model is no part of the speed */
	if (progress.n > 0) {
		double speed = (double)progress.n / (now - progress.first);

		fprintf(stderr, ", %.*f %s/s", speed < 10 ? 1 : 0, speed, progress.unit);
	}
	fprintf(stderr, "%s, %.0f s%s", progress.remark, now - run.start,
	    terminal ? "\033[K" : "\n");
	progress.on_line = terminal;
}

/* Shows the progress if it is time to. */
static void
update_progress(int terminal)
{
	double now = clock_now();

	if (progress.first == 0) {
		progress.first = now;
		progress.last = run.start;
	}
	if (now - progress.last >= (terminal ? 0.2 : 10))
		show_progress(terminal, now);
}

void
tool_progress(const struct stream *in, const char *what, uint64_t done, const char *unit,
    uint64_t n)
{
	int terminal = isatty(STDERR_FILENO);

	if (!terminal && !tool_verbose)
		return;
	if (in != progress.in) {
		progress.first = progress.shown = 0;
		progress.remark[0] = '\0';
	}
	progress.in = in;
	progress.what = what;
	progress.done = done;
	progress.unit = unit;
	progress.n = n;
	update_progress(terminal);
}

void
tool_progress_of(uint64_t done, uint64_t total, const char *what, const char *remark)
{
	int terminal = isatty(STDERR_FILENO);

	if (!terminal && !tool_verbose)
		return;
	progress.in = NULL;
	progress.what = what;
	progress.done = done;
	progress.total = total;
	progress.n = 0;
	snprintf(progress.remark, sizeof progress.remark, ", %s", remark);
	update_progress(terminal);
}

void
tool_progress_end(void)
{
	if (!progress.on_line)
		return;
	show_progress(1, clock_now());
	putc('\n', stderr);
	progress.on_line = 0;
}

void
tool_note(const char *fmt, ...)
{
	va_list ap;

	if (!tool_verbose)
		return;
	va_start(ap, fmt);
	say(fmt, ap);
	va_end(ap);
	fprintf(stderr, ", %.1f s\n", clock_now() - run.start);
}

void
tool_remark(const char *text)
{
	if (tool_verbose)
		fprintf(stderr, "%s: %s\n", tool.name, text);
}
