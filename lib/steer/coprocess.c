#include "steer/coprocess.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "stream/sink.h"

struct coprocess {
	char name[400];			/* "filter 'CMD'" for messages; a long CMD is cut off */
	double timeout;
	pid_t pid;			/* 0: it was waited for */
	siginfo_t exit;			/* that of waitid; si_pid is 0 until it ends */
	int to, from;			/* its standard input and output; -1: closed */
	struct header header;
	struct sink *sink;		/* appends to out */
	struct buf out;			/* the first `sent` bytes were written to the program */
	size_t sent;
	struct stream *answers;		/* NULL until the first answer is needed */
	struct record *record;
	uint64_t asked, answered;
	char progress[64];
	int closing;			/* out has the end record */
	int deaf;			/* the program has closed its input */
	int ended;			/* the program's output has ended */
};

/* What coprocess_kill ends, and whether it is being started or waited for. */
static atomic_int running, changing;

void
coprocess_kill(void)
{
	pid_t pid, got = 0;
	int ms;

	/* this is another thread: begin_change blocks signals in its own */
	for (ms = 0; changing && ms < 1000; ms++)
		poll(NULL, 0, 1);
	if ((pid = atomic_exchange(&running, 0)) <= 0)
		return;
	kill(-pid, SIGTERM);
	for (ms = 0; ms < 500; ms += 10) {
		poll(NULL, 0, 10);	/* safe in a signal handler */
		if (got == 0)
			got = waitpid(pid, NULL, WNOHANG);
		/* the shell may end before the others; zombies count */
		if (got != 0 && kill(-pid, 0) != 0)
			return;
	}
	kill(-pid, SIGKILL);
	while (got == 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

/* Keeps signal handlers away while the process and `running` disagree. */
static void
begin_change(sigset_t *old)
{
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, old);
	changing = 1;
}

static void
end_change(const sigset_t *old)
{
	changing = 0;
	pthread_sigmask(SIG_SETMASK, old, NULL);
}

/*
 * Waits up to so many seconds for the process to end. Returns whether it did,
 * and sets f->exit. It stays a zombie, so that the number of its group is not
 * used again before coprocess_kill.
 */
static int
has_exited(struct coprocess *f, double seconds)
{
	double until = clock_now() + seconds;
	int ms = 1;

	while (waitid(P_PID, (id_t)f->pid, &f->exit, WEXITED | WNOHANG | WNOWAIT) != 0 ||
	    f->exit.si_pid == 0) {
		if (clock_now() >= until)
			return 0;
		poll(NULL, 0, ms);
		ms = ms < 50 ? 2 * ms : 50;
	}
	return 1;
}

/* Returns "3 of 5 records answered", valid until the next call. */
static const char *
progress(struct coprocess *f)
{
	snprintf(f->progress, sizeof f->progress, "%llu of %llu records answered",
	    (unsigned long long)f->answered, (unsigned long long)f->asked);
	return f->progress;
}

/* Returns 0 if the process exited with 0, else -1 with a message. */
static int
check_status(struct coprocess *f, struct err *e)
{
	if (f->exit.si_code != CLD_EXITED)
		return err_set(e, "%s was killed by signal %d (%s), %s", f->name,
		    f->exit.si_status, strsignal(f->exit.si_status), progress(f));
	if (f->exit.si_status != 0)
		return err_set(e, "%s exited with status %d, %s", f->name, f->exit.si_status,
		    progress(f));
	return 0;
}

/* Replaces the message in e by how the process died, if it did. Returns -1. */
static int
blame_exit(struct coprocess *f, struct err *e)
{
	struct err cause;

	/* its pipes close a moment before waitid knows */
	if ((f->ended || f->deaf) && has_exited(f, f->timeout < 1 ? f->timeout : 1) &&
	    check_status(f, &cause) != 0)
		*e = cause;
	return -1;
}

static int
stall_error(struct coprocess *f, struct err *e)
{
	if (f->deaf)
		return err_set(e, "%s closed its input, %s", f->name, progress(f));
	if (f->closing && f->to < 0)
		return err_set(e,
		    "%s stalled: its input has ended, but its output did not end for %g s",
		    f->name, f->timeout);
	return err_set(e, "%s stalled: %s, then nothing for %g s", f->name, progress(f),
	    f->timeout);
}

/* Writes as much as the pipe takes. Returns whether something happened. */
static int
send_some(struct coprocess *f)
{
	static const struct timespec at_once;
	sigset_t pipe_set, old, waiting;
	int failed;
	ssize_t n;

	/* SIGPIPE ends a tool whose own output has no reader, but not here */
	sigemptyset(&pipe_set);
	sigaddset(&pipe_set, SIGPIPE);
	sigpending(&waiting);
	pthread_sigmask(SIG_BLOCK, &pipe_set, &old);
	n = write(f->to, f->out.p + f->sent, f->out.len - f->sent);
	failed = n < 0 && errno != EAGAIN && errno != EINTR;
	if (failed && !sigismember(&waiting, SIGPIPE))
		while (sigtimedwait(&pipe_set, NULL, &at_once) < 0 && errno == EINTR)
			;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (n > 0)
		f->sent += (size_t)n;
	f->deaf = f->deaf || failed;
	if (failed || f->sent == f->out.len) {
		f->sent = f->out.len = 0;
		if (failed || f->closing) {
			close(f->to);
			f->to = -1;
		}
	}
	return n > 0 || failed;
}

/*
 * Reads the program's output, and writes to it while waiting, so that neither
 * side can wait for the other forever; an input_source_fn.
 */
static ssize_t
read_output(void *ctx, void *p, size_t size, struct err *e)
{
	struct coprocess *f = ctx;
	double until = clock_now() + f->timeout;

	for (;;) {
		struct pollfd fd[2] = {
			{ .fd = f->from, .events = POLLIN },
			{ .fd = f->sent < f->out.len ? f->to : -1, .events = POLLOUT }
		};
		double left = until - clock_now();
		ssize_t n;
		int got = left <= 0 ? 0 :
		    poll(fd, 2, left > 1e6 ? 1000000000 : (int)(left * 1e3) + 1);

		if (got == 0)
			return stall_error(f, e);
		if (got > 0 && fd[0].revents != 0) {
			if ((n = read(f->from, p, size)) >= 0) {
				f->ended = n == 0;
				return n;
			}
			got = -1;
		} else if (got > 0 && send_some(f))
			until = clock_now() + f->timeout;
		if (got < 0 && errno != EINTR && errno != EAGAIN)
			return err_set(e, "cannot read the output of %s: %s", f->name,
			    strerror(errno));
	}
}

/* Makes a pipe whose descriptors are above the three that spawn replaces. */
static int
make_pipe(int fd[2])
{
	int i, high;

	if (pipe2(fd, O_CLOEXEC) != 0) {
		fd[0] = fd[1] = -1;
		return -1;
	}
	for (i = 0; i < 2; i++)
		if (fd[i] <= STDERR_FILENO) {
			if ((high = fcntl(fd[i], F_DUPFD_CLOEXEC, STDERR_FILENO + 1)) < 0)
				return -1;
			close(fd[i]);
			fd[i] = high;
		}
	return 0;
}

/* Starts the program. Returns 0 or an errno. */
static int
spawn(struct coprocess *f, const char *cmd, int in, int out)
{
	char *argv[] = { "sh", "-c", "--", (char *)cmd, NULL };
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t none, usual, old;
	int rc;

	if ((rc = posix_spawn_file_actions_init(&files)) != 0)
		return rc;
	if ((rc = posix_spawnattr_init(&attr)) != 0) {
		posix_spawn_file_actions_destroy(&files);
		return rc;
	}
	begin_change(&old);
	sigemptyset(&none);
	sigemptyset(&usual);
	sigaddset(&usual, SIGPIPE);
	/* a process group: ^C spares it; coprocess_kill reaches all of it */
	if ((rc = posix_spawn_file_actions_adddup2(&files, in, STDIN_FILENO)) == 0 &&
	    (rc = posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO)) == 0 &&
	    (rc = posix_spawnattr_setpgroup(&attr, 0)) == 0 &&
	    (rc = posix_spawnattr_setsigmask(&attr, &none)) == 0 &&
	    (rc = posix_spawnattr_setsigdefault(&attr, &usual)) == 0 &&
	    (rc = posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
	     POSIX_SPAWN_SETSIGDEF)) == 0 &&
	    (rc = posix_spawn(&f->pid, "/bin/sh", &files, &attr, argv, environ)) == 0)
		running = f->pid;
	else
		f->pid = 0;
	end_change(&old);
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attr);
	return rc;
}

