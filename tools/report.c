#include "report.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/utf8.h"
#include "metric/metric.h"
#include "metric/summary.h"
#include "stream/groups.h"

/* The lines of a cell: figure, interval, difference from the baseline. */
enum { FIGURE, INTERVAL, DIFFERENCE, LINES };
enum { CELL = 64 };
enum { CELLS = 1 << 16 };	/* the most in a report, because files name runs and columns */

/* A run: files that share a name. */
struct run {
	char *name;
	struct groups *ids;
};

/* Where a column's figure of a record comes from. */
struct seen {
	int file;		/* number of the file with the field, or 0 */
	size_t question;	/* of rep.questions */
};

/* A column of one run. */
struct cell {
	struct summary *summary;
	struct figure figure, difference;	/* difference: from the baseline */
	char text[LINES][CELL];	/* the lines in a table; "": none */
	char *by;		/* who scored; NULL: not known */
	int last;		/* number of the last file with the field, or 0 */
	struct seen *seen;	/* [room] by id */
	size_t room;
};

struct report_column {
	const struct column *column;
	const struct metric *metric;	/* whose column it is; NULL: --column's */
	struct cell *cell;		/* [n_run] */
	int width;			/* characters of the widest cell */
};

static struct {
	struct report_column *column;
	size_t n_column, n_chosen;	/* the first n_chosen are those of --column */
	struct run *run;
	size_t n_run;
	struct groups *questions;	/* of all runs that are compared */
	size_t base;			/* index of the run that others are compared with */
	const char *baseline;		/* the name given by --baseline, or NULL */
	int holm;			/* --holm */
	int compares;			/* --baseline, or a column that compares runs, is given */
	uint64_t seed;
} rep;

/* Returns s without control characters, as utf8_show does. */
static char *
show(const char *s)
{
	size_t size = 4 * strlen(s) + 1;
	char *shown = tool_need(malloc(size));

	utf8_show(shown, size, s);
	return shown;
}

/* Returns how many characters s has. */
static int
width_of(const char *s)
{
	int n = 0;

	for (; *s != '\0'; s++)
		n += (*s & 0xc0) != 0x80;
	return n;
}

/* Adds the cell of run i to column s, which has those of the runs before it. */
static void
add_cell(struct report_column *s, size_t i)
{
	if ((i + 1) * rep.n_column > CELLS)
		tool_die("%zu runs with %zu columns are too many: each name is a run, and each "
		    "flow length T of it", i + 1, rep.n_column);
	s->cell = tool_need(realloc(s->cell, (i + 1) * sizeof *s->cell));
	s->cell[i] = (struct cell){ .summary = tool_need(summary_alloc(s->column)) };
}

/* Inserts a column at index `at`. m is NULL for one of --column. */
static void
insert_column(size_t at, const struct column *c, const struct metric *m)
{
	struct report_column *s;
	size_t i;

	rep.column = tool_need(realloc(rep.column, (rep.n_column + 1) * sizeof *rep.column));
	s = rep.column + at;
	memmove(s + 1, s, (rep.n_column - at) * sizeof *s);
	rep.n_column++;
	*s = (struct report_column){ .column = c, .metric = m };
	for (i = 0; i < rep.n_run; i++)
		add_cell(s, i);
}

/* Adds a column of metric m, or makes an equal one of --column that of m. */
static void
add_metric_column(const struct column *c, const struct metric *m)
{
	struct report_column *s;

	for (s = rep.column; s < rep.column + rep.n_chosen; s++)
		if (strcmp(s->column->field, c->field) == 0 &&
		    s->column->aggregate == c->aggregate && c->other == NULL) {
			s->metric = m;
			return;
		}
	insert_column(rep.n_column, c, m);
}

/*
 * Returns the index of the run with this name, which it adds if there is none.
 * If T is not NULL, each flow length T of a sweep is a run of its own.
 */
