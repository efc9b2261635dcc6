#include "report.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "metric.h"
#include "stream.h"
#include "tally.h"
#include "tool.h"

/* A run: files that share a name. */
struct run {
	char *name;
	struct tally **tally;		/* [n_column] */
	struct figure *figure;
	int *from;			/* the file each column came from, -1: none yet */
};

static struct {
	const struct column **column;
	size_t n_column;
	struct run *run;
	size_t n_run;
	uint64_t seed;
} rep;

static void *
need(void *p)
{
	if (p == NULL)
		tool_die("out of memory");
	return p;
}

static void
list_columns(void)
{
	const struct metric *const *m;
	const struct column *c;

	for (m = metric_table(); *m != NULL; m++)
		for (c = (*m)->columns; c->title != NULL; c++) {
			rep.column = need(realloc(rep.column, (rep.n_column + 1) * sizeof *rep.column));
			rep.column[rep.n_column++] = c;
		}
}

static struct run *
find_run(const char *name, size_t len)
{
	struct run *r;
	size_t i;

	for (i = 0; i < rep.n_run; i++)
		if (strlen(rep.run[i].name) == len && memcmp(rep.run[i].name, name, len) == 0)
			return &rep.run[i];
	rep.run = need(realloc(rep.run, (rep.n_run + 1) * sizeof *rep.run));
	r = &rep.run[rep.n_run++];
	r->name = need(strndup(name, len));
	r->tally = need(calloc(rep.n_column, sizeof *r->tally));
	r->figure = need(calloc(rep.n_column, sizeof *r->figure));
	r->from = need(calloc(rep.n_column, sizeof *r->from));
	for (i = 0; i < rep.n_column; i++) {
		r->tally[i] = need(tally_alloc(rep.column[i]));
		r->from[i] = -1;
	}
	return r;
}

/* "name=file", or a file that is its own name. */
static void
read_run(const char *arg, int number)
{
	const char *eq = strchr(arg, '='), *path = eq != NULL ? eq + 1 : arg;
	struct run *run = find_run(arg, eq != NULL ? (size_t)(eq - arg) : strlen(arg));
	struct record *r = need(record_alloc());
	struct stream *in;
	struct err e;
	size_t i;
	int got;

	if ((in = stream_open(&path, 1, &e)) == NULL)
		tool_die_err(&e);
	while ((got = stream_read(in, r, &e)) == 1)
		for (i = 0; i < rep.n_column; i++) {
			if (!record_has(r, rep.column[i]->field))
				continue;
			if (run->from[i] >= 0 && run->from[i] != number)
				tool_die("run '%s' has %s twice, the second time in '%s'", run->name,
				    rep.column[i]->title, path);
			run->from[i] = number;
			if (tally_add(run->tally[i], r, &e) != 0)
				tool_die_record(in, &e);
		}
	if (got < 0)
		tool_die_err(&e);
	stream_close(in);
	record_free(r);
}

/* Is there a figure in this column? */
static int
is_shown(size_t c)
{
	size_t i;

	for (i = 0; i < rep.n_run; i++)
		if (rep.run[i].figure[c].n > 0)
			return 1;
	return 0;
}

static void
print_table(void)
{
	enum { LABEL = 15, CELL = 25 };
	char cell[64];
	size_t c, i;

	printf("%-*s", LABEL, "");
	for (i = 0; i < rep.n_run; i++)
		printf("  %-*s", i + 1 < rep.n_run ? CELL : 0, rep.run[i].name);
	putchar('\n');
	for (c = 0; c < rep.n_column; c++) {
		if (!is_shown(c))
			continue;
		printf("%-*s", LABEL, rep.column[c]->title);
		for (i = 0; i < rep.n_run; i++) {
			const struct figure *f = &rep.run[i].figure[c];
			int digits = rep.column[c]->digits;

			if (f->n > 0)
				snprintf(cell, sizeof cell, "%.*f [%.*f, %.*f]", digits, f->value, digits, f->low,
				    digits, f->high);
			else
				snprintf(cell, sizeof cell, "-");
			printf("  %-*s", i + 1 < rep.n_run ? CELL : 0, cell);
		}
		putchar('\n');
	}
}

/* RFC 4180: a field with a comma or a quote is quoted. */
static void
print_csv_text(const char *s)
{
	if (strpbrk(s, ",\"\r\n") == NULL) {
		fputs(s, stdout);
		return;
	}
	putchar('"');
	for (; *s != '\0'; s++) {
		if (*s == '"')
			putchar('"');
		putchar(*s);
	}
	putchar('"');
}

static void
print_csv(void)
{
	size_t c, i;

	puts("run,metric,value,low,high,questions");
	for (i = 0; i < rep.n_run; i++)
		for (c = 0; c < rep.n_column; c++) {
			const struct figure *f = &rep.run[i].figure[c];

			if (f->n == 0)
				continue;
			print_csv_text(rep.run[i].name);
			putchar(',');
			print_csv_text(rep.column[c]->title);
			printf(",%.9g,%.9g,%.9g,%zu\n", f->value, f->low, f->high, f->n);
		}
}

static void
print_json(void)
{
	json_t *all = need(json_array());
	size_t c, i;

	for (i = 0; i < rep.n_run; i++)
		for (c = 0; c < rep.n_column; c++) {
			const struct figure *f = &rep.run[i].figure[c];

			if (f->n > 0 && json_array_append_new(all, json_pack("{s:s, s:s, s:f, s:f, s:f, s:I}",
			    "run", rep.run[i].name, "metric", rep.column[c]->title, "value", f->value, "low", f->low,
			    "high", f->high, "questions", (json_int_t)f->n)) != 0)
				tool_die("out of memory");
		}
	if (json_dumpf(all, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(9)) == 0)
		putchar('\n');
	json_decref(all);
}

int
score_report(int argc, char *argv[])
{
	void (*print)(void) = print_table;
	size_t c, i, shown = 0;
	int a;

	while ((a = tool_option(argc, argv, "o:S:v", NULL)) != -1)
		switch (a) {
		case 'o':
			if (strcmp(optarg, "table") == 0) print = print_table;
			else if (strcmp(optarg, "csv") == 0) print = print_csv;
			else if (strcmp(optarg, "json") == 0) print = print_json;
			else tool_misuse("-o: '%s' is not table, csv or json", optarg);
			break;
		case 'S': rep.seed = tool_seed32("-S", optarg); break;
		case 'v': tool_verbose(1); break;
		}
	list_columns();
	if (optind == argc)
		read_run("-", 0);
	for (a = optind; a < argc; a++)
		read_run(argv[a], a);
	for (i = 0; i < rep.n_run; i++)
		for (c = 0; c < rep.n_column; c++)
			if (tally_figure(rep.run[i].tally[c], rep.seed, &rep.run[i].figure[c]) != 0)
				tool_die("out of memory");
	for (c = 0; c < rep.n_column; c++)
		shown += (size_t)is_shown(c);
	if (shown == 0)
		tool_die("no record has a metric's field");
	print();
	if (ferror(stdout) || fflush(stdout) != 0)
		tool_die("cannot write 'standard output': %s", strerror(errno));
	return 0;
}
