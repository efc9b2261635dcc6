/*
 * Tests which positions of which texts are steered, and how a field of sequences steers: its displacement of a
 * sequence's first row moves all rows of the sequence. linact, whose displacement depends on the activation, stands
 * for such a field.
 */
#include "../../lib/steer/steering.c"

#include <unistd.h>

#include "tap.h"

TAP_FREES_NOTHING

enum { D = 3, TEXTS = 9, STEPS = 5, BLOCK = 4, LENGTHS = 3 };

static const char *const barrier[] = {
	"{\"odesteer\":\"stream\",\"version\":1,\"kind\":\"barrier\",\"block\":[4],\"dim\":3,\"dtype\":\"float32\","
	"\"chain\":[]}\n{\"field\":\"linact\",\"act_norm\":1,\"scale\":[2.385,0.5,-1],\"shift\":[0.385,0,-7]}\n",
	"{\"odesteer\":\"stream\",\"version\":1,\"kind\":\"barrier\",\"block\":[4],\"dim\":3,\"dtype\":\"float32\","
	"\"chain\":[]}\n{\"field\":\"linact\",\"act_norm\":1,\"scale\":[0.7,3,1.1],\"shift\":[1,-2,0.25]}\n",
};
static const struct strength lengths[LENGTHS] = {
	{ STRENGTH_LENGTH, 0.385 }, { STRENGTH_LENGTH, 0 }, { STRENGTH_LENGTH, 1 }
};

/* The texts that the rows of a call belong to; a text's number is that of its sequence. */
struct rows {
	int seq[TEXTS];
	struct lm_steered row[TEXTS];
	float act[TEXTS * D];
	size_t n;
};

/* Returns the sweep's length of row i. */
static size_t
length_of(void *ctx, size_t i)
{
	const struct rows *r = ctx;

	return (size_t)r->seq[i] % LENGTHS;
}

static void
must(int rc, const struct err *e)
{
	if (rc != 0) {
		printf("Bail out! %s\n", e->text);
		exit(1);
	}
}

/* Writes text to a temporary file and sets path to its name. */
static void
write_file(char *path, const char *text)
{
	FILE *f;

	strcpy(path, "/tmp/odesteer-steering.XXXXXX");
	f = fdopen(mkstemp(path), "w");
	fputs(text, f);
	fclose(f);
}

/*
 * Returns a steering by n barriers, as fields of sequences or not, at the length T or those of the sweep, at all
 * positions of the completion, or where `where' says.
 */
static struct steering *
open_steering_at(size_t n, int of_sequence, double T, const struct steering_sweep *sweep,
    const struct steering_where *where)
{
	struct steering *s = need(steering_alloc(sweep));
	struct flow_options o;
	struct header h;
	struct err e;
	size_t i;

	flow_options_default(&o);
	o.T = (struct strength){ STRENGTH_LENGTH, T };
	header_init(&h, STREAM_COMPLETIONS);
	header_add_link(&h, "test", "1", 0, NULL, NULL);
	for (i = 0; i < n; i++) {
		static char path[STEERING_MAX][64];	/* for as long as a steering */

		write_file(path[i], barrier[i]);
		must(steering_add_file(s, path[i], &o, where, &h, &e), &e);
		unlink(path[i]);
		if (of_sequence)
			s->by[i].shift = need(calloc(LM_MAX_SEQS, D * sizeof(float)));
	}
	header_release(&h);
	return s;
}

static struct steering *
open_steering(size_t n, int of_sequence, double T, const struct steering_sweep *sweep)
{
	static const struct steering_where all = { 0 };

	return open_steering_at(n, of_sequence, T, sweep, &all);
}

/* Sets act[D] to the activation of row k of a text. */
static void
made_act(int text, int k, float *act)
{
	int j;

	for (j = 0; j < D; j++)
		act[j] = (float)(5 * sin(2.385 * (text * 31 + k * 7 + j) + 0.1 * text * k));
}

/* Adds row k of a text. */
static void
add_row(struct rows *r, int text, int k)
{
	r->seq[r->n] = text;
	r->row[r->n] = (struct lm_steered){ &r->seq[r->n], 1, 10 + k, k };
	made_act(text, k, r->act + r->n * D);
	r->n++;
}

/*
 * Steers STEPS rows of each text and sets out[TEXTS][STEPS][D]. Text t starts at call t of those of all texts, or
 * after the texts before it if they are steered one by one. Whatever r had is replaced.
 */