static size_t
find_run(const char *name, const char *T)
{
	struct run new = { .ids = NULL };
	struct report_column *s;
	char *raw;
	size_t i;

	if (asprintf(&raw, "%s%s%s", name, T != NULL ? " T=" : "", T != NULL ? T : "") < 0)
		tool_die("out of memory");
	new.name = show(raw);
	free(raw);
	for (i = 0; i < rep.n_run; i++)
		if (strcmp(rep.run[i].name, new.name) == 0) {
			free(new.name);
			return i;
		}
	new.ids = tool_need(groups_alloc());
	rep.run = tool_need(realloc(rep.run, (i + 1) * sizeof *rep.run));
	rep.run[i] = new;
	for (s = rep.column; s < rep.column + rep.n_column; s++)
		add_cell(s, i);
	rep.n_run++;
	return i;
}

/* Returns a column with the mean of a field, whose name it borrows. */
static struct column *
make_column(const char *field, const char *title)
{
	struct column *c = tool_need(malloc(sizeof *c));

	*c = (struct column){ show(title), field, &aggregate_mean, 3, NULL };
	return c;
}

/*
 * Adds a column with the mean of a field of metric m whose name the user or a
 * model chose, unless there is one: after the metric's others, or at the end.
 */
static void
add_field(const struct metric *m, const char *field)
{
	size_t c, at = rep.n_column;
	int has_mean = 0;

	/* streams of older versions and other programs may name such a field */
	if (metric_is_taken(m, field))
		return;
	for (c = 0; c < rep.n_column; c++) {
		struct report_column *s = &rep.column[c];

		if (strcmp(s->column->field, field) == 0) {
			s->metric = m;
			has_mean |= s->column->aggregate == &aggregate_mean;
		}
		at = s->metric == m && c >= rep.n_chosen ? c + 1 : at;
	}
	if (has_mean)
		return;
	insert_column(at, make_column(tool_need(strdup(field)), field), m);
}

/* Appends "; who" to *by unless it contains who. who may be NULL. */
static void
add_by(char **by, const char *who)
{
	char *shown, *longer;

	if (who == NULL)
		return;
	shown = show(who);
	if (*by == NULL || strstr(*by, shown) == NULL) {
		if (asprintf(&longer, "%s%s%s", *by != NULL ? *by : "", *by != NULL ? "; " : "",
		    shown) < 0)
			tool_die("out of memory");
		free(*by);
		*by = longer;
	}
	free(shown);
}

/*
 * Copies the next of the names in *list, with spaces between them, to
 * field[RECORD_KEY_SIZE], and moves *list after it. Returns 0 if there is no
 * more, or -1 if the name is too long.
 */
static int
next_name(const char **list, char *field)
{
	size_t n;

	*list += strspn(*list, " ");
	if ((n = strcspn(*list, " ")) >= RECORD_KEY_SIZE)
		return -1;
	memcpy(field, *list, n);
	field[n] = '\0';
	*list += n;
	return n > 0;
}

/* Returns whether a list of names is NULL, or has this one. */
static int
has_name(const char *list, const char *name)
{
	char field[RECORD_KEY_SIZE];

	if (list == NULL)
		return 1;
	while (next_name(&list, field) > 0)
		if (strcmp(field, name) == 0)
			return 1;
	return 0;
}

/*
 * Returns who scored this field of metric m, by the last link of h's chain that
 * wrote it; NULL if it does not say.
 */
static const char *
find_by(const struct header *h, const struct metric *m, const char *field)
{
	const char *by = NULL;
	size_t i;

	for (i = 0; i < h->n_chain; i++) {
		const char *metric = header_value(h, i, "metric");
		const char *wrote = header_value(h, i, "field");

		if (metric != NULL && strcmp(metric, m->name) == 0 &&
		    has_name(wrote, field))
			by = header_value(h, i, "by");
	}
	return by;
}

/* Adds who scored the file with header h to the cell x of column s. */
static void
note_scorer(const struct report_column *s, struct cell *x, const struct header *h)
{
	if (s->metric == NULL)
		return;
	add_by(&x->by, find_by(h, s->metric, s->column->field));
	if (s->column->aggregate == &aggregate_product)
		add_by(&x->by, find_by(h, s->metric, s->column->other));
}

/* Adds columns for the fields that the header h of the file at path names. */
static void
add_fields(const struct header *h, const char *path)
{
	char field[RECORD_KEY_SIZE];
	int got;
	size_t i;

	for (i = 0; i < h->n_chain; i++) {
		const char *metric = header_value(h, i, "metric");
		const char *list = header_value(h, i, "field");

		if (metric == NULL || list == NULL || metric_find(metric) == NULL)
			continue;
		while ((got = next_name(&list, field)) > 0)
			add_field(metric_find(metric), field);
		if (got < 0)
			tool_die("'%s': a 'field' of the chain is longer than %d bytes", path,
			    RECORD_KEY_SIZE - 1);
	}
}

