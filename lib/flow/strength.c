#include "flow/strength.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

int
strength_parse(struct strength *s, const char *text)
{
	char *end;

	if (strcmp(text, "auto") == 0) {
		*s = (struct strength){ STRENGTH_AUTO, 0 };
		return 0;
	}
	errno = 0;
	s->value = strtod(text, &end);
	if (end == text || errno == ERANGE || !isfinite(s->value))
		return -1;
	if (*end == '\0')
		s->how = STRENGTH_LENGTH;
	else if (strcmp(end, "r") == 0)
		s->how = STRENGTH_RELATIVE;
	else if (strcmp(end, "nat") == 0 && s->value >= 0)
		s->how = STRENGTH_NATS;
	else
		return -1;
	return 0;
}

/*
 * Sets *length to the least length at which b's curve reaches kl. Between its
 * points, log T is linear in log KL, because KL grows like a power of T; below
 * the first one, KL is taken to grow like T^2. Returns 0, or -1 with a message
 * in e.
 */
static int
length_of_kl(const struct barrier *b, double kl, double *length, struct err *e)
{
	const double *T = b->curve.T, *y = b->curve.kl;
	size_t i = 0;

	if (!(T[0] > 0))
		return err_set(e, "-T %gnat: this barrier has no curve of the divergence "
		    "(fitbarrier --calibrate stores one)", kl);
	if (kl <= y[0]) {
		*length = T[0] * sqrt(kl / y[0]);
		return 0;
	}
	while (i < BARRIER_CURVE && y[i] < kl)
		i++;
	/* a little less than the end, so that it is possible when rounded */
	if (i == BARRIER_CURVE)
		return err_set(e, "-T %gnat: this barrier's curve ends at %.3g nat, T = %.4g", kl,
		    0.995 * y[i - 1], T[i - 1]);
	*length = T[i - 1] * pow(T[i] / T[i - 1], log(kl / y[i - 1]) / log(y[i] / y[i - 1]));
	return 0;
}

int
strength_check(struct strength T, const struct field_type *type, double length, struct err *e)
{
	double most = field_T_most(type);

	if (type->kind != FIELD_MAP ||
	    (T.how != STRENGTH_RELATIVE && length >= 0 && length <= most))
		return 0;
	return err_set(e, "'%s' is a map, not a flow: its T is a number from 0 to %g", type->name,
	    most);
}

int
strength_length(struct strength T, const struct barrier *b, double *length, struct err *e)
{
	const struct field_type *type = b->field->type;
	double v = field_speed(b->field);

	*length = T.value;
	switch (T.how) {
	case STRENGTH_UNSET:
		*length = type->T > 0 ? type->T : type->kind == FIELD_UNIT_FLOW ? 5 : 1;
		break;
	case STRENGTH_LENGTH:
		break;
	case STRENGTH_RELATIVE:
		*length *= v > 0 ? b->act_norm / v : 0;
		break;
	case STRENGTH_NATS:
		if (length_of_kl(b, T.value, length, e) != 0)
			return -1;
		break;
	case STRENGTH_AUTO:
		if (isnan(*length = b->T_auto))
			return err_set(e, "-T auto: this barrier has no suggested length "
			    "(fitbarrier -T stores one)");
		break;
	}
	return strength_check(T, type, *length, e);
}
