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
	s->how = end != text && *end == 'r' ? STRENGTH_RELATIVE : STRENGTH_LENGTH;
	end += s->how == STRENGTH_RELATIVE;
	return end == text || *end != '\0' || errno == ERANGE || !isfinite(s->value) ? -1 : 0;
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
	case STRENGTH_AUTO:
		if (isnan(*length = b->T_auto))
			return err_set(e, "-T auto: this barrier has no suggested length "
			    "(fitbarrier -T stores one)");
		break;
	}
	return 0;
}
