#include "number.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "tool.h"

double
number_double(const char *option, const char *text, double min, double max)
{
	char *end;
	double v;

	errno = 0;
	v = strtod(text, &end);
	if (*text == '\0' || *end != '\0' || errno == ERANGE || !isfinite(v))
		tool_misuse("%s: '%s' is not a number", option, text);
	if (v < min || v > max)
		tool_misuse("%s: '%s' is not in [%g, %g]", option, text, min, max);
	return v;
}

long
number_long(const char *option, const char *text, long min, long max)
{
	char *end;
	long v;

	errno = 0;
	v = strtol(text, &end, 10);
	if (*text == '\0' || *end != '\0')
		tool_misuse("%s: '%s' is not a whole number", option, text);
	if (errno == ERANGE || v < min || v > max)
		tool_misuse("%s: '%s' is not in [%ld, %ld]", option, text, min, max);
	return v;
}