struct coprocess *
coprocess_open(const char *cmd, const struct header *h, double timeout, struct err *e)
{
	struct coprocess *f = calloc(1, sizeof *f);
	int in[2] = { -1, -1 }, out[2] = { -1, -1 }, rc;

	if (f == NULL) {
		err_memory(e);
		return NULL;
	}
	f->to = f->from = -1;
	f->timeout = timeout;
	snprintf(f->name, sizeof f->name, strlen(cmd) < 300 ? "filter '%s'" : "filter '%.300s...'",
	    cmd);
	if (header_copy(&f->header, h) != 0 || (f->record = record_alloc()) == NULL) {
		err_memory(e);
		goto fail;
	}
	if ((f->sink = sink_open_memory(&f->out, &f->header, e)) == NULL)
		goto fail;
	rc = make_pipe(in) != 0 || make_pipe(out) != 0 ? errno : 0;
	/* this affects our end only */
	if (rc == 0 && fcntl(in[1], F_SETFL, O_NONBLOCK) != 0)
		rc = errno;
	if (rc == 0)
		rc = spawn(f, cmd, in[0], out[1]);
	close(in[0]);
	close(out[1]);
	f->to = in[1];
	f->from = out[0];
	if (rc == 0)
		return f;
	err_set(e, "cannot start %s: %s", f->name, strerror(rc));
fail:
	coprocess_abort(f);
	return NULL;
}

