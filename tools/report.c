#include "report.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "metric/metric.h"
#include "metric/summary.h"
#include "number.h"
#include "stream/groups.h"
#include "stream/stream.h"
#include "tool.h"

/* A run: files that share a name. */
struct run {
	char *name;
	struct summary **tally;		/* [n_column] */
	struct figure *figure;
	struct figure *difference;		/* with the baseline */
	char **by;			/* who scored, of each column; NULL: it is not asked, or in no file */
	int *last;			/* [n_column] the last file that had the field, 0: none */
	struct groups *ids;
	int *file;			/* [id][n_column] the file that had the field, 0: none */
	size_t room;			/* ids */
};

/* A column and the metric it is of, NULL: of the report itself. */
struct shown {
	const struct column *c;
	const struct metric *m;
};

/* What no metric gives, but who measures a run may put into records. */
static const struct column own[] = {
	{ "Tokens/s", "tokens_per_second", &aggregate_mean, 1, NULL },
	{ .title = NULL }
};

static struct {
	struct shown *column;
	size_t n_column;
	struct run *run;
	size_t n_run;
	struct run *base;		/* NULL: the runs are not compared */
	const char *baseline;		/* its name */
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
list_of(const struct metric *m, const struct column *c)
{
	for (; c->title != NULL; c++) {
		rep.column = need(realloc(rep.column, (rep.n_column + 1) * sizeof *rep.column));
		rep.column[rep.n_column++] = (struct shown){ c, m };
	}
}

static void
list_columns(void)
{
	const struct metric *const *m;

	for (m = metric_table(); *m != NULL; m++)
		list_of(*m, (*m)->columns);
	list_of(NULL, own);
}

/* "field:title", "field": a column of the mean of any numeric field. */
static void
add_column(const char *text)
{
	struct column *c = need(calloc(2, sizeof *c));
	char *field = need(strdup(text)), *title = strchr(field, ':');

	if (title != NULL)
		*title++ = '\0';
	if (*field == '\0' || (title != NULL && *title == '\0'))
		tool_misuse("--column: '%s' is not a field or field:title", text);
	*c = (struct column){ title != NULL ? title : field, field, &aggregate_mean, 3, NULL };
	list_of(NULL, c);
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
	*r = (struct run){ .name = need(strndup(name, len)), .ids = need(groups_alloc()) };
	r->tally = need(calloc(rep.n_column, sizeof *r->tally));
	r->figure = need(calloc(rep.n_column, sizeof *r->figure));
	r->difference = need(calloc(rep.n_column, sizeof *r->difference));
	r->by = need(calloc(rep.n_column, sizeof *r->by));
	r->last = need(calloc(rep.n_column, sizeof *r->last));
	for (i = 0; i < rep.n_column; i++)
		r->tally[i] = need(summary_alloc(rep.column[i].c));
	return r;
}

/* The value of an option of a metric's run, "" of one without a value, NULL: not given. */
static const char *
given(const struct chain_link *l, const struct metric *m, int option)
{
	struct option longs[SCORE_LONGS];
	char letters[SCORE_LETTERS + 1] = ":", **argv;
	const char *value = NULL;
	int argc, c;

	score_options(m, letters + 1, longs);
	for (argc = 0; l->argv[argc] != NULL; argc++)
		;
	argv = need(calloc((size_t)argc + 1, sizeof *argv));
	memcpy(argv, l->argv, (size_t)argc * sizeof *argv);
	optind = 0; /* begin anew, says glibc */
	while ((c = getopt_long(argc, argv, letters, longs, NULL)) != -1)
		if (c == option)
			value = optarg != NULL ? optarg : "";
	free(argv);
	return value;
}

static const char *
base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

/* Did this link write the field? What a judge writes has the name of --as. */
static int
wrote(const struct chain_link *l, const struct metric *m, const char *field)
{
	const char *as;

	if (strcmp(l->tool, "score") != 0 || l->argv[0] == NULL || strcmp(l->argv[0], m->name) != 0)
		return 0;
	if (m != metric_find("judge"))
		return 1;
	as = given(l, m, SCORE_AS);
	return strcmp(as != NULL ? as : "truth", field) == 0;
}

/* Who: the barrier or model, its digest, and how it was asked. malloc'ed */
static char *
tell_link(const struct chain_link *l, const struct metric *m)
{
	char *text = NULL;
	size_t len;
	FILE *f = need(open_memstream(&text, &len));

	if (l->side != NULL && l->side[0] != NULL)
		fprintf(f, "%s (%s)", base_name(l->side[0]), l->side[1]);
	else
		fputs("unknown", f);
	if (m != metric_find("judge")) {
		fputs(given(l, m, SCORE_ALONE) != NULL ? ", alone" : ", behind the prompt", f);
	} else if (given(l, m, 'b') == NULL && given(l, m, 't') != NULL) {
		fprintf(f, ", asked '%s'", given(l, m, 't'));
	}
	if (fclose(f) != 0)
		tool_die("out of memory");
	return text;
}

/* Adds who scored the field in a file of this header to *by, unless it is there. */
static void
add_by(char **by, const struct header *h, const struct metric *m, const char *field)
{
	char *who = NULL, *longer;
	size_t i, len;

	/* the last who wrote it */
	for (i = h->n_chain; i > 0 && who == NULL; i--)
		if (wrote(&h->chain[i - 1], m, field))
			who = tell_link(&h->chain[i - 1], m);
	if (who == NULL)
		who = need(strdup("unknown"));
	if (*by == NULL) {
		*by = who;
		return;
	}
	if (strstr(*by, who) == NULL) {
		len = strlen(*by) + strlen(who) + sizeof "; ";
		longer = need(malloc(len));
		snprintf(longer, len, "%s; %s", *by, who);
		free(*by);
		*by = longer;
	}
	free(who);
}

/* A record has the field of column c: from one file only, and once where it is compared. */
static void
note_id(struct run *run, size_t id, size_t c, int number, const struct stream *in)
{
	int *file;
	struct err e;

	if (id >= run->room) {
		size_t room = run->room > 0 ? 2 * run->room : 1024;

		run->file = need(realloc(run->file, room * rep.n_column * sizeof *run->file));
		memset(run->file + run->room * rep.n_column, 0, (room - run->room) * rep.n_column * sizeof *run->file);
		run->room = room;
	}
	file = &run->file[id * rep.n_column + c];
	if (*file != 0 && (*file != number || rep.baseline != NULL)) {
		err_set(&e, "run '%s' has %s of '%s' twice", run->name, rep.column[c].c->title, groups_text(run->ids, id));
		tool_die_record(in, &e);
	}
	*file = number;
}

/* Finds the run that a record of `name` belongs to: each strength of a sweep (a string "T") is a run of its own. */
static struct run *
run_of(const char *name, size_t len, const struct record *r)
{
	const char *T;
	struct run *run;
	char *full;

	if (record_get_str(r, "T", &T, NULL) != 1)
		return find_run(name, len);
	if (asprintf(&full, "%.*s T=%s", (int)len, name, T) < 0)
		tool_die("out of memory");
	run = find_run(full, strlen(full));
	free(full);
	return run;
}

/* Notes who scored the columns that file `number`, with header h, had. */
static void
note_by(const struct header *h, int number)
{
	struct run *run;
	size_t c;

	for (run = rep.run; run < rep.run + rep.n_run; run++)
		for (c = 0; c < rep.n_column; c++) {
			const struct shown *s = &rep.column[c];

			if (run->last[c] != number || s->m == NULL || !s->m->by)
				continue;
			add_by(&run->by[c], h, s->m, s->c->field);
			if (s->c->aggregate == &aggregate_both)
				add_by(&run->by[c], h, s->m, s->c->other);
		}
}

/* "name=file", or a file that is its own name. */
static void
read_run(const char *arg, int number)
{
	const char *eq = strchr(arg, '='), *path = eq != NULL ? eq + 1 : arg;
	size_t len = eq != NULL ? (size_t)(eq - arg) : strlen(arg), c, n = 0;
	struct record *r = need(record_alloc());
	char id[RECORD_KEY_SIZE];
	struct stream *in;
	struct run *run;
	struct err e;
	int got;

	if ((in = stream_open(&path, 1, &e)) == NULL)
		tool_die_err(&e);
	/* files of one run would be numbered alike, which only a comparison needs to mind */
	if (rep.baseline != NULL)
		stream_number(in);
	while ((got = stream_read(in, r, &e)) == 1) {
		run = run_of(arg, len, r);
		/* without an id it cannot be compared, but reported */
		if (!record_has(r, "id") && rep.baseline == NULL)
			id[0] = '\0';
		else if (record_get_key(r, "id", id, sizeof id, &e) != 0 || groups_number(run->ids, id, &n, &e) < 0)
			tool_die_record(in, &e);
		for (c = 0; c < rep.n_column; c++) {
			if (!record_has(r, rep.column[c].c->field))
				continue;
			run->last[c] = number;
			if (id[0] != '\0')
				note_id(run, n, c, number, in);
			if (summary_add(run->tally[c], r, &e) != 0)
				tool_die_record(in, &e);
		}
	}
	if (got < 0)
		tool_die_err(&e);
	if (stream_count(in) == 0)
		find_run(arg, len);
	note_by(stream_header(in), number);
	stream_close(in);
	record_free(r);
}

/* Does `other` have every record that `run` has column c of? It may be without the field there. */
static void
check_ids(const struct run *run, const struct run *other, size_t c)
{
	size_t i, n;

	for (i = 0; i < groups_count(run->ids); i++)
		if (i < run->room && run->file[i * rep.n_column + c] != 0 &&
		    !groups_find(other->ids, groups_text(run->ids, i), &n))
			tool_die("run '%s' has no record '%s', of which '%s' has %s", other->name, groups_text(run->ids, i),
			    run->name, rep.column[c].c->title);
}

/* Every run with the baseline, record by record. */
static void
compare_runs(void)
{
	struct run *r;
	size_t c;

	if (rep.baseline == NULL)
		return;
	for (r = rep.run; r < rep.run + rep.n_run; r++)
		if (strcmp(r->name, rep.baseline) == 0)
			rep.base = r;
	if (rep.base == NULL)
		tool_misuse("--baseline: no run has the name '%s'", rep.baseline);
	for (r = rep.run; r < rep.run + rep.n_run; r++)
		for (c = 0; c < rep.n_column; c++) {
			if (r == rep.base || r->figure[c].n == 0 || rep.base->figure[c].n == 0)
				continue;
			check_ids(rep.base, r, c);
			check_ids(r, rep.base, c);
			if (summary_figure(r->tally[c], rep.base->tally[c], rep.seed, &r->difference[c]) != 0)
				tool_die("out of memory");
		}
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

/* The lines of a cell: figure, interval, difference from the baseline. */
enum { FIGURE, INTERVAL, DIFFERENCE, LINES };
enum { CELL = 64 };

/* "" where there is none; of no figure the first is a dash. */
static void
write_cell(const struct run *r, size_t c, int line, char cell[CELL])
{
	const struct figure *f = &r->figure[c];
	const struct figure *d = &r->difference[c];
	int digits = rep.column[c].c->digits;

	cell[0] = '\0';
	if (f->n == 0)
		strcpy(cell, line == FIGURE ? "-" : "");
	else if (line == FIGURE)
		snprintf(cell, CELL, "%.*f", digits, f->value);
	else if (line == INTERVAL)
		snprintf(cell, CELL, "[%.*f, %.*f]", digits, f->low, digits, f->high);
	else if (d->n > 0)
		snprintf(cell, CELL, "%+.*f, p %.*f", digits, d->value, d->p < 0.001 ? 4 : 3, d->p);
}

/* Is there anything in this line of the columns from `from` to `to`? */
static int
says(const struct run *r, size_t from, size_t to, int line)
{
	char cell[CELL];

	for (cell[0] = '\0'; from < to && cell[0] == '\0'; from++)
		if (is_shown(from))
			write_cell(r, from, line, cell);
	return cell[0] != '\0';
}

/* Behind an empty line, who scored what, and what differences are. */
static void
print_notes(const char *front, const char *back, void (*put)(const char *s))
{
	const char *first_front = "\n";
	size_t c, i, k;

	for (i = 0; i < rep.n_run; i++)
		for (c = 0; c < rep.n_column; c++) {
			const char *by = rep.run[i].by[c];
			int all = 1, first = 0;

			/* those of the conjunction are told with its parts */
			if (by == NULL || rep.run[i].figure[c].n == 0 || rep.column[c].c->aggregate == &aggregate_both)
				continue;
			for (k = 0; k < rep.n_run; k++)
				if (rep.run[k].by[c] != NULL && strcmp(rep.run[k].by[c], by) != 0)
					all = 0;
			for (k = 0; k < i; k++)
				first |= rep.run[k].by[c] != NULL;
			if (all && first)
				continue;
			printf("%s%s", first_front, front);
			first_front = "";
			put(rep.column[c].c->title);
			if (!all) {
				put(" of ");
				put(rep.run[i].name);
			}
			put(" by ");
			put(by);
			fputs(back, stdout);
		}
	if (rep.base != NULL) {
		printf("%s%s", first_front, front);
		put("Differences from ");
		put(rep.base->name);
		put(", by question; p of a permutation test");
		fputs(back, stdout);
	}
}

static void
put_plain(const char *s)
{
	fputs(s, stdout);
}

/* How wide column c is: as its widest cell in any run. */
static int
width(size_t c)
{
	size_t widest = strlen(rep.column[c].c->title), i;
	char cell[CELL];
	int line;

	for (i = 0; i < rep.n_run; i++)
		for (line = 0; line < LINES; line++) {
			write_cell(&rep.run[i], c, line, cell);
			if (strlen(cell) > widest)
				widest = strlen(cell);
		}
	return (int)widest;
}

/* A line of the columns from `from` to `to`: the titles, or that line of a run. */
static void
print_line(const char *name, int label, size_t from, size_t to, const struct run *r, int line)
{
	char cell[CELL];
	int gap = label - (int)strlen(name);
	size_t c;

	fputs(name, stdout);
	for (c = from; c < to; c++) {
		if (!is_shown(c))
			continue;
		if (r != NULL)
			write_cell(r, c, line, cell);
		else
			snprintf(cell, sizeof cell, "%s", rep.column[c].c->title);
		/* the gap of a cell before the next that says something: no space ends a line */
		gap += 2;
		if (cell[0] != '\0') {
			printf("%*s%s", gap, "", cell);
			gap = 0;
		}
		gap += width(c) - (int)strlen(cell);
	}
	putchar('\n');
}

/* As many columns side by side as a line has room for, then the others below. */
static void
print_table(void)
{
	enum { WIDTH = 110 };
	size_t from, to, i;
	int label = 0, above = 0, line, used;

	for (i = 0; i < rep.n_run; i++)
		label = (int)strlen(rep.run[i].name) > label ? (int)strlen(rep.run[i].name) : label;
	for (from = 0; from < rep.n_column; from = to) {
		if (!is_shown(from)) {
			to = from + 1;
			continue;
		}
		for (used = label, to = from; to < rep.n_column; to++) {
			used += is_shown(to) ? 2 + width(to) : 0;
			if (used > WIDTH && to > from)
				break;
		}
		fputs(above ? "\n" : "", stdout);
		print_line("", label, from, to, NULL, 0);
		for (i = 0; i < rep.n_run; i++)
			for (line = 0; line < LINES; line++)
				if (says(&rep.run[i], from, to, line))
					print_line(line == FIGURE ? rep.run[i].name : "", label, from, to,
					    &rep.run[i], line);
		above = 1;
	}
	print_notes("", "\n", put_plain);
}

static void
put_markdown(const char *s)
{
	for (; *s != '\0'; s++) {
		if (strchr("\\`*_{}[]<>|#", *s) != NULL)
			putchar('\\');
		putchar(*s == '\n' ? ' ' : *s);
	}
}

static void
print_markdown(void)
{
	char cell[CELL];
	size_t c, i;
	int line;

	putchar('|');
	for (c = 0; c < rep.n_column; c++)
		if (is_shown(c)) {
			fputs(" | ", stdout);
			put_markdown(rep.column[c].c->title);
		}
	fputs(" |\n|---", stdout);
	for (c = 0; c < rep.n_column; c++)
		fputs(is_shown(c) ? "|---" : "", stdout);
	puts("|");
	for (i = 0; i < rep.n_run; i++) {
		fputs("| ", stdout);
		put_markdown(rep.run[i].name);
		for (c = 0; c < rep.n_column; c++) {
			if (!is_shown(c))
				continue;
			fputs(" | ", stdout);
			for (line = 0; line < LINES; line++) {
				write_cell(&rep.run[i], c, line, cell);
				printf("%s%s", line > 0 && cell[0] != '\0' ? "<br>" : "", cell);
			}
		}
		puts(" |");
	}
	print_notes("", "<br>\n", put_markdown);
}

static void
put_latex(const char *s)
{
	for (; *s != '\0'; s++)
		switch (*s) {
		case '\\': fputs("\\textbackslash{}", stdout); break;
		case '~': fputs("\\textasciitilde{}", stdout); break;
		case '^': fputs("\\textasciicircum{}", stdout); break;
		case '<': fputs("\\textless{}", stdout); break;
		case '>': fputs("\\textgreater{}", stdout); break;
		case '#': case '$': case '%': case '&': case '_': case '{': case '}':
			putchar('\\');
			/* fall through */
		default: putchar(*s == '\n' ? ' ' : *s);
		}
}

static void
print_latex(void)
{
	char cell[CELL];
	size_t c, i, n = 0;
	int line;

	for (c = 0; c < rep.n_column; c++)
		n += (size_t)is_shown(c);
	printf("\\begin{tabular}{l*{%zu}{r}}\n\\hline\n", n);
	for (c = 0; c < rep.n_column; c++)
		if (is_shown(c)) {
			fputs(" & ", stdout);
			put_latex(rep.column[c].c->title);
		}
	puts(" \\\\\n\\hline");
	for (i = 0; i < rep.n_run; i++)
		for (line = 0; line < LINES && says(&rep.run[i], 0, rep.n_column, line); line++) {
			if (line == FIGURE)
				put_latex(rep.run[i].name);
			for (c = 0; c < rep.n_column; c++) {
				if (!is_shown(c))
					continue;
				write_cell(&rep.run[i], c, line, cell);
				/* a minus sign is one in mathematics only */
				printf(cell[0] == '\0' ? " & " : line == FIGURE ? " & $%s$" : " & {\\scriptsize $%s$}", cell);
			}
			puts(" \\\\");
		}
	puts("\\hline\n\\end{tabular}");
	print_notes("\\par{\\footnotesize ", "}\n", put_latex);
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

	puts("run,metric,value,low,high,questions,difference,difference_low,difference_high,p,by");
	for (i = 0; i < rep.n_run; i++)
		for (c = 0; c < rep.n_column; c++) {
			const struct figure *f = &rep.run[i].figure[c];
			const struct figure *d = &rep.run[i].difference[c];

			if (f->n == 0)
				continue;
			print_csv_text(rep.run[i].name);
			putchar(',');
			print_csv_text(rep.column[c].c->title);
			printf(",%.9g,%.9g,%.9g,%zu", f->value, f->low, f->high, f->n);
			if (d->n > 0)
				printf(",%.9g,%.9g,%.9g,%.9g,", d->value, d->low, d->high, d->p);
			else
				fputs(",,,,,", stdout);
			print_csv_text(rep.run[i].by[c] != NULL ? rep.run[i].by[c] : "");
			putchar('\n');
		}
}

static void
add_number(json_t *o, const char *name, double v)
{
	if (json_object_set_new(o, name, need(json_real(v))) != 0)
		tool_die("out of memory");
}

static void
print_json(void)
{
	json_t *all = need(json_array()), *o;
	size_t c, i;

	for (i = 0; i < rep.n_run; i++)
		for (c = 0; c < rep.n_column; c++) {
			const struct figure *f = &rep.run[i].figure[c];
			const struct figure *d = &rep.run[i].difference[c];
			const char *by = rep.run[i].by[c];

			if (f->n == 0)
				continue;
			o = need(json_pack("{s:s, s:s, s:f, s:f, s:f, s:I}", "run", rep.run[i].name, "metric",
			    rep.column[c].c->title, "value", f->value, "low", f->low, "high", f->high, "questions",
			    (json_int_t)f->n));
			if (d->n > 0) {
				add_number(o, "difference", d->value);
				add_number(o, "difference_low", d->low);
				add_number(o, "difference_high", d->high);
				add_number(o, "p", d->p);
			}
			if ((by != NULL && json_object_set_new(o, "by", need(json_string(by))) != 0) ||
			    json_array_append_new(all, o) != 0)
				tool_die("out of memory");
		}
	if (json_dumpf(all, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(9)) == 0)
		putchar('\n');
	json_decref(all);
}

static const struct form {
	const char *name;
	void (*print)(void);
} forms[] = {
	{ "table", print_table }, { "csv", print_csv }, { "json", print_json }, { "latex", print_latex },
	{ "markdown", print_markdown }
};

static const struct form *
find_form(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof forms / sizeof *forms; i++)
		if (strcmp(forms[i].name, name) == 0)
			return &forms[i];
	tool_misuse("-o: '%s' is not table, csv, json, latex or markdown", name);
}

int
score_report(int argc, char *argv[])
{
	static const struct option longs[] = {
		{ "baseline", required_argument, NULL, 1 }, { "column", required_argument, NULL, 2 }, { NULL, 0, NULL, 0 }
	};
	const struct form *form = &forms[0];
	size_t c, i, shown = 0;
	size_t chosen;		/* columns by --column, which come first */
	int a, first;

	while ((a = tool_option(argc, argv, "o:S:", longs)) != -1)
		switch (a) {
		case 1: rep.baseline = optarg; break;
		case 2: add_column(optarg); break;
		case 'o': form = find_form(optarg); break;
		case 'S': rep.seed = number_seed32("-S", optarg); break;
		}
	first = optind;
	chosen = rep.n_column;
	list_columns();
	if (first == argc)
		read_run("-", 1);
	for (a = first; a < argc; a++)
		read_run(argv[a], a);
	for (i = 0; i < rep.n_run; i++)
		for (c = 0; c < rep.n_column; c++)
			if (summary_figure(rep.run[i].tally[c], NULL, rep.seed, &rep.run[i].figure[c]) != 0)
				tool_die("out of memory");
	for (c = 0; c < rep.n_column; c++)
		shown += (size_t)is_shown(c);
	for (c = 0; c < chosen; c++)
		if (!is_shown(c))
			tool_die("--column: no record has the field '%s'", rep.column[c].c->field);
	if (shown == 0)
		tool_die("no record has a metric's field");
	compare_runs();
	form->print();
	if (ferror(stdout) || fflush(stdout) != 0)
		tool_die("cannot write 'standard output': %s", strerror(errno));
	return 0;
}
