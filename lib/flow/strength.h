/*
 * strength - the length of a flow, T, as a user gives it.
 */
#ifndef ODESTEER_STRENGTH_H
#define ODESTEER_STRENGTH_H

#include "base/err.h"
#include "field/barrier.h"

/* T as users write it; a negative length leads the other way, away from the positives. */
struct strength {
	enum {
		STRENGTH_UNSET,		/* the paper's: 5 of a unit field, 1 of a vector; of a map all of the way */
		STRENGTH_LENGTH,	/* "5": as it stands; of a map the share of the way */
		STRENGTH_RELATIVE,	/* "0.03r": a way of that share of the mean activation norm of the fit */
		STRENGTH_AUTO		/* "auto": what fitbarrier -T stored */
	} how;
	double value;
};
/* 0; -1: not a number, or not finite */
int strength_parse(struct strength *s, const char *text);
/* The T of b's flow. 0; -1: b has none for auto, or out of memory. */
int strength_length(struct strength T, const struct barrier *b, double *length, struct err *e);

#endif
