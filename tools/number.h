/*
 * number - reads numbers from the command line.
 *
 * `option` is the option as users write it, such as "-n". If `text` is not a
 * number, or is out of range, the run ends with exit status 2 and a message
 * that names the option.
 */
#ifndef ODESTEER_NUMBER_H
#define ODESTEER_NUMBER_H

/* Returns a finite number in [min, max]. */
double number_double(const char *option, const char *text, double min, double max);
/* Returns a whole number in [min, max]. */
long number_long(const char *option, const char *text, long min, long max);

#endif
