#include "decoder.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "utf8.h"

/* A text from push to the moment its turn to leave has come. */
struct text {
	struct text *next;
	struct record *record;
	int *token;			/* prompt, then what was generated */
	size_t n_prompt, n;
	size_t fed;			/* tokens the model has seen */
	struct text *from;		/* whose rows are also ours, up to .. */
	size_t shared;			/* .. this many tokens at the beginning; 0: none's */
	int seq, row;			/* its sequence; its row in the batch, -1: none wanted */
	struct lm_sampler *sampler;
	char *completion;
	size_t len, max;
	const char *finish;		/* NULL while it goes on */
};

struct decoder {
	struct lm *lm;
	struct decoder_options o;
	decoder_fn *fn;
	void *ctx;
	struct text *head, **tail;	/* in the order pushed */
	struct text **choosing;		/* [seqs] those whose row of the batch chooses a token, in its order */
	unsigned char *busy;		/* [seqs] */
	int *seq;			/* [seqs] the sequences of one row */
	size_t cells;			/* promised to the texts under way */
	float *logits;			/* [vocab] one row, changed by the penalties */
	unsigned *stamp, now;		/* [vocab] which tokens the penalty has met in this row */
	uint64_t tokens;
};

struct decoder *
decoder_alloc(struct lm *m, const struct decoder_options *o, decoder_fn *fn, void *ctx)
{
	struct decoder *d = calloc(1, sizeof *d);

	if (d == NULL)
		return NULL;
	d->lm = m;
	d->o = *o;
	d->fn = fn;
	d->ctx = ctx;
	d->tail = &d->head;
	d->busy = calloc((size_t)o->seqs, 1);
	d->seq = calloc((size_t)o->seqs, sizeof *d->seq);
	d->choosing = calloc((size_t)o->seqs, sizeof *d->choosing);
	d->logits = malloc((size_t)lm_vocab(m) * sizeof *d->logits);
	d->stamp = calloc((size_t)lm_vocab(m), sizeof *d->stamp);
	if (d->busy == NULL || d->seq == NULL || d->choosing == NULL || d->logits == NULL || d->stamp == NULL) {
		decoder_free(d);
		return NULL;
	}
	return d;
}

static void
text_free(struct text *t)
{
	record_free(t->record);
	lm_sampler_free(t->sampler);
	free(t->token);
	free(t->completion);
	free(t);
}

void
decoder_free(struct decoder *d)
{
	struct text *t;

	if (d == NULL)
		return;
	while ((t = d->head) != NULL) {
		d->head = t->next;
		text_free(t);
	}
	free(d->busy);
	free(d->seq);
	free(d->choosing);
	free(d->logits);
	free(d->stamp);
	free(d);
}

const struct record *
decoder_row(const struct decoder *d, size_t i, int *pos)
{
	*pos = (int)d->choosing[i]->fed - 1;
	return d->choosing[i]->record;
}

uint64_t
decoder_tokens(const struct decoder *d)
{
	return d->tokens;
}

/* The cells a text may come to need. The last token it generates is never fed. */
static size_t
need(const struct decoder *d, size_t n_prompt)
{
	return n_prompt + (size_t)d->o.max_tokens - 1;
}

/* The penalties of the Python library, in its order: repetition, then n-grams. */
static void
penalise(struct decoder *d, const struct text *t)
{
	size_t k = (size_t)d->o.no_repeat_ngram, i;

	if (d->o.repetition_penalty != 1) {
		d->now++;
		for (i = 0; i < t->n; i++) {
			float *l = &d->logits[t->token[i]];

			if (d->stamp[t->token[i]] == d->now)
				continue;
			d->stamp[t->token[i]] = d->now;
			*l = (float)(*l < 0 ? *l * d->o.repetition_penalty : *l / d->o.repetition_penalty);
		}
	}
	if (k > 0 && t->n + 1 >= k)
		for (i = 0; i + k <= t->n; i++)
			if (memcmp(t->token + i, t->token + t->n - (k - 1), (k - 1) * sizeof *t->token) == 0)
				d->logits[t->token[i + k - 1]] = -INFINITY;
}