/* Room for the name of a record: its id and the number of its sample. */
enum { NAME_SIZE = RECORD_KEY_SIZE + 40 };

/*
 * Sets name[NAME_SIZE] to what tells the record r from others of its run: the
 * number of its sample, if it has one, '/' and its id. The number comes first
 * because an id may end in anything.
 */
static void
name_record(char *name, const struct record *r, const struct stream *in)
{
	struct err e;
	int64_t sample;
	size_t n = 0;

	/* a field of this name that is no integer is not generate's */
	if (record_get_int(r, "sample", &sample) == 1)
		n = (size_t)snprintf(name, NAME_SIZE, "%lld", (long long)sample);
	name[n++] = '/';
	if (record_get_key(r, "id", name + n, RECORD_KEY_SIZE, &e) != 0)
		tool_die_record(in, &e);
}

/*
 * Returns what a message calls the record with this name, until the next call.
 */
static const char *
show_name(const char *name)
{
	static char shown[NAME_SIZE];
	int n = (int)strcspn(name, "/");

	if (n == 0)
		return name + 1;
	snprintf(shown, sizeof shown, "%s, sample %.*s", name + n + 1, n, name);
	return shown;
}

/*
 * Records that file `number` has column s of the record r, with this id. Ends
 * the run if another file of the run has it, too, or if runs are compared and
 * this file has it twice.
 */
static void
note_id(const struct report_column *s, size_t run, size_t id, const struct record *r, int number,
    const struct stream *in)
{
	struct cell *x = &s->cell[run];
	size_t old = x->room;
	struct err e;

	x->seen = tool_need(array_grow(x->seen, id + 1, &x->room, sizeof *x->seen));
	memset(x->seen + old, 0, (x->room - old) * sizeof *x->seen);
	if (x->seen[id].file != 0 && (x->seen[id].file != number || rep.compares)) {
		err_set(&e, "run '%s' has %s of '%s' twice", rep.run[run].name, s->column->title,
		    show_name(groups_text(rep.run[run].ids, id)));
		tool_die_record(in, &e);
	}
	x->seen[id].file = number;
	if (rep.compares &&
	    groups_add_record(rep.questions, r, &x->seen[id].question, &e) < 0)
		tool_die_record(in, &e);
}

/*
 * Adds a record of file `number` to the run called name, or to the one of its
 * T.
 */
static void
read_record(const char *name, const struct record *r, int number, const struct stream *in)
{
	/* a record without an id can be reported, but not compared */
	int has_id = rep.compares || record_has(r, "id");
	char id[NAME_SIZE];
	const char *T = NULL;
	struct report_column *s;
	struct err e;
	size_t n = 0, run;

	if (record_get_str(r, "T", &T, NULL) < 0) {
		err_set(&e, "field 'T' is not a text");
		tool_die_record(in, &e);
	}
	if (T != NULL && strlen(T) >= RECORD_KEY_SIZE) {
		err_set(&e, "field 'T' is longer than %d bytes", RECORD_KEY_SIZE - 1);
		tool_die_record(in, &e);
	}
	run = find_run(name, T);
	if (has_id) {
		name_record(id, r, in);
		tool_check(groups_add(rep.run[run].ids, id, &n, &e), &e);
	}
	for (s = rep.column; s < rep.column + rep.n_column; s++) {
		if (!record_has(r, s->column->field))
			continue;
		if (s->cell[run].last != number)
			note_scorer(s, &s->cell[run], stream_header(in));
		s->cell[run].last = number;
		if (has_id)
			note_id(s, run, n, r, number, in);
		if (summary_add(s->cell[run].summary, r, &e) != 0)
			tool_die_record(in, &e);
	}
}

/*
 * Reads file `number`, given as "name=file", or as a file that names the run.
 */
