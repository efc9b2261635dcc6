/*
 * Compares activations with an early and a late stop, batches and shared
 * prefixes, and steering with libllama's own control vector. Needs the default
 * model.
 */
#include <llama.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model/cvec.h"
#include "model/lm.h"
#include "model/prefix_tree.h"
#include "tap.h"

enum { N_TEXT = 6, BLOCK = 13, N_NEW = 24 };

static const char *const texts[N_TEXT] = {
	"Q: What happens to water at 100 degrees Celsius at sea level?\nA: It boils",
	"Q: What happens to water at 100 degrees Celsius at sea level?\nA: It freezes solid",
	"Q: What happens to water at 100 degrees Celsius at sea level?\nA: Nothing at all",
	"Q: Who wrote Hamlet?\nA: William Shakespeare",
	"Q: Who wrote Hamlet?\nA: Nobody knows who wrote it",
	"The quick brown fox jumps over the lazy dog",
};

struct catch {
	int block;
	float *act;		/* [row][dim] after this block */
	size_t dim;
};

static int
catch_act(void *ctx, int block, int row, const float *act, struct err *e)
{
	struct catch *c = ctx;

	(void)e;
	if (block == c->block)
		memcpy(c->act + (size_t)row * c->dim, act, c->dim * sizeof *act);
	return 0;
}

/*
 * Sets out[n][dim] to the last tokens' activations after `block` of
 * texts[first], ..., decoded together up to the block `end`.
 */
static void
activations(struct lm *m, size_t first, size_t n, int block, int end, float *out)
{
	struct prefix_tree *t = prefix_tree_alloc(N_TEXT, 512, 512);
	struct catch c = { block, calloc(512 * (size_t)lm_dim(m), sizeof(float)), (size_t)lm_dim(m) };
	size_t len[N_TEXT], i;
	struct err e;

	for (i = 0; i < n; i++) {
		unsigned want[512] = { 0 };
		int *token;

		if (lm_tokenise(m, texts[first + i], strlen(texts[first + i]), &token, &len[i], &e) != 0)
			exit(1);
		want[len[i] - 1] = LM_TAP | LM_LOGITS;
		prefix_tree_add(t, token, want, len[i]);
		free(token);
	}
	if (lm_tap(m, (int[]){ block, end }, 2, catch_act, &c, &e) == 0)
		prefix_tree_batch(t, 0, prefix_tree_rows(t), m);
	if (lm_decode(m, &e) != 0) {
		printf("Bail out! %s\n", e.text);
		exit(1);
	}
	lm_forget(m);
	for (i = 0; i < n; i++)
		memcpy(out + i * c.dim, c.act + (size_t)prefix_tree_row(t, i, len[i] - 1) * c.dim,
		    c.dim * sizeof *out);
	prefix_tree_free(t);
	free(c.act);
}

/* Returns the largest |a - b| / |b| of n rows. */
static double
distance(const float *a, const float *b, size_t n, size_t dim)
{
	double worst = 0;
	size_t i, k;

	for (i = 0; i < n; i++) {
		double d = 0, s = 0;

		for (k = 0; k < dim; k++) {
			d += pow((double)a[i * dim + k] - b[i * dim + k], 2);
			s += pow(b[i * dim + k], 2);
		}
		worst = fmax(worst, sqrt(d / s));
	}
	return worst;
}

static int
add_vector(void *ctx, float *act, const struct lm_steered *row, size_t n, struct err *e)
{
	const float *v = ctx;
	size_t dim = (size_t)v[0], i, k;

	(void)row, (void)e;
	for (i = 0; i < n; i++)
		for (k = 0; k < dim; k++)
			act[i * dim + k] += v[1 + k];
	return 0;
}

static int
likeliest(const float *logits, int n)
{
	int best = 0, i;

	for (i = 1; i < n; i++)
		if (logits[i] > logits[best])
			best = i;
	return best;
}

/*
 * Sets out to N_NEW greedy tokens after texts[3], with `want` at every
 * position.
 */
