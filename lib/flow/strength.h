/* strength - the length T of a flow, as a user writes it. */
#ifndef ODESTEER_STRENGTH_H
#define ODESTEER_STRENGTH_H

#include "base/err.h"
#include "field/barrier.h"

/* A negative T leads away from the positives. */
struct strength {
	enum {
		STRENGTH_UNSET,		/* not given: that of the method */
		/* "5": T itself; for a map, the share of the way */
		STRENGTH_LENGTH,
		/* "0.03r": a distance, in units of the mean |a| of the fit */
		STRENGTH_RELATIVE,
		/*
		 * "0.2nat": the length at which next tokens diverge that much,
		 * by the barrier's curve; at least 0
		 */
		STRENGTH_NATS,
		/* "auto": the length that fitbarrier -T stored */
		STRENGTH_AUTO
	} how;
	double value;
};

/*
 * Parses text into *s. Returns 0, or -1 if it is no strength, not finite, or a
 * negative number of nats.
 */
int strength_parse(struct strength *s, const char *text);
/*
 * Sets *length to the T of a flow of b, or of its map. Returns 0, or -1 with a
 * message in e if b stores no length for "auto", or no curve that reaches so
 * many nats, or if a map has no such T.
 */
int strength_length(struct strength T, const struct barrier *b, double *length, struct err *e);
/*
 * Checks the length that T came to: of a map, it is from 0 to its greatest T
 * and not relative. Returns 0, or -1 with a message in e.
 */
int strength_check(struct strength T, const struct field_type *type, double length, struct err *e);

#endif