/* Checks that the answers are about the activations that were sent. */
static int
check_header(const struct coprocess *f, struct err *e)
{
	const struct header *h = stream_header(f->answers), *own = &f->header;

	if (stream_expect(f->answers, 1u << STREAM_ACTIVATIONS, e) != 0)
		return -1;
	if (h->dim != own->dim)
		return err_set(e, "the output of %s has dim %zu, not %zu", f->name, h->dim,
		    own->dim);
	if (h->n_block != 1 || h->block[0] != own->block[0])
		return err_set(e, "the output of %s is for %s %d, not %d", f->name,
		    h->n_block == 1 ? "block" : "several blocks from", h->block[0], own->block[0]);
	/* a program that writes its own header may not know the model */
	if (h->digest != NULL && own->digest != NULL && strcmp(h->digest, own->digest) != 0)
		return err_set(e, "the output of %s is from another model", f->name);
	return 0;
}

/* Reads the answers' header. Some programs write it with their first answer. */
static int
open_answers(struct coprocess *f, struct err *e)
{
	char name[sizeof f->name + 16];

	if (f->answers != NULL)
		return 0;
	snprintf(name, sizeof name, "the output of %s", f->name);
	if ((f->answers = stream_open_source(read_output, f, name, e)) == NULL)
		return blame_exit(f, e);
	return check_header(f, e);
}

static int
set_row(struct record *r, const struct coprocess_row *row)
{
	size_t len;
	const unsigned char *id = record_raw(row->of, "id", &len);

	return record_set_raw(r, "id", id, len) != 0 ? -1 : record_set_int(r, "pos", row->pos);
}