static void
read_run(const char *arg, int number)
{
	size_t n = strcspn(arg, "=");
	const char *path = arg[n] == '=' ? arg + n + 1 : arg;
	char *name = tool_need(strndup(arg, n));
	struct record *r = tool_need(record_alloc());
	struct err e;
	struct stream *in = tool_need_err(stream_open(&path, 1, &e), &e);

	/*
	 * number records without an id only if they are compared: two files of
	 * a run would have the same numbers
	 */
	if (rep.compares)
		stream_add_ids(in);
	/* the log_loss of a classifier's fit is not that of score density */
	tool_check(stream_expect(in, ~(1u << STREAM_CLASSIFIER), &e), &e);
	add_fields(stream_header(in), path);
	while (tool_read(in, r))
		read_record(name, r, number, in);
	if (stream_count(in) == 0)
		find_run(name, NULL);
	stream_close(in);
	record_free(r);
	free(name);
}

/*
 * Ends the run unless run b has every record for which run a has column s, in
 * the same group. The field may be missing from b's record.
 */
static void
check_ids(const struct report_column *s, size_t a, size_t b)
{
	const struct groups *ids = rep.run[a].ids;
	const struct cell *x = &s->cell[a], *y = &s->cell[b];
	const char *name;
	size_t i, n;

	for (i = 0; i < groups_count(ids) && i < x->room; i++) {
		name = groups_text(ids, i);
		if (x->seen[i].file == 0)
			continue;
		if (!groups_find(rep.run[b].ids, name, &n))
			tool_die("run '%s' has no record '%s', but '%s' has its %s",
			    rep.run[b].name, show_name(name), rep.run[a].name,
			    s->column->title);
		if (n < y->room && y->seen[n].file != 0 &&
		    x->seen[i].question != y->seen[n].question)
			tool_die("run '%s' has record '%s' in group '%s', but '%s' in '%s'",
			    rep.run[a].name, show_name(name),
			    groups_text(rep.questions, x->seen[i].question), rep.run[b].name,
			    groups_text(rep.questions, y->seen[n].question));
	}
}

/* Compares column s of all runs with the baseline. */
static void
compare_runs(struct report_column *s)
{
	int has_figure = s->column->aggregate->figure != NULL;
	struct cell *base = &s->cell[rep.base];
	size_t i;

	for (i = 0; i < rep.n_run; i++) {
		struct cell *x = &s->cell[i];
		struct figure *f = has_figure ? &x->difference : &x->figure;

		if (i == rep.base || x->last == 0 || base->last == 0 ||
		    (has_figure && (x->figure.n == 0 || base->figure.n == 0)))
			continue;
		check_ids(s, rep.base, i);
		check_ids(s, i, rep.base);
		if (summary_figure(x->summary, base->summary, rep.seed, f) != 0)
			tool_die("out of memory");
	}
}

static int
by_p(const void *a, const void *b)
{
	const struct figure *x = *(struct figure *const *)a, *y = *(struct figure *const *)b;

	return (x->p > y->p) - (x->p < y->p);
}

/*
 * Multiplies the k-th least p of the n differences of column s by n - k + 1,
 * and makes it at least that of the one before, and at most 1 (Holm 1979).
 */
static void
correct_by_holm(struct report_column *s)
{
	struct figure **d = tool_need(calloc(rep.n_run, sizeof(struct figure *)));
	double least = 0;
	size_t i, n = 0;

	for (i = 0; i < rep.n_run; i++)
		if (s->cell[i].difference.n > 0 && !isnan(s->cell[i].difference.p))
			d[n++] = &s->cell[i].difference;
	qsort(d, n, sizeof *d, by_p);
	for (i = 0; i < n; i++)
		least = d[i]->p = fmin(1, fmax(least, (double)(n - i) * d[i]->p));
	free(d);
}

/* Ends the run if a figure of column s is too great for a double. */
static void
check_figures(const struct report_column *s)
{
	size_t i;

	for (i = 0; i < rep.n_run; i++) {
		const struct figure *f = &s->cell[i].figure, *d = &s->cell[i].difference;

		if (isinf(f->value) || isinf(f->low) || isinf(f->high) || isinf(d->value) ||
		    isinf(d->low) || isinf(d->high))
			tool_die("run '%s': its %s is too great for a double",
			    rep.run[i].name, s->column->title);
	}
}

