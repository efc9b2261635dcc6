/* report - `score report`: what the metrics of some runs come to, side by side. */
#ifndef ODESTEER_REPORT_H
#define ODESTEER_REPORT_H

#include <getopt.h>
#include <stddef.h>

#include "metric/metric.h"

int score_report(int argc, char *argv[]);	/* argv[0] is "report"; the exit status */

/* score's: what getopt_long has to know to read the options of a metric. */
enum { SCORE_ALONE = 1, SCORE_SYSTEM, SCORE_AS, SCORE_PRIMER, SCORE_UNTIL, SCORE_TOLERANCE };
enum { SCORE_LETTERS = 64, SCORE_LONGS = 16 };
void score_options(const struct metric *m, char letters[SCORE_LETTERS], struct option longs[SCORE_LONGS]);

#endif
