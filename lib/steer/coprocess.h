/*
 * coprocess - another program as a steering method: activations go to its standard
 * input as a stream, and it answers with a stream of what they become.
 *
 * The program is run by /bin/sh in a process group of its own. It may answer each
 * record at once or read on first, as long as all records of one coprocess_apply are
 * answered without any of the next. odesteer-stream(5) has its duties.
 */
#ifndef ODESTEER_COPROCESS_H
#define ODESTEER_COPROCESS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "stream/record.h"
#include "stream/stream.h"

struct coprocess;

/* Of which text an activation is. */
struct coprocess_row {
	const struct record *of;	/* its "id" is sent; borrowed during the call */
	int pos;			/* the token's place in the text */
};

/*
 * Starts `sh -c cmd` and has the header for it: kind activations, one block, dim, float32
 * (copied). It has to go on within `timeout` seconds whenever there is something
 * for it to do. One filter at a time. NULL on failure.
 */
struct coprocess *coprocess_open(const char *cmd, const struct header *h, double timeout, struct err *e);
/*
 * Sends act[n][dim] and puts the answers in their place; row[n], or NULL: the ids are
 * numbers, from 0 on. 0, or -1 with a message that names the command and the cause; after that
 * only coprocess_abort is of use.
 */
int coprocess_apply(struct coprocess *f, const struct coprocess_row *row, float *act, size_t n, struct err *e);
/* Ends its input, wants the end of its output and exit status 0. 0, -1; frees f in any case. */
int coprocess_close(struct coprocess *f, struct err *e);
/* Ends the program and frees f; NULL is fine. */
void coprocess_abort(struct coprocess *f);

/*
 * Ends the program that is running, if there is one: SIGTERM to its process group,
 * SIGKILL half a second later. For signal handlers and on the way to exit().
 */
void coprocess_kill(void);

#endif