static void
greedy(struct lm *m, unsigned want, int *out)
{
	int seq = 0, *token, i, k, n;
	size_t len;
	struct err e;

	if (lm_tokenise(m, texts[3], strlen(texts[3]), &token, &len, &e) != 0)
		exit(1);
	n = (int)len;
	for (i = 0; i < n; i++)
		lm_batch_add(m, token[i], i, &seq, 1, want | (i == n - 1 ? LM_LOGITS : 0));
	for (k = 0; k < N_NEW; k++) {
		int row = lm_batch_size(m) - 1;

		if (lm_decode(m, &e) != 0) {
			printf("Bail out! %s\n", e.text);
			exit(1);
		}
		out[k] = likeliest(lm_logits(m, row), lm_vocab(m));
		if (k + 1 < N_NEW)
			lm_batch_add(m, out[k], n + k, &seq, 1, want | LM_LOGITS);
	}
	lm_forget(m);
	free(token);
}

/* Does the same with libllama alone and its control vector v after BLOCK. */
static void
greedy_with_control_vector(const struct lm *m, const struct lm_options *o, const float *v, int *out)
{
	struct llama_context_params cp = llama_context_default_params();
	size_t dim = (size_t)lm_dim(m), n_data = dim * (size_t)(lm_blocks(m) - 1), len;
	float *data = calloc(n_data, sizeof *data);
	struct llama_model *model = llama_model_load_from_file(o->path, llama_model_default_params());
	struct llama_context *ctx;
	int *token, k;
	struct err e;

	cp.n_ctx = cp.n_batch = cp.n_ubatch = 512;
	cp.n_threads = cp.n_threads_batch = o->threads;
	ctx = llama_init_from_model(model, cp);
	/* the first vector in data belongs to block 1 */
	memcpy(data + (BLOCK - 1) * dim, v, dim * sizeof *v);
	if (llama_set_adapter_cvec(ctx, data, n_data, (int)dim, BLOCK, BLOCK) != 0 ||
	    lm_tokenise(m, texts[3], strlen(texts[3]), &token, &len, &e) != 0)
		exit(1);
	if (llama_decode(ctx, llama_batch_get_one(token, (int)len)) != 0)
		exit(1);
	for (k = 0; k < N_NEW; k++) {
		out[k] = likeliest(llama_get_logits_ith(ctx, -1), lm_vocab(m));
		if (llama_decode(ctx, llama_batch_get_one(&out[k], 1)) != 0)
			exit(1);
	}
	llama_free(ctx);
	llama_model_free(model);
	free(token);
	free(data);
}

/* What add_in_turn adds, and where it notes the order of calls. */
struct turn {
	float *v;
	int block, *order, *n;
};

static int
add_in_turn(void *ctx, float *act, const struct lm_steered *row, size_t n, struct err *e)
{
	struct turn *t = ctx;

	t->order[(*t->n)++ % 2] = t->block;
	return add_vector(t->v, act, row, n, e);
}

/*
 * Sets out to the last activation of texts[3] after a block, all positions
 * steered.
 */
static void
steered(struct lm *m, int block, float *out)
{
	size_t dim = (size_t)lm_dim(m), len, i;
	struct catch c = { block, calloc(512 * dim, sizeof(float)), dim };
	int seq = 0, *token;
	struct err e;

	if (lm_tap(m, &block, 1, catch_act, &c, &e) != 0 ||
	    lm_tokenise(m, texts[3], strlen(texts[3]), &token, &len, &e) != 0)
		exit(1);
	for (i = 0; i < len; i++)
		lm_batch_add(m, token[i], (int)i, &seq, 1, LM_STEER | LM_TAP);
	if (lm_decode(m, &e) != 0) {
		printf("Bail out! %s\n", e.text);
		exit(1);
	}
	memcpy(out, c.act + (len - 1) * dim, dim * sizeof *out);
	lm_tap(m, NULL, 0, NULL, NULL, &e);
	free(token);
	free(c.act);
}