/* Checks that the answer r belongs to the record sent, if it says so. */
static int
check_row(const struct record *r, const struct coprocess_row *row, struct err *e)
{
	char wanted[RECORD_KEY_SIZE], id[RECORD_KEY_SIZE];
	int64_t pos;

	if (record_get_key(row->of, "id", wanted, sizeof wanted, e) != 0)
		return -1;
	if (record_has(r, "id")) {
		if (record_get_key(r, "id", id, sizeof id, e) != 0)
			return -1;
		if (strcmp(id, wanted) != 0)
			return err_set(e, "it is the answer to '%s', not '%s'", id, wanted);
	}
	if (record_get_int(r, "pos", &pos) == 1 && pos != row->pos)
		return err_set(e, "it is the answer to pos %lld of '%s', not %d", (long long)pos,
		    wanted, row->pos);
	return 0;
}

int
coprocess_apply(struct coprocess *f, const struct coprocess_row *row, float *act, size_t n,
    struct err *e)
{
	size_t dim = f->header.dim, i;
	int got, half;

	for (i = 0; i < n; i++) {
		record_clear(f->record);
		if (set_row(f->record, &row[i]) != 0)
			return err_memory(e);
		if (record_set_act(f->record, 0, act + i * dim, dim, e) != 0 ||
		    sink_write(f->sink, f->record, e) != 0)
			return err_prefix(e, "%s: cannot send record %llu: ", f->name,
			    (unsigned long long)f->asked + 1);
		f->asked++;
	}
	if (open_answers(f, e) != 0)
		return -1;
	for (i = 0; i < n; i++) {
		if ((got = stream_read(f->answers, f->record, e)) < 0)
			return blame_exit(f, e);
		if (got == 0) {
			err_set(e, "%s ended its output, %s", f->name, progress(f));
			return blame_exit(f, e);
		}
		half = stream_header(f->answers)->half;
		if (check_row(f->record, &row[i], e) != 0 ||
		    record_get_act(f->record, half, act + i * dim, dim, e) != 0)
			return stream_locate(f->answers, e);
		f->answered++;
	}
	return 0;
}

/* Ends the program's input and checks how it ends. */
static int
end_input(struct coprocess *f, struct err *e)
{
	int got = sink_close(f->sink, e);

	f->sink = NULL;
	f->closing = 1;
	if (got != 0 || open_answers(f, e) != 0)
		return -1;
	if ((got = stream_read(f->answers, f->record, e)) < 0)
		return blame_exit(f, e);
	if (got > 0)
		return err_set(e, "%s answered more than the %llu records it was given", f->name,
		    (unsigned long long)f->asked);
	/* a program that read all its input has let us close it */
	if (f->deaf || f->to >= 0) {
		err_set(e, "%s ended its output before its input ended", f->name);
		return blame_exit(f, e);
	}
	if (!has_exited(f, f->timeout))
		return err_set(e, "%s stalled: its output has ended, but it did not exit for %g s",
		    f->name, f->timeout);
	return check_status(f, e);
}

int
coprocess_close(struct coprocess *f, struct err *e)
{
	int rc = end_input(f, e);
	sigset_t old;

	if (rc == 0) {
		begin_change(&old);
		waitpid(f->pid, NULL, 0);
		running = f->pid = 0;
		end_change(&old);
	}
	coprocess_abort(f);
	return rc;
}

void
coprocess_abort(struct coprocess *f)
{
	if (f == NULL)
		return;
	if (f->pid > 0)
		coprocess_kill();
	if (f->to >= 0)
		close(f->to);
	if (f->from >= 0)
		close(f->from);
	sink_abort(f->sink);
	stream_close(f->answers);
	record_free(f->record);
	header_release(&f->header);
	free(f->out.p);
	free(f);
}
