/* report - `score report`: what the metrics of some runs come to, side by side. */
#ifndef ODESTEER_REPORT_H
#define ODESTEER_REPORT_H

int score_report(int argc, char *argv[]);	/* argv[0] is "report"; the exit status */

#endif
