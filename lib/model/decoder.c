#include "model/decoder.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/hash.h"
#include "base/utf8.h"

/* Decoding fewer tokens than this again takes less time than one more batch. */
enum { WORTH_SHARING = 8 };

/* A text, from decoder_push until its record is delivered. */
struct sequence {
	struct sequence *next;
	struct record *record;
	int *token;			/* prompt, then what was generated */
	size_t n_prompt, n;
	size_t fed, decoded;		/* tokens that were put into a batch; that were decoded */
	int seq, row;			/* its number for lm; its last row in the batch */
	int64_t moved;			/* of the rows that chose a token */
	struct sampler *sampler;
	struct buf completion;
	const char *finish;		/* why it ended, or NULL */
};

struct decoder {
	struct lm *lm;
	struct decoder_options o;
	decoder_fn *fn;
	void *ctx;
	struct sequence *head, **tail;	/* in the order pushed */
	struct sequence **by_seq;	/* [seqs] those that have not ended, by seq; or NULL */
	struct sequence **choosing;	/* [n_choosing] those with a row that chooses a token */
	size_t n_choosing;
	struct {
		const struct sequence *of;
		int pos;
	} *steered;			/* [n_steered] the batch's rows with LM_STEER */
	size_t n_steered;
	size_t cells;			/* reserved for the texts that have not ended */
	float *logits;			/* [vocab] of one row, after the penalties */
	uint64_t tokens;		/* generated so far */
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
	d->by_seq = calloc((size_t)o->room->seqs, sizeof *d->by_seq);
	d->choosing = calloc((size_t)o->room->seqs, sizeof *d->choosing);
	d->steered = calloc((size_t)o->room->batch, sizeof *d->steered);
	d->logits = malloc((size_t)lm_vocab(m) * sizeof *d->logits);
	if (d->by_seq == NULL || d->choosing == NULL || d->steered == NULL || d->logits == NULL) {
		decoder_free(d);
		return NULL;
	}
	return d;
}

static void
sequence_free(struct sequence *s)
{
	record_free(s->record);
	sampler_free(s->sampler);
	free(s->token);
	free(s->completion.p);
	free(s);
}

void
decoder_free(struct decoder *d)
{
	struct sequence *s;

	if (d == NULL)
		return;
	while ((s = d->head) != NULL) {
		d->head = s->next;
		sequence_free(s);
	}
	free(d->by_seq);
	free(d->choosing);
	free(d->steered);
	free(d->logits);
	free(d);
}

const struct record *
decoder_row(const struct decoder *d, size_t i, int *pos)
{
	*pos = d->steered[i].pos;
	return d->steered[i].of->record;
}

uint64_t
decoder_tokens(const struct decoder *d)
{
	return d->tokens;
}

/* Returns the most cells a text can need. Its last token needs none. */
static size_t
cells_needed(const struct decoder *d, size_t n_prompt)
{
	return n_prompt + (size_t)d->o.max_tokens - 1;
}

/*
 * Sets d->logits to those of s, with penalties in the Python library's order:
 * repetition, n-grams.
 */
static void
penalise(struct decoder *d, const struct sequence *s)
{
	const float *logits = lm_logits(d->lm, s->row);
	size_t k = (size_t)d->o.no_repeat_ngram, i;
	double penalty = d->o.repetition_penalty;

	memcpy(d->logits, logits, (size_t)lm_vocab(d->lm) * sizeof *logits);
	for (i = 0; i < s->n && penalty != 1; i++) {
		/* from the given logit: each token counts once */
		float l = logits[s->token[i]];

		d->logits[s->token[i]] = (float)(l < 0 ? l * penalty : l / penalty);
	}
	if (k > 0 && s->n + 1 >= k)
		for (i = 0; i + k <= s->n; i++)
			if (memcmp(s->token + i, s->token + s->n - (k - 1),
			    (k - 1) * sizeof *s->token) == 0)
				d->logits[s->token[i + k - 1]] = -INFINITY;
}

/*
 * Returns where the first stop string begins in a text of which only the bytes
 * from `before` on are new, or the text's length if there is none.
 */
static size_t
find_stop(const struct decoder *d, const struct buf *text, size_t before)
{
	size_t first = text->len, i;

	for (i = 0; i < d->o.n_stop; i++) {
		size_t n = strlen(d->o.stop[i]), from = before + 1 > n ? before + 1 - n : 0;
		const unsigned char *at = memmem(text->p + from, text->len - from, d->o.stop[i], n);

		if (at != NULL && (size_t)(at - text->p) < first)
			first = (size_t)(at - text->p);
	}
	return first;
}