static void
steer(struct steering *s, struct rows *r, int alone, float *out)
{
	int call, t;
	struct err e;

	for (call = 0; call < (alone ? TEXTS * STEPS : TEXTS + STEPS - 1); call++) {
		r->n = 0;
		for (t = TEXTS - 1; t >= 0; t--) {
			int k = call - (alone ? t * STEPS : t);

			if (k >= 0 && k < STEPS)
				add_row(r, t, k);
		}
		must(steer_block(&s->by[0].hook, r->act, r->row, r->n, &e), &e);
		for (t = 0; t < (int)r->n; t++)
			memcpy(out + (r->seq[t] * STEPS + call - (alone ? r->seq[t] * STEPS : r->seq[t])) * D,
			    r->act + t * D, D * sizeof *out);
	}
}

/* Returns the largest deviation of out from rows that are displaced like the first of their text in first. */
static double
off(const float *out, const float *first)
{
	double worst = 0;
	int t, k, j;

	for (t = 0; t < TEXTS; t++)
		for (k = 0; k < STEPS; k++)
			for (j = 0; j < D; j++) {
				float a[D], a0[D];

				made_act(t, k, a);
				made_act(t, 0, a0);
				worst = fmax(worst, fabs((double)out[(t * STEPS + k) * D + j] - a[j] -
				    ((double)first[t * STEPS * D + j] - a0[j])));
			}
	return worst;
}

/* Compares with the same barriers steering each row by itself, of which the first rows are the same. */
static void
check(const char *name, size_t barriers, double T, int swept)
{
	static float out[TEXTS * STEPS * D], alone[TEXTS * STEPS * D], each[TEXTS * STEPS * D];
	struct rows r;
	struct steering_sweep sweep = { lengths, LENGTHS, length_of, &r };
	struct steering *s = open_steering(barriers, 1, T, swept ? &sweep : NULL);
	struct steering_count c;
	double length = 0, worst;
	size_t moved = 0;
	int t, k, j;

	steer(open_steering(barriers, 0, T, swept ? &sweep : NULL), &r, 0, each);
	steer(s, &r, 0, out);
	c = steering_counted(s);
	worst = off(out, each);
	ok(worst < 1e-5, "%s: rows move like the first of their sequence: off by %.1e", name, worst);
	ok(off(each, each) > 1, "%s: which is not what each would do by itself", name);
	steer(s, &r, 1, alone);
	ok(memcmp(out, alone, sizeof out) == 0, "%s: the same bits if texts are steered one by one", name);
	for (t = 0; t < TEXTS; t++)
		for (k = 0; k < STEPS; k++) {
			float a[D];
			double sum = 0;

			made_act(t, k, a);
			for (j = 0; j < D; j++)
				sum += pow((double)out[(t * STEPS + k) * D + j] - a[j], 2);
			moved += sum > 0;
			length += sqrt(sum);
		}
	ok(c.seen == barriers * TEXTS * STEPS && c.moved == barriers * moved, "%s: %d rows, %d of them moved", name,
	    (int)c.seen, (int)c.moved);
	if (barriers == 1)
		ok(fabs(c.length - length) < 1e-4, "%s: their length is %g", name, c.length);
}

/* A row of several sequences is the first of all; a sequence that begins again is another one. */
static void
check_shared(void)
{
	struct steering *s = open_steering(1, 1, 1, NULL);
	static const int two[] = { 255, 7 };
	struct lm_steered row[] = { { two, 2, 0, 0 }, { two, 2, 1, 1 }, { &two[1], 1, 2, 2 }, { two, 1, 2, 2 } };
	float act[4 * D] = { 0 }, v[D];
	struct err e;
	int i, j, same = 0;

	for (i = 0; i < 4; i++)
		made_act(i, i, act + i * D);
	memcpy(v, act, sizeof v);
	must(steer_block(&s->by[0].hook, act, row, 4, &e), &e);
	for (i = 1; i < 4; i++)
		for (j = 0; j < D; j++) {
			float a[D];

			made_act(i, i, a);
			same += fabsf(act[i * D + j] - a[j] - (act[j] - v[j])) < 1e-5f;
		}
	ok(same == 3 * D, "rows of one or both of two sequences follow the row that both begin with");

	row[0] = (struct lm_steered){ &two[1], 1, 0, 0 };
	made_act(5, 5, act);
	memcpy(v, act, sizeof v);
	for (i = 1; i < 4; i++)
		memset(act + i * D, 0, D * sizeof *act);
	must(steer_block(&s->by[0].hook, act, row, 4, &e), &e);
	ok(fabsf(act[2 * D + 1] - (act[1] - v[1])) < 1e-5f && fabsf(act[3 * D + 1] - (act[1] - v[1])) > 0.1f,
	    "a sequence that begins again has a new displacement, another one keeps its own");
}

