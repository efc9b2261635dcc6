/* report - `score report`: a table of the figures of one or more runs. */
#ifndef ODESTEER_REPORT_H
#define ODESTEER_REPORT_H

#include "options.h"

extern struct tool_option report_options[];	/* ends with name NULL */
extern const char report_usage[];		/* synopsis for -h */

/*
 * Reads the arguments, of which argv[0] is "report", prints the table and
 * exits.
 */
_Noreturn void score_report(int argc, char *argv[]);

#endif