/* Chooses the next token of s, and ends the text if that was the last one. */
static int
choose_token(struct decoder *d, struct sequence *s, struct err *e)
{
	size_t before = s->completion.len, cut;
	char piece[512];
	int token, n;

	penalise(d, s);
	token = sampler_pick(s->sampler, d->logits);
	d->tokens++;
	s->token[s->n++] = token;
	if (lm_is_end(d->lm, token)) {
		s->finish = "eos";
		return 0;
	}
	if ((n = lm_piece(d->lm, token, piece, sizeof piece)) < 0)
		return err_set(e, "token %d has more than %zu bytes", token, sizeof piece);
	if (buf_append(&s->completion, piece, (size_t)n) != 0)
		return err_memory(e);
	if ((cut = find_stop(d, &s->completion, before)) < s->completion.len) {
		s->completion.len = cut;
		s->finish = "stop";
	} else if (s->n - s->n_prompt == (size_t)d->o.max_tokens)
		s->finish = "length";
	return 0;
}

/* Delivers the records of ended texts, up to the first that has not ended. */
static int
deliver(struct decoder *d, struct err *e)
{
	struct sequence *s;

	while ((s = d->head) != NULL && s->finish != NULL) {
		char *clean = utf8_clean((char *)s->completion.p, s->completion.len);
		int rc;

		if (clean == NULL)
			return err_memory(e);
		rc = record_set_str(s->record, "completion", clean, strlen(clean)) != 0 ||
		    record_set_int(s->record, "tokens", (int64_t)(s->n - s->n_prompt)) != 0 ||
		    record_set_str(s->record, "finish", s->finish, strlen(s->finish)) != 0;
		free(clean);
		record_unset(s->record, "moved");
		if (d->o.want & LM_STEER && record_set_int(s->record, "moved", s->moved) != 0)
			rc = 1;
		if (rc)
			return err_memory(e);
		if (d->fn(d->ctx, s->record, e) != 0)
			return -1;
		if ((d->head = s->next) == NULL)
			d->tail = &d->head;
		sequence_free(s);
	}
	return 0;
}

/* Puts the next token of s into the batch. */
static void
feed_token(struct decoder *d, struct sequence *s)
{
	size_t p = s->fed++;
	int last = s->fed == s->n;
	unsigned early = lm_steers_prompts(d->lm) ? d->o.want | LM_EARLY : 0;

	s->row = lm_batch_add(d->lm, s->token[p], (int)p, &s->seq, 1,
	    last ? LM_LOGITS | d->o.want : early);
	if (last || early) {
		d->steered[d->n_steered].of = s;
		d->steered[d->n_steered++].pos = (int)p;
	}
	if (last)
		d->choosing[d->n_choosing++] = s;
}

/* Decodes the batch, and chooses a token for the texts that it completes. */
static int
decode_batch(struct decoder *d, struct err *e)
{
	size_t i, n = d->n_choosing;
	int seq;

	if (lm_batch_size(d->lm) == 0)
		return 0;
	if (lm_decode(d->lm, e) != 0)
		return -1;
	for (seq = 0; seq < d->o.room->seqs; seq++)
		if (d->by_seq[seq] != NULL)
			d->by_seq[seq]->decoded = d->by_seq[seq]->fed;
	d->n_choosing = d->n_steered = 0;
	for (i = 0; i < n; i++) {
		struct sequence *s = d->choosing[i];

		s->moved += lm_moved(d->lm, s->row);
		if (choose_token(d, s, e) != 0)
			return -1;
		if (s->finish != NULL) {
			lm_forget_seq(d->lm, s->seq);
			d->by_seq[s->seq] = NULL;
			d->cells -= cells_needed(d, s->n_prompt);
			sampler_free(s->sampler);
			s->sampler = NULL;
		}
	}
	return 0;
}

/*
 * Returns the sequence that has the most leading tokens in common with s, and
 * sets *n to their number: of all that were fed, or of those that were decoded.
 * Returns NULL, and *n = 0, if sharing is not worth it.
 */