/* Steers at two blocks and compares the activations after each. */
static void
check_blocks(const struct lm_options *o, float *v)
{
	enum { LOW = 7, HIGH = 20 };
	int order[2] = { -1, -1 }, calls = 0;
	struct turn low = { v, LOW, order, &calls }, high = { v, HIGH, order, &calls };
	struct err e = { "" };
	struct lm *m = lm_open(o, &e);
	size_t dim = (size_t)lm_dim(m), k;
	float *plain = calloc(dim, sizeof *plain), *a = calloc(dim, sizeof *a), *b = calloc(dim, sizeof *b);
	double worst = 0;

	steered(m, LOW, plain);
	/* in the reverse order */
	if (lm_steer(m, HIGH, add_in_turn, &high, &e) != 0 || lm_steer(m, LOW, add_in_turn, &low, &e) != 0)
		printf("Bail out! %s\n", e.text);
	steered(m, LOW, a);
	for (k = 0; k < dim; k++)
		worst = fmax(worst, fabs((double)a[k] - plain[k] - v[1 + k]));
	ok(worst < 1e-3, "the lower of two steered blocks gets its vector: off by %.2g", worst);

	lm_steer(m, HIGH, NULL, NULL, &e);
	steered(m, HIGH, plain);	/* the lower one alone */
	lm_steer(m, HIGH, add_in_turn, &high, &e);
	calls = 0;
	steered(m, HIGH, a);
	for (worst = 0, k = 0; k < dim; k++)
		worst = fmax(worst, fabs((double)a[k] - plain[k] - v[1 + k]));
	ok(worst < 1e-3, "the higher one adds its own to what the lower one led to: off by %.2g", worst);
	ok(calls == 2 && order[0] == LOW && order[1] == HIGH, "each was called once, the lower one first");

	lm_steer(m, LOW, add_vector, v, &e);
	calls = 0;
	steered(m, HIGH, b);
	ok(calls == 1 && memcmp(a, b, dim * sizeof *a) == 0, "a second call for a block replaces the first");
	lm_steer(m, LOW, NULL, NULL, &e);
	lm_steer(m, HIGH, NULL, NULL, &e);
	steered(m, LOW, a);
	ok(lm_steer(m, LM_FINAL_NORM, NULL, NULL, &e) != 0, "refused: %s", e.text);
	ok(lm_steer(m, lm_blocks(m), NULL, NULL, &e) != 0, "there is no block %d to end it for", lm_blocks(m));
	lm_free(m);
	m = lm_open(o, &e);
	steered(m, LOW, b);
	ok(memcmp(a, b, dim * sizeof *a) == 0, "NULL ends the steering");
	lm_free(m);
	free(plain);
	free(a);
	free(b);
}

/* Notes which rows are steered, as "0,2! 0,2 1!" with a ! after a row at 0 and - after an early one; an lm_steer_fn. */
static int
note_rows(void *ctx, float *act, const struct lm_steered *row, size_t n, struct err *e)
{
	char *to = (char *)ctx + strlen(ctx);
	size_t i;
	int k;

	(void)act, (void)e;
	for (i = 0; i < n; i++) {
		for (k = 0; k < row[i].n_seq; k++)
			to += sprintf(to, "%s%d", k > 0 ? "," : "", row[i].seq[k]);
		to += sprintf(to, "%s ", row[i].at == 0 ? "!" : row[i].at < 0 ? "-" : "");
	}
	return 0;
}

/* Texts of the same tokens share rows as far as these are steered for both; the first steered one is first for all. */
static void
check_first(struct lm *m)
{
	enum { N = 6 };
	static const size_t from[] = { 3, 2, 3 };
	struct prefix_tree *t = prefix_tree_alloc(3, 64, 64);
	int token[N] = { 11, 12, 13, 14, 15, 16 }, zero = 0, one = 1;
	char seen[256] = "";
	struct err e = { "" };
	size_t i, p;

	lm_tap(m, NULL, 0, NULL, NULL, &e);
	for (i = 0; i < 3; i++) {
		unsigned want[N] = { 0 };

		for (p = from[i]; p < N; p++)
			want[p] = LM_STEER;
		prefix_tree_add(t, token, want, N);
	}
	ok(prefix_tree_rows(t) == N + 4, "a row is shared only if it is steered for both: %zu rows",
	    prefix_tree_rows(t));
	if (lm_steer(m, BLOCK, note_rows, seen, &e) != 0)
		exit(1);
	prefix_tree_batch(t, 0, 4, m);
	lm_decode(m, &e);
	prefix_tree_batch(t, 4, N + 4, m);
	lm_decode(m, &e);
	ok(strcmp(seen, "0,2! 0,2 0,2 1! 1 1 1 ") == 0, "first rows, in two batches: %s%s", seen, e.text);

	seen[0] = '\0';
	lm_forget_seq(m, 1);
	lm_batch_add(m, 11, N, &zero, 1, LM_STEER);
	lm_batch_add(m, 11, 0, &one, 1, 0);
	lm_batch_add(m, 12, 1, &one, 1, LM_STEER);
	lm_batch_add(m, 13, 2, &one, 1, LM_STEER);
	lm_decode(m, &e);
	lm_forget(m);
	lm_batch_add(m, 11, 0, &zero, 1, LM_STEER);
	lm_decode(m, &e);
	ok(strcmp(seen, "0 1! 1 0! ") == 0, "and again once they are forgotten: %s%s", seen, e.text);
	lm_steer(m, BLOCK, NULL, NULL, &e);
	lm_forget(m);
	prefix_tree_free(t);
}