/* Computes all figures, and the differences from the baseline. */
static void
make_figures(void)
{
	struct report_column *s;
	size_t i;

	if (rep.baseline != NULL)
		rep.baseline = show(rep.baseline);
	for (; rep.baseline != NULL && rep.base < rep.n_run; rep.base++)
		if (strcmp(rep.run[rep.base].name, rep.baseline) == 0)
			break;
	if (rep.base == rep.n_run)
		tool_misuse("--baseline: no run has the name '%s'", rep.baseline);
	for (s = rep.column; s < rep.column + rep.n_column; s++) {
		for (i = 0; i < rep.n_run; i++) {
			struct cell *x = &s->cell[i];

			if (summary_figure(x->summary, NULL, rep.seed, &x->figure) != 0)
				tool_die("out of memory");
		}
		if (rep.baseline != NULL || s->column->aggregate->figure == NULL)
			compare_runs(s);
		check_figures(s);
		if (rep.holm)
			correct_by_holm(s);
	}
}

/* Returns whether a record of any run has the field of a column. */
static int
has_field(const struct report_column *s)
{
	size_t i;

	for (i = 0; i < rep.n_run && s->cell[i].last == 0; i++)
		;
	return i < rep.n_run;
}

/* Removes the columns without a figure. Those of --column must have one. */
static void
remove_empty_columns(void)
{
	size_t c, i, n = 0;

	for (c = 0; c < rep.n_column; c++) {
		const struct aggregate *aggregate = rep.column[c].column->aggregate;

		for (i = 0; i < rep.n_run && rep.column[c].cell[i].figure.n == 0; i++)
			;
		if (i < rep.n_run)
			rep.column[n++] = rep.column[c];
		else if (c < rep.n_chosen && has_field(&rep.column[c]) && aggregate->needs != NULL)
			tool_die("--column: %s of '%s' needs %s", aggregate->name,
			    rep.column[c].column->field, aggregate->needs);
		else if (c < rep.n_chosen)
			tool_die("--column: no %s the field '%s'",
			    aggregate->figure != NULL ? "record has" : "two runs have",
			    rep.column[c].column->field);
	}
	if ((rep.n_column = n) == 0)
		tool_die("no record has a metric's field");
}

/* Formats the cells of a table, and finds the width of each column. */
static void
write_cells(void)
{
	struct report_column *s;
	size_t i, line;

	for (s = rep.column; s < rep.column + rep.n_column; s++) {
		int digits = s->column->digits;

		s->width = width_of(s->column->title);
		for (i = 0; i < rep.n_run; i++) {
			const struct figure *f = &s->cell[i].figure, *d = &s->cell[i].difference;
			char (*text)[CELL] = s->cell[i].text;

			strcpy(text[FIGURE], "-");
			if (f->n > 0) {
				snprintf(text[FIGURE], CELL, "%.*f", digits, f->value);
				if (!isnan(f->low))
					snprintf(text[INTERVAL], CELL, "[%.*f, %.*f]", digits,
					    f->low, digits, f->high);
			}
			if (d->n > 0)
				snprintf(text[DIFFERENCE], CELL, "%+.*f, p %.*f", digits, d->value,
				    d->p < 0.001 ? 4 : 3, d->p);
			for (line = 0; line < LINES; line++)
				if (width_of(text[line]) > s->width)
					s->width = width_of(text[line]);
		}
	}
}

/*
 * Returns 1 if a column in [from, to) has text in this line of a run's cells.
 */
static int
has_text(size_t run, size_t from, size_t to, int line)
{
	while (from < to && rep.column[from].cell[run].text[line][0] == '\0')
		from++;
	return from < to;
}

/* How a format prints notes; put escapes text. */
struct style {
	const char *front, *back;
	void (*put)(const char *s);
};

/* Prints one note, and a blank line before the first; *n counts the notes. */
static void
print_note(const struct style *style, int *n, const char *format, ...)
{
	va_list ap;
	char *text;

	va_start(ap, format);
	if (vasprintf(&text, format, ap) < 0)
		tool_die("out of memory");
	va_end(ap);
	printf("%s%s", (*n)++ == 0 ? "\n" : "", style->front);
	style->put(text);
	fputs(style->back, stdout);
	free(text);
}