/* Where the first stop string begins, or len. Looks only where the last piece may have made one. */
static size_t
find_stop(const struct decoder *d, const struct text *t, size_t before)
{
	size_t first = t->len, i;

	for (i = 0; i < d->o.n_stop; i++) {
		size_t n = strlen(d->o.stop[i]), from = before + 1 > n ? before + 1 - n : 0;
		const char *at = memmem(t->completion + from, t->len - from, d->o.stop[i], n);

		if (at != NULL && (size_t)(at - t->completion) < first)
			first = (size_t)(at - t->completion);
	}
	return first;
}

/* Chooses t's next token from its row and sees whether the text ends with it. */
static int
choose(struct decoder *d, struct text *t, struct err *e)
{
	const float *row = lm_logits(d->lm, t->row);
	size_t before = t->len, cut;
	char piece[512];
	int token, n;

	memcpy(d->logits, row, (size_t)lm_vocab(d->lm) * sizeof *d->logits);
	penalise(d, t);
	token = lm_sampler_pick(t->sampler, d->logits);
	d->tokens++;
	t->token[t->n++] = token;
	if (lm_is_end(d->lm, token)) {
		t->finish = "eos";
		return 0;
	}
	if ((n = lm_piece(d->lm, token, piece, sizeof piece)) < 0)
		return err_set(e, "token %d has more than %zu bytes", token, sizeof piece);
	if (t->len + (size_t)n >= t->max) {
		size_t max = 2 * (t->max + (size_t)n);
		char *p = realloc(t->completion, max);

		if (p == NULL)
			return err_memory(e);
		t->completion = p;
		t->max = max;
	}
	memcpy(t->completion + t->len, piece, (size_t)n);
	t->len += (size_t)n;
	if ((cut = find_stop(d, t, before)) < t->len) {
		t->len = cut;
		t->finish = "stop";
	} else if (t->n - t->n_prompt == (size_t)d->o.max_tokens)
		t->finish = "length";
	return 0;
}

/* Records leave in order: whatever is done at the head of the queue. */
static int
emit(struct decoder *d, struct err *e)
{
	struct text *t;

	while ((t = d->head) != NULL && t->finish != NULL) {
		char *clean = utf8_clean(t->completion, t->len);
		int rc;

		if (clean == NULL)
			return err_memory(e);
		rc = record_set_str(t->record, "completion", clean, strlen(clean)) != 0 ||
		    record_set_int(t->record, "tokens", (int64_t)(t->n - t->n_prompt)) != 0 ||
		    record_set_str(t->record, "finish", t->finish, strlen(t->finish)) != 0;
		free(clean);
		if (rc)
			return err_memory(e);
		if (d->fn(d->ctx, t->record, e) != 0)
			return -1;
		if ((d->head = t->next) == NULL)
			d->tail = &d->head;
		text_free(t);
	}
	return 0;
}

/* The text that feeds token p of t, which nobody has fed yet: who would is still under way. */
static const struct text *
feeder(const struct text *t, size_t p)
{
	while (p < t->shared)
		t = t->from;
	return t;
}

/* Puts t's next token into the batch, for all texts that share it. */
static int
feed(struct decoder *d, struct text *t)
{
	size_t p = t->fed;
	unsigned want = p + 1 == t->n ? LM_LOGITS | d->o.want : 0;
	struct text *u;
	int n = 0;

	d->seq[n++] = t->seq;
	t->fed++;
	/* who shares it came later and is as far as t is */
	for (u = t->next; u != NULL; u = u->next)
		if (u->fed == p && p < u->shared && feeder(u, p) == t) {
			d->seq[n++] = u->seq;
			u->fed++;
		}
	return lm_batch_add(d->lm, t->token[p], (int)p, d->seq, n, want);
}

/*
 * Feeds the model one batch: a token of every text that generates, and what fits of new prompts. Where
 * prompts begin alike, the beginning is decoded once.
 */