static const struct sequence *
find_most_alike(const struct decoder *d, const struct sequence *s, int decoded, size_t *n)
{
	const struct sequence *best = NULL, *u;
	int seq;

	for (*n = 0, seq = 0; seq < d->o.room->seqs; seq++) {
		size_t k = 0;

		if ((u = d->by_seq[seq]) == NULL || u == s)
			continue;
		/*
		 * the last token's row chooses, and may be steered: it is not
		 * shared
		 */
		while (k < (decoded ? u->decoded : u->fed) && k + 1 < u->n_prompt &&
		    k + 1 < s->n_prompt && u->token[k] == s->token[k])
			k++;
		if (k > *n && k >= WORTH_SHARING) {
			*n = k;
			best = u;
		}
	}
	return best;
}

/* Takes the beginning of s from a text that has the same, if there is one. */
static int
share_prefix(struct decoder *d, struct sequence *s, struct err *e)
{
	const struct sequence *u;
	size_t n, all;

	/* lm_share needs rows that were not steered */
	if (lm_steers_prompts(d->lm))
		return 0;
	u = find_most_alike(d, s, 1, &n);
	if (find_most_alike(d, s, 0, &all) != NULL && all >= n + WORTH_SHARING) {
		if (decode_batch(d, e) != 0)
			return -1;
		u = find_most_alike(d, s, 1, &n);
	}
	if (u != NULL && lm_share(d->lm, u->seq, s->seq, (int)n))
		s->fed = s->decoded = n;
	return 0;
}

/* Puts the rest of s into batches. */
static int
feed_rest(struct decoder *d, struct sequence *s, struct err *e)
{
	while (s->fed < s->n) {
		if (lm_batch_size(d->lm) == d->o.room->batch && decode_batch(d, e) != 0)
			return -1;
		feed_token(d, s);
	}
	return 0;
}

/*
 * Decodes the new prompts, and one token of every other text. If the model
 * needs that, each prompt has a batch of its own, and so has each token whose
 * row is steered or tapped.
 */
int
decoder_step(struct decoder *d, struct err *e)
{
	int alone = lm_is_recurrent(d->lm);
	struct sequence *s;

	for (s = d->head; s != NULL; s = s->next)
		if (s->fed == 0 && (share_prefix(d, s, e) != 0 || feed_rest(d, s, e) != 0 ||
		    (alone && decode_batch(d, e) != 0)))
			return -1;
	for (s = d->head; s != NULL; s = s->next)
		if (s->finish == NULL && (feed_rest(d, s, e) != 0 ||
		    (alone && d->o.want != 0 && decode_batch(d, e) != 0)))
			return -1;
	return decode_batch(d, e) != 0 ? -1 : deliver(d, e);
}

static int
unused_seq(const struct decoder *d)
{
	int i;

	for (i = 0; i < d->o.room->seqs; i++)
		if (d->by_seq[i] == NULL)
			return i;
	return -1;
}

/*
 * Returns the seed of a text's random numbers. Sample 0 has that of a text
 * without other samples.
 */
static uint64_t
seed_of(uint64_t seed, const char *id, int sample)
{
	uint64_t h = hash_bytes(hash_bytes(HASH_START, &seed, sizeof seed), id, strlen(id));

	return sample == 0 ? h : hash_bytes(h, &sample, sizeof sample);
}

int
decoder_push(struct decoder *d, const struct record *r, const struct example *x, int sample,
    struct err *e)
{
	struct sequence *s;
	int seq;

	if (cells_needed(d, x->n) > (size_t)d->o.room->cells)
		return err_set(e, "'%s' has %zu tokens: no room for %d more in a context of %d",
		    x->id, x->n, d->o.max_tokens, d->o.room->cells);
	while ((seq = unused_seq(d)) < 0 ||
	    d->cells + cells_needed(d, x->n) > (size_t)d->o.room->cells)
		if (decoder_step(d, e) != 0)
			return -1;
	if ((s = calloc(1, sizeof *s)) == NULL)
		return err_memory(e);
	s->seq = seq;
	s->n = s->n_prompt = x->n;
	s->token = malloc((x->n + (size_t)d->o.max_tokens) * sizeof *s->token);
	s->record = record_alloc();
	s->sampler = sampler_alloc(d->lm, &d->o.sampling, seed_of(d->o.seed, x->id, sample));
	if (s->token == NULL || s->record == NULL || s->sampler == NULL ||
	    record_copy(s->record, r) != 0 || buf_reserve(&s->completion, 1) != 0) {
		sequence_free(s);
		return err_memory(e);
	}
	memcpy(s->token, x->token, x->n * sizeof *s->token);
	d->by_seq[seq] = s;
	d->cells += cells_needed(d, x->n);
	*d->tail = s;
	d->tail = &s->next;
	return 0;
}

int
decoder_busy(const struct decoder *d)
{
	return d->head != NULL;
}