/* Prints the notes below a table: who scored, and what was compared. */
static void
print_notes(const struct style *style)
{
	const struct report_column *s;
	size_t i, k;
	int n = 0;

	for (i = 0; i < rep.n_run; i++)
		for (s = rep.column; s < rep.column + rep.n_column; s++) {
			const char *by = s->cell[i].by, *title = s->column->title;
			int same = 1, first = 1;

			/* the parts of True*Info have notes of their own */
			if (by == NULL || s->cell[i].figure.n == 0 ||
			    s->column->aggregate == &aggregate_product)
				continue;
			for (k = 0; k < rep.n_run; k++) {
				same &= s->cell[k].by == NULL || strcmp(s->cell[k].by, by) == 0;
				first &= s->cell[k].by == NULL || k >= i;
			}
			if (!same)
				print_note(style, &n, "%s of %s by %s", title, rep.run[i].name, by);
			else if (first)
				print_note(style, &n, "%s by %s", title, by);
		}
	for (s = rep.column; s < rep.column + rep.n_column; s++)
		if (s->column->aggregate->figure == NULL)
			print_note(style, &n, "%s against %s", s->column->title,
			    rep.run[rep.base].name);
	if (rep.baseline != NULL)
		print_note(style, &n, "Differences from %s, by question; p of a permutation test%s",
		    rep.baseline, rep.holm ? ", corrected by Holm's method" : "");
}

static void
put_plain(const char *s)
{
	fputs(s, stdout);
}

/*
 * Prints a line of a run's cells in columns [from, to), or if run is NULL the
 * titles.
 */
static void
print_line(int label_width, size_t from, size_t to, const struct run *run, int line)
{
	const char *label = run != NULL && line == FIGURE ? run->name : "";
	int gap = label_width - width_of(label);
	size_t c;

	fputs(label, stdout);
	for (c = from; c < to; c++) {
		const struct report_column *s = &rep.column[c];
		const char *text = s->column->title;

		if (run != NULL)
			text = s->cell[run - rep.run].text[line];
		/*
		 * spaces are printed before text only, so that no line ends
		 * with one
		 */
		gap += 2;
		if (text[0] != '\0') {
			printf("%*s%s", gap, "", text);
			gap = 0;
		}
		gap += s->width - width_of(text);
	}
	putchar('\n');
}

/* Prints as many columns side by side as fit, then the others below. */
static void
print_table(void)
{
	static const struct style style = { "", "\n", put_plain };
	enum { WIDTH = 110 };
	size_t from, to, i;
	int label = 0, line, used;

	for (i = 0; i < rep.n_run; i++)
		label = width_of(rep.run[i].name) > label ? width_of(rep.run[i].name) : label;
	for (from = 0; from < rep.n_column; from = to) {
		used = label;
		for (to = from; to < rep.n_column; to++) {
			used += 2 + rep.column[to].width;
			if (used > WIDTH && to > from)
				break;
		}
		fputs(from > 0 ? "\n" : "", stdout);
		print_line(label, from, to, NULL, 0);
		for (i = 0; i < rep.n_run; i++)
			for (line = 0; line < LINES; line++)
				if (has_text(i, from, to, line))
					print_line(label, from, to, &rep.run[i], line);
	}
	print_notes(&style);
}

/*
 * Prints s, but for a character that begins a string of `special` the rest of
 * that string.
 */
static void
put_escaped(const char *s, const char *const special[])
{
	size_t i;

	for (; *s != '\0'; s++) {
		for (i = 0; special[i] != NULL && special[i][0] != *s; i++)
			;
		if (special[i] != NULL)
			fputs(special[i] + 1, stdout);
		else
			putchar(*s);
	}
}

static void
put_markdown(const char *s)
{
	static const char *const special[] = { "\\\\\\", "`\\`", "*\\*", "_\\_", "{\\{", "}\\}",
		"[\\[", "]\\]", "<\\<", ">\\>", "|\\|", "#\\#", NULL };

	put_escaped(s, special);
}