/* Doubles the activations of early rows; an lm_steer_fn. */
static int
double_early(void *ctx, float *act, const struct lm_steered *row, size_t n, struct err *e)
{
	size_t dim = *(size_t *)ctx, i, k;

	(void)e;
	for (i = 0; i < n; i++)
		for (k = 0; k < dim && row[i].at < 0; k++)
			act[i * dim + k] *= 2;
	return 0;
}

/*
 * Rows of prompts: those of texts with the same tokens are shared up to the end of the shorter prompt. After the last
 * block they are not steered, and need no room among the outputs.
 */
static void
check_early(const struct lm_options *o)
{
	enum { N = 6 };
	static const size_t from[] = { 3, 2, 3 };
	struct prefix_tree *t = prefix_tree_alloc(3, 64, 64);
	int token[N] = { 11, 12, 13, 14, 15, 16 }, moved = 0;
	struct lm_options few = *o;
	char seen[256] = "";
	struct err e = { "" };
	size_t dim, i, p;
	struct lm *m;

	few.seqs = few.outputs = 3;
	m = lm_open(&few, &e);
	dim = (size_t)lm_dim(m);
	ok(!lm_steers_prompts(m), "prompts are not steered");
	lm_steer_prompts(m);
	ok(lm_steers_prompts(m), "unless that was asked for");
	for (i = 0; i < 3; i++) {
		unsigned want[N] = { 0 };

		for (p = 0; p < N; p++)
			want[p] = p < from[i] ? LM_STEER | LM_EARLY : LM_STEER;
		prefix_tree_add(t, token, want, N);
	}
	ok(prefix_tree_rows(t) == N + 4, "the prompt's last row is not that of another's middle: %zu rows",
	    prefix_tree_rows(t));
	if (lm_steer(m, BLOCK, note_rows, seen, &e) != 0)
		exit(1);
	prefix_tree_batch(t, 0, N + 4, m);
	ok(lm_decode(m, &e) == 0 && strcmp(seen, "0,1,2- 0,1,2- 0,2- 0,2! 0,2 0,2 1! 1 1 1 ") == 0,
	    "rows of prompts: %s%s", seen, e.text);
	for (i = 0; i < N + 4; i++)
		moved += lm_moved(m, (int)i);
	ok(moved == 0, "which fn did not change");
	lm_forget(m);
	if (lm_steer(m, BLOCK, double_early, &dim, &e) != 0)
		exit(1);
	prefix_tree_batch(t, 0, N + 4, m);
	ok(lm_decode(m, &e) == 0 && lm_moved(m, 0) && lm_moved(m, 1) && lm_moved(m, 2) && !lm_moved(m, 3) &&
	    !lm_moved(m, 6), "those that it changes are known: %s", e.text);
	seen[0] = '\0';
	lm_forget(m);
	if (lm_steer(m, lm_blocks(m) - 1, note_rows, seen, &e) != 0)
		exit(1);
	for (p = 0; p < N; p++) {
		int seq = 0;

		lm_batch_add(m, token[p], (int)p, &seq, 1, p < 3 ? LM_STEER | LM_EARLY : LM_STEER | LM_LOGITS);
	}
	ok(lm_decode(m, &e) == 0 && strcmp(seen, "0! 0 0 ") == 0, "after the last block: %s%s", seen, e.text);
	lm_free(m);
	prefix_tree_free(t);
}

