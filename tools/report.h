/* report - `score report`: what the metrics of some runs come to, side by side. */
#ifndef ODESTEER_REPORT_H
#define ODESTEER_REPORT_H

#include "options.h"

extern struct tool_option report_options[];	/* rows of its table */
extern const char report_usage[];		/* its synopsis */

int score_report(int argc, char *argv[]);	/* argv[0] is "report"; the exit status */

#endif