/* More rows than are moved at a time, and a displacement that leads too far. */
static void
check_many(void)
{
	enum { N = 2 * ROWS + 5 };
	struct steering *s = open_steering(1, 1, 1, NULL);
	static struct lm_steered row[N];
	static float act[N * D];
	int seq = 3, i, same = 0;
	struct err e;

	for (i = 0; i < N; i++) {
		row[i] = (struct lm_steered){ &seq, 1, i, i };
		made_act(0, i, act + i * D);
		act[i * D + 2] = i == 0 ? 2.385f : 0;
	}
	must(steer_block(&s->by[0].hook, act, row, N, &e), &e);
	for (i = 0; i < N; i++)
		same += fabsf(act[i * D + 2] - (i == 0 ? -9.385f : -11.77f)) < 1e-5f;
	ok(same == N, "%d rows of one text follow its first", N);
	row[0].at = 1;
	act[1] = NAN;
	ok(steer_block(&s->by[0].hook, act, row, 1, &e) != 0, "refused: %s", e.text);
}

enum { PROMPT = 3, WHOLE = PROMPT + STEPS - 1 };

/* Adds position `pos' of a text whose prompt has PROMPT tokens. */
static void
add_position(struct rows *r, int text, int pos)
{
	int at = pos - (PROMPT - 1);

	r->seq[r->n] = text;
	r->row[r->n] = (struct lm_steered){ &r->seq[r->n], 1, pos, at < 0 ? -1 : at };
	made_act(text, at, r->act + r->n * D);
	r->n++;
}

/* Steers all positions of all texts, one text after another or together, and sets out[TEXTS][WHOLE][D]. */
static void
steer_whole(struct steering *s, struct rows *r, int alone, float *out)
{
	int i, pos, t;
	struct err e;

	for (i = 0; i < TEXTS * WHOLE; i++) {
		r->n = 0;
		pos = alone ? i % WHOLE : i / TEXTS;
		for (t = 0; t < TEXTS; t++)
			if (alone ? t == i / WHOLE : i % TEXTS == 0)
				add_position(r, t, pos);
		if (s->decisions > 0)
			must(steer_block(&s->decision[0].hook, r->act, r->row, r->n, &e), &e);
		if (s->decisions == 0 || s->decision[0].hook.block != BLOCK)
			must(steer_block(&s->by[0].hook, r->act, r->row, r->n, &e), &e);
		for (t = 0; t < (int)r->n; t++)
			memcpy(out + (r->seq[t] * WHOLE + pos) * D, r->act + t * D, D * sizeof *out);
	}
}

/* Returns a text of WHOLE letters: x where out differs from what was given, for text t. */
static const char *
moved_of(const float *out, int t)
{
	static char to[WHOLE + 1];
	int pos;

	for (pos = 0; pos < WHOLE; pos++) {
		float a[D];

		made_act(t, pos - (PROMPT - 1), a);
		to[pos] = memcmp(out + (t * WHOLE + pos) * D, a, sizeof a) != 0 ? 'x' : '.';
	}
	return to;
}

/*
 * Compares the positions moved with `wanted', for texts that are to be moved (all if meets is NULL), also in a sweep
 * and one by one.
 */
static void
check_moved(const struct steering_where *w, int of_sequence, const char *wanted, int seen, const int *meets)
{
	static float out[TEXTS * WHOLE * D], alone[TEXTS * WHOLE * D];
	int swept, same, t, moved, want;

	for (swept = 0; swept < 2; swept++) {
		struct rows r;
		struct steering_sweep sweep = { lengths, LENGTHS, length_of, &r };
		struct steering *s = open_steering_at(1, of_sequence, 1, swept ? &sweep : NULL, w);
		struct steering_count c;

		steer_whole(s, &r, 0, out);
		c = steering_counted(s);
		for (same = moved = t = 0; t < TEXTS; t++) {
			want = (meets == NULL || meets[t]) && !(swept && t % LENGTHS == 1);
			same += strcmp(moved_of(out, t), want ? wanted : ".......") == 0;
			for (size_t k = 0; k < WHOLE; k++)
				moved += want && wanted[k] == 'x';
		}
		ok(same == TEXTS, "--at %d --skip %u --first %u%s%s: %s in %d of %d texts", (int)w->at, w->skip,
		    w->first, of_sequence ? ", a sequence map" : "", swept ? ", a sweep" : "", wanted, same, TEXTS);
		ok((int)c.seen == TEXTS * seen && (int)c.moved == moved, "%d positions, %d of them moved", (int)c.seen,
		    (int)c.moved);
		steer_whole(s, &r, 1, alone);
		ok(memcmp(out, alone, sizeof out) == 0, "one by one too");
	}
}