static void
print_markdown(void)
{
	static const struct style style = { "", "<br>\n", put_markdown };
	size_t c, i;
	int line;

	putchar('|');
	for (c = 0; c < rep.n_column; c++) {
		fputs(" | ", stdout);
		put_markdown(rep.column[c].column->title);
	}
	fputs(" |\n|---", stdout);
	for (c = 0; c < rep.n_column; c++)
		fputs("|---", stdout);
	puts("|");
	for (i = 0; i < rep.n_run; i++) {
		fputs("| ", stdout);
		put_markdown(rep.run[i].name);
		for (c = 0; c < rep.n_column; c++) {
			fputs(" | ", stdout);
			for (line = 0; line < LINES && has_text(i, c, c + 1, line); line++)
				printf("%s%s", line > 0 ? "<br>" : "",
				    rep.column[c].cell[i].text[line]);
		}
		puts(" |");
	}
	print_notes(&style);
}

static void
put_latex(const char *s)
{
	static const char *const special[] = { "\\\\textbackslash{}", "~\\textasciitilde{}",
		"^\\textasciicircum{}", "<\\textless{}", ">\\textgreater{}", "#\\#", "$\\$", "%\\%",
		"&\\&", "_\\_", "{\\{", "}\\}", NULL };

	put_escaped(s, special);
}

static void
print_latex(void)
{
	static const struct style style = { "\\par{\\footnotesize ", "}\n", put_latex };
	size_t c, i;
	int line;

	printf("\\begin{tabular}{l*{%zu}{r}}\n\\hline\n", rep.n_column);
	for (c = 0; c < rep.n_column; c++) {
		fputs(" & ", stdout);
		put_latex(rep.column[c].column->title);
	}
	puts(" \\\\\n\\hline");
	for (i = 0; i < rep.n_run; i++)
		for (line = 0; line < LINES && has_text(i, 0, rep.n_column, line); line++) {
			if (line == FIGURE)
				put_latex(rep.run[i].name);
			for (c = 0; c < rep.n_column; c++) {
				const char *text = rep.column[c].cell[i].text[line];

				/*
				 * LaTeX prints a minus sign only in mathematics
				 */
				if (text[0] == '\0')
					fputs(" & ", stdout);
				else
					printf(line == FIGURE ? " & $%s$" :
					    " & {\\scriptsize $%s$}", text);
			}
			puts(" \\\\");
		}
	puts("\\hline\n\\end{tabular}");
	print_notes(&style);
}

/* Returns the figure of column s in a run as a JSON object. */
static json_t *
list_figure(const struct report_column *s, size_t run)
{
	const struct cell *x = &s->cell[run];
	const struct figure *f = &x->figure, *d = &x->difference;
	json_t *o = tool_need(json_pack("{s:s, s:s, s:f}", "run", rep.run[run].name, "metric",
	    s->column->title, "value", f->value));
	int bad = 0;

	if (!isnan(f->low))
		bad |= json_object_update_new(o, json_pack("{s:f, s:f}", "low", f->low, "high",
		    f->high));
	bad |= json_object_set_new(o, "questions", json_integer((json_int_t)f->n));
	if (d->n > 0)
		bad |= json_object_update_new(o, json_pack("{s:f, s:f, s:f, s:f}", "difference",
		    d->value, "difference_low", d->low, "difference_high", d->high, "p", d->p));
	if (x->by != NULL)
		bad |= json_object_set_new(o, "by", json_string(x->by));
	if (d->n > 0 || s->column->aggregate->figure == NULL)
		bad |= json_object_set_new(o, "baseline", json_string(rep.run[rep.base].name));
	return tool_need(bad == 0 ? o : NULL);
}

/* Returns all figures as a JSON array. */
static json_t *
list_figures(void)
{
	json_t *all = tool_need(json_array());
	size_t c, i;

	for (i = 0; i < rep.n_run; i++)
		for (c = 0; c < rep.n_column; c++)
			if (rep.column[c].cell[i].figure.n > 0 &&
			    json_array_append_new(all, list_figure(&rep.column[c], i)) != 0)
				tool_die("out of memory");
	return all;
}