/* Writes v[dim] as the control vector of BLOCK and reads it back. */
static void
through_file(const float *v, float *out, size_t dim)
{
	char path[] = "/tmp/odesteer-lm.XXXXXX";
	int fd = mkstemp(path);
	struct err e = { "no temporary file" };

	if (fd < 0 || cvec_write(path, BLOCK, v, dim, "made", &e) != 0 || cvec_read(path, BLOCK, out, dim, &e) != 0) {
		printf("Bail out! %s\n", e.text);
		exit(1);
	}
	close(fd);
	unlink(path);
}

int
main(void)
{
	struct lm_options o = { .path = getenv("ODESTEER_MODEL"), .threads = 2, .seqs = 8,
	    .batch = 512, .cells = 512, .outputs = 512 };
	int plain[N_NEW], called[N_NEW], builtin[N_NEW], last, block = 0;
	float *alone, *together, *full, *v, *from_file;
	struct err e = { "" };
	struct lm *m, *m2;
	size_t dim, i;
	double d;

	if (o.path == NULL || (m = lm_open(&o, &e)) == NULL) {
		printf("1..0 # skip no model: %s\n", e.text);
		return 0;
	}
	dim = (size_t)lm_dim(m);
	last = lm_blocks(m) - 1;
	alone = malloc(N_TEXT * dim * sizeof *alone);
	together = malloc(N_TEXT * dim * sizeof *together);
	full = malloc(N_TEXT * dim * sizeof *full);
	v = calloc(dim + 1, sizeof *v);
	from_file = calloc(dim, sizeof *from_file);

	activations(m, 0, N_TEXT, BLOCK, BLOCK, together);
	activations(m, 0, N_TEXT, BLOCK, last, full);
	ok(memcmp(together, full, N_TEXT * dim * sizeof *full) == 0,
	    "activations are identical if the model is computed further");
	for (i = 0; i < N_TEXT; i++)
		activations(m, i, 1, BLOCK, BLOCK, alone + i * dim);
	d = distance(together, alone, N_TEXT, dim);
	/* kernels depend on the number of rows, and Q8_0 rounds their inputs */
	ok(d < 1e-3, "activations alone and in a batch with shared prefixes differ by %.2g", d);
	activations(m, 0, N_TEXT, last, last, together);
	for (i = 0; i < N_TEXT; i++)
		activations(m, i, 1, last, last, alone + i * dim);
	d = distance(together, alone, N_TEXT, dim);
	ok(d < 3e-3, "the same in the last block, where only some rows are kept: %.2g", d);

	ok(lm_tap(m, &(int){ 99 }, 1, catch_act, NULL, &e) != 0 && strstr(e.text, "no block 99") != NULL,
	    "a block that is not there is refused: %s", e.text);

	m2 = lm_open(&o, &e);
	greedy(m2, 0, plain);
	v[0] = (float)dim;
	for (i = 0; i < dim; i++)
		v[1 + i] = 5.f * sinf((float)(i * i) + 2.385f);
	if (lm_steer(m2, BLOCK, add_vector, v, &e) != 0)
		printf("Bail out! %s\n", e.text);
	greedy(m2, LM_STEER, called);
	lm_free(m2);
	m2 = lm_open(&o, &e);
	/* from a file, as llama.cpp reads it */
	through_file(v + 1, from_file, dim);
	ok(memcmp(from_file, v + 1, dim * sizeof *v) == 0, "a vector goes through a control vector's file unchanged");
	greedy_with_control_vector(m2, &o, from_file, builtin);
	ok(memcmp(called, builtin, sizeof called) == 0,
	    "a vector added in the callback gives libllama's own control-vector tokens");
	ok(memcmp(called, plain, sizeof called) != 0, "and the vector changed the text");
	block = lm_blocks(m2);
	ok(lm_steer(m2, block, add_vector, v, &e) != 0, "steering a block that is not there is refused");
	lm_free(m2);
	check_blocks(&o, v);
	check_first(m);
	check_early(&o);
	lm_free(m);
	free(alone);
	free(together);
	free(full);
	free(v);
	free(from_file);
	return tap_done();
}