static void
check_positions(void)
{
	static const struct {
		struct steering_where where;
		const char *wanted;
		int seen;
	} way[] = {
		{ { 0 }, "..xxxxx", 5 },
		{ { .at = STEERING_LAST }, "..x....", 1 },
		{ { .at = STEERING_ALL }, "xxxxxxx", 7 },
		{ { .skip = 1 }, "...xxxx", 5 },
		{ { .first = 2 }, "..xx...", 5 },
		{ { .skip = 1, .first = 2 }, "...xx..", 5 },
		{ { .first = 1000000 }, "..xxxxx", 5 },
		{ { .skip = 1000000, .first = 1000000 }, ".......", 5 },
		{ { .at = STEERING_ALL, .skip = 1 }, ".xxxxxx", 7 },
		{ { .at = STEERING_ALL, .first = 4 }, "xxxx...", 7 },
		{ { .at = STEERING_ALL, .skip = 1, .first = 3 }, ".xxx...", 7 },
	};
	size_t i;

	for (i = 0; i < sizeof way / sizeof *way; i++)
		check_moved(&way[i].where, 0, way[i].wanted, way[i].seen, NULL);
	check_moved(&way[0].where, 1, way[0].wanted, way[0].seen, NULL);
	check_moved(&way[1].where, 1, way[1].wanted, way[1].seen, NULL);
	check_moved(&way[4].where, 1, way[4].wanted, way[4].seen, NULL);
}

/* Writes a barrier of a block whose h is 10 a[0], and whose positives have an h from -50 to 50. */
static void
write_condition(char *path, int block)
{
	char text[4096];
	int n, i;

	n = sprintf(text, "{\"odesteer\":\"stream\",\"version\":1,\"kind\":\"barrier\",\"block\":[%d],"
	    "\"dim\":3,\"dtype\":\"float32\",\"chain\":[]}\n{\"field\":\"caa\",\"act_norm\":1,\"slope\":1,"
	    "\"intercept\":0,\"log_prior_ratio\":0,\"vector\":[10,0,0],\"positives_h\":[-50", block);
	for (i = 1; i < FIT_QUANTILES; i++)
		n += sprintf(text + n, ",%d", i - 50);
	sprintf(text + n, "]}\n");
	write_file(path, text);
}

static void
check_when(void)
{
	static const struct { double q, least; } way[] = { { 0.5, 0 }, { 0.7385, 23.85 }, { 0, -50 }, { 1, 50 } };
	char path[64];
	int meets[TEXTS], block, t, n;
	size_t i;

	for (block = BLOCK - 1; block <= BLOCK; block++)
		for (i = 0; i < sizeof way / sizeof *way; i++) {
			struct steering_where w = { .when = path, .quantile = way[i].q };

			write_condition(path, block);
			for (n = t = 0; t < TEXTS; t++) {
				float a[D];

				made_act(t, 0, a);
				n += meets[t] = 10 * (double)a[0] >= way[i].least;
			}
			printf("# --when :%g at block %d: %d texts\n", way[i].q, block, n);
			check_moved(&w, i == 1, "..xxxxx", 5, meets);
			w.skip = 2;
			check_moved(&w, 0, "....xxx", 5, meets);
			unlink(path);
		}
}

static void
check_refused(void)
{
	static const struct {
		struct steering_where where;
		const char *wanted;
	} way[] = {
		{ { .at = STEERING_ALL }, "'linact' is a sequence map, which begins at the prompt's last token: "
		    "--at all does not go with it" },
		{ { .skip = 2 }, "'linact' is a sequence map, which begins at the prompt's last token: --skip does "
		    "not go with it" },
	};
	struct field_type type = *field_find("linact");
	struct err e = { "it is accepted" };
	size_t i;

	type.of_sequence = 1;
	for (i = 0; i < sizeof way / sizeof *way; i++) {
		ok(check_where(&type, &way[i].where, &e) != 0 && strcmp(e.text, way[i].wanted) == 0, "refused: %s",
		    e.text);
	}
}

int
main(void)
{
	check_positions();
	check_when();
	check_refused();
	check("one barrier", 1, 0.7, 0);
	check("two barriers", 2, 0.7, 0);
	check("a sweep of lengths", 1, 1, 1);
	check_shared();
	check_many();
	return tap_done();
}