static int
step(struct decoder *d, struct err *e)
{
	struct text *t;
	size_t n = 0;
	int pass;

	lm_batch_clear(d->lm);
	for (pass = 0; pass < 2; pass++)
		for (t = d->head; t != NULL; t = t->next) {
			if (t->finish != NULL || pass != (t->fed < t->n_prompt))
				continue;
			t->row = -1;
			/* what is not t's own to feed did not fit either */
			while (t->fed < t->n && t->fed >= t->shared && lm_batch_size(d->lm) < d->o.batch) {
				int row = feed(d, t);

				if (t->fed == t->n) {
					t->row = row;
					d->choosing[n++] = t;
				}
			}
		}
	if (lm_decode(d->lm, e) != 0)
		return -1;
	for (t = d->head; t != NULL; t = t->next) {
		if (t->finish != NULL || t->row < 0)
			continue;
		if (choose(d, t, e) != 0)
			return -1;
		t->row = -1;
		if (t->finish != NULL) {
			lm_forget_seq(d->lm, t->seq);
			d->busy[t->seq] = 0;
			d->cells -= need(d, t->n_prompt);
			lm_sampler_free(t->sampler);
			t->sampler = NULL;
		}
	}
	return emit(d, e);
}

static int
free_seq(const struct decoder *d)
{
	int i;

	for (i = 0; i < d->o.seqs; i++)
		if (!d->busy[i])
			return i;
	return -1;
}

/*
 * Finds the text under way that begins most like t, and lets t have what the two share. The last token
 * of a prompt is never shared: it is the one that chooses, and may be steered.
 */
static void
share(struct decoder *d, struct text *t)
{
	struct text *u;

	for (u = d->head; u != NULL; u = u->next) {
		size_t max = (u->n_prompt < t->n_prompt ? u->n_prompt : t->n_prompt) - 1, n = 0;

		while (n < max && u->token[n] == t->token[n])
			n++;
		if (u->finish == NULL && n > t->shared) {
			t->shared = n;
			t->from = u;
		}
	}
	if (t->shared == 0)
		return;
	t->fed = t->from->fed < t->shared ? t->from->fed : t->shared;
	if (!lm_share(d->lm, t->from->seq, t->seq, (int)t->fed))
		t->shared = t->fed = 0;
}

int
decoder_push(struct decoder *d, const struct record *r, const struct example *x, struct err *e)
{
	uint64_t seed = hash_bytes(hash_bytes(HASH_START, &d->o.seed, sizeof d->o.seed), x->id,
	    strlen(x->id));
	struct text *t;
	int seq;

	if (need(d, x->n) > (size_t)d->o.cells)
		return err_set(e, "'%s' has %zu tokens: no room for %d more in a context of %d", x->id,
		    x->n, d->o.max_tokens, d->o.cells);
	while ((seq = free_seq(d)) < 0 || d->cells + need(d, x->n) > (size_t)d->o.cells)
		if (step(d, e) != 0)
			return -1;
	if ((t = calloc(1, sizeof *t)) == NULL)
		return err_memory(e);
	t->seq = seq;
	t->row = -1;
	t->n = t->n_prompt = x->n;
	t->max = 256;
	t->token = malloc((x->n + (size_t)d->o.max_tokens) * sizeof *t->token);
	t->completion = malloc(t->max);
	t->record = record_alloc();
	t->sampler = lm_sampler_alloc(d->lm, &d->o.sampling, seed);
	if (t->token == NULL || t->completion == NULL || t->record == NULL || t->sampler == NULL ||
	    record_copy(t->record, r) != 0) {
		text_free(t);
		return err_memory(e);
	}
	memcpy(t->token, x->token, x->n * sizeof *t->token);
	share(d, t);
	d->busy[seq] = 1;
	d->cells += need(d, x->n);
	*d->tail = t;
	d->tail = &t->next;
	return 0;
}

int
decoder_finish(struct decoder *d, struct err *e)
{
	while (d->head != NULL)
		if (step(d, e) != 0)
			return -1;
	return 0;
}
