/*
 * coprocess - steers by another program, which reads a stream of activations
 * from its standard input and writes what they become to its standard output.
 *
 * /bin/sh runs the program, in a process group of its own. It may answer each
 * record at once or read more first, but must answer all records of one
 * coprocess_apply before it gets the next ones. odesteer-stream(5) says what
 * else is expected of it.
 */
#ifndef ODESTEER_COPROCESS_H
#define ODESTEER_COPROCESS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "stream/record.h"
#include "stream/stream.h"

struct coprocess;

/* The token that an activation belongs to. */
struct coprocess_row {
	const struct record *of;	/* the text's record, whose "id" is sent; borrowed */
	int pos;			/* the token's position in the text */
};

/*
 * Starts `sh -c cmd`. h, of which a copy is made, is the header that it gets:
 * kind activations, one block, dim, float32. It fails if it does nothing for
 * `timeout` seconds although it has something to do. A process may have one
 * coprocess at a time, and must not ignore SIGCHLD. Returns NULL on failure.
 */
struct coprocess *coprocess_open(const char *cmd, const struct header *h, double timeout,
    struct err *e);
/*
 * Sends act[n][dim], which belong to row[n], and replaces them by the answers.
 * Returns 0, or -1 with a message in e that names the command and the cause;
 * then only coprocess_abort may follow.
 */
int coprocess_apply(struct coprocess *f, const struct coprocess_row *row, float *act, size_t n,
    struct err *e);
/*
 * Ends the program's input, waits for the end of its output and for exit status
 * 0, and frees f. Returns 0 or -1.
 */
int coprocess_close(struct coprocess *f, struct err *e);
/* Ends the program and frees f. NULL is fine. */
void coprocess_abort(struct coprocess *f);
/*
 * Ends the program, if one runs: SIGTERM to its process group, SIGKILL half a
 * second later. Signal handlers may call it, and so should exit paths.
 */
void coprocess_kill(void);

#endif