/* Prints s, in quotes if it has a comma or a quote (RFC 4180). */
static void
print_csv_text(const char *s)
{
	if (strpbrk(s, ",\"") == NULL) {
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
	static const char *const names[] = { "run", "metric", "value", "low", "high", "questions",
		"difference", "difference_low", "difference_high", "p", "by", "baseline" };
	enum { NAMES = sizeof names / sizeof *names };
	json_t *all = list_figures(), *v;
	size_t i, k;

	for (k = 0; k < NAMES; k++)
		printf("%s%c", names[k], k + 1 < NAMES ? ',' : '\n');
	for (i = 0; i < json_array_size(all); i++)
		for (k = 0; k < NAMES; k++) {
			v = json_object_get(json_array_get(all, i), names[k]);
			if (json_is_string(v))
				print_csv_text(json_string_value(v));
			else if (v != NULL)
				printf("%.9g", json_number_value(v));
			putchar(k + 1 < NAMES ? ',' : '\n');
		}
	json_decref(all);
}

static void
print_json(void)
{
	json_t *all = list_figures();

	/* tool_answered finds out whether stdout could be written */
	if (json_dumpf(all, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(9)) != 0 &&
	    !ferror(stdout))
		tool_die("out of memory");
	putchar('\n');
	json_decref(all);
}

static const struct form {
	const char *name;
	void (*print)(void);
} forms[] = {
	{ "table", print_table },
	{ "csv", print_csv },
	{ "json", print_json },
	{ "latex", print_latex },
	{ "markdown", print_markdown }
};
static const struct form *form = &forms[0];

static void
parse_format(const char *option, const char *name)
{
	size_t i;

	for (i = 0; i < sizeof forms / sizeof *forms; i++)
		if (strcmp(forms[i].name, name) == 0) {
			form = &forms[i];
			return;
		}
	tool_misuse("%s: '%s' is not table, csv, json, latex or markdown", option, name);
}

/* Adds a column given as "field", "field:title" or "field:title:aggregate". */
static void
parse_column(const char *option, const char *text)
{
	char *aggregate = tool_need(strdup(text)), *field = strsep(&aggregate, ":");
	char *title = strsep(&aggregate, ":");
	struct column *c = make_column(field, title != NULL ? title : field);

	if (*field == '\0' || (title != NULL && *title == '\0'))
		tool_misuse("%s: '%s' is not a field, field:title or field:title:aggregate", option,
		    text);
	if (aggregate != NULL && (c->aggregate = aggregate_find(aggregate)) == NULL)
		tool_misuse("%s: '%s' is not mean, auc, calibration, max, p90, pair or win", option,
		    aggregate);
	rep.compares |= c->aggregate->figure == NULL;
	insert_column(rep.n_column, c, NULL);
}

const char report_usage[] =
    "score report [-S seed] [--baseline name]\n"
    "                    [--column field[:title[:mean|auc|calibration|max|p90|pair|win]]] ...\n"
    "                    [--format table|csv|json|latex|markdown] [--holm]\n"
    "                    [[name=]file ...]\n";

struct tool_option report_options[] = {
	{ "-S", "seed", "of the report's resampling", OPTION_SEED32, .to = &rep.seed },
	{ "--baseline", "name", "report: the run that the others are compared with", OPTION_TEXT,
	    .to = &rep.baseline },
	{ "--holm", NULL, "report: correct p for the number of runs compared, by Holm's method",
	    OPTION_FLAG, .to = &rep.holm },
	{ "--column", "column",
	    "report: field[:title[:mean|auc|calibration|max|p90|pair|win]], any field's mean, AUC, "
	    "calibration error, mean of greatest values, 90th percentile, pair accuracy or share "
	    "of wins, in front; may be repeated", .parse = parse_column },
	{ "--format", "format", "report: table, csv, json, latex or markdown (default: table)",
	    .parse = parse_format },
	{ 0 }
};

void
score_report(int argc, char *argv[])
{
	const struct metric *const *m;
	const struct column *c;
	int i;

	options_parse(report_options, argc, argv);
	if (rep.holm && rep.baseline == NULL)
		tool_misuse("--holm needs --baseline");
	rep.compares |= rep.baseline != NULL;
	rep.questions = tool_need(groups_alloc());
	rep.n_chosen = rep.n_column;
	for (m = metric_table(); *m != NULL; m++)
		for (c = (*m)->columns; c->title != NULL; c++)
			add_metric_column(c, *m);
	if (optind == argc)
		read_run("-", 1);
	for (i = optind; i < argc; i++)
		read_run(argv[i], i);
	make_figures();
	remove_empty_columns();
	write_cells();
	form->print();
	tool_answered();
}
