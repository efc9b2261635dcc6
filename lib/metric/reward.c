/*
 * reward - how good an answer is, by a reward model or by a barrier.
 *
 * A reward model is a language model with one more row of weights, its head:
 * the reward is the inner product of the head and the activation after the
 * final norm at the last token of a chat, prompt and completion. Libllama loads
 * no such heads of decoders, so the head is a file of its own.
 *
 * The reward by a barrier is its h at the last token of prompt and completion.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "metric/queue.h"
#include "stream/npy.h"

enum { HELD = 32 };		/* records held back at most */

/* The indexes of its options. */
enum { HEAD, TRUNCATE };

struct reward {
	struct queue queue;
	float *head;			/* [n_head]; NULL: a barrier */
	size_t n_head;			/* lm_dim, once the model is open */
	enum template template;
	const char *system;
	int truncate;
};

static int
reward_check(const struct metric_options *o, struct err *e)
{
	const char *head = o->value[HEAD];

	if (o->barrier == NULL && head == NULL)
		return err_set(e,
		    "reward needs a barrier or the head of a reward model: -b or --head");
	if (o->barrier != NULL && head != NULL)
		return err_set(e, "-b and --head exclude each other");
	if (head != NULL && o->has_template)
		return err_set(e, "-t: with --head the text is always in the chat template");
	return 0;
}

static void
reward_close(void *state)
{
	struct reward *s = state;

	queue_close(&s->queue);
	free(s->head);
}

/*
 * Reads the head, s->n_head numbers, and sets digest to the hash of them as 16
 * hexadecimal digits. Returns 0, or -1 with a message.
 */
static int
read_head(struct reward *s, const char *path, char digest[17], struct err *e)
{
	struct npy *in = npy_open(path, 1, e);
	int rc = -1;

	if (in == NULL)
		return -1;
	s->n_head = in->dim;
	if (in->rows != 1)
		err_set(e, "'%s' has %llu rows, but a head is one row", path,
		    (unsigned long long)in->rows);
	else if ((s->head = calloc(s->n_head, sizeof *s->head)) == NULL)
		err_memory(e);
	else if (npy_read(in, s->head, e) == 1 && npy_read(in, s->head, e) == 0)
		rc = 0;
	npy_close(in);
	if (rc == 0)
		snprintf(digest, 17, "%016llx",
		    (unsigned long long)hash_bytes(HASH_START, s->head,
		    s->n_head * sizeof *s->head));
	return rc;
}

/*
 * Reads the head, before the model because that takes longer, and opens the
 * model. Returns 0, or -1 with a message.
 */
static int
open_headed(struct reward *s, const struct metric_options *o, char digest[17], struct err *e)
{
	const char *path = o->value[HEAD];
	size_t dim;

	if (read_head(s, path, digest, e) != 0 ||
	    queue_open(&s->queue, o, LM_FINAL_NORM, e) != 0)
		return -1;
	dim = (size_t)lm_dim(s->queue.lm);
	if (s->n_head != dim)
		return err_set(e, "'%s' has %zu numbers, but a head of this model has %zu", path,
		    s->n_head, dim);
	return 0;
}

static long
finish(struct queue *q, size_t n, struct err *e)
{
	const struct reward *s = (const struct reward *)q;
	size_t i, k;

	for (i = 0; i < n; i++) {
		const struct queue_entry *x = q->entry[i];
		double reward = s->head == NULL ? queue_h(q, x) : 0;

		for (k = 0; k < s->n_head; k++)
			reward += (double)s->head[k] * (double)x->act[k];
		if (!isfinite(reward))
			return err_set(e, "the reward of '%s' is not finite", x->text[0].id);
		if (record_set_num(x->record, "reward", reward) != 0)
			return err_memory(e);
	}
	return (long)n;
}

static int
reward_open(void *state, const struct metric_options *o, struct header *h, struct err *e)
{
	struct reward *s = state;
	const char *head = o->value[HEAD], *model;
	char digest[17];

	s->queue.most = HELD;
	s->queue.finish = finish;
	s->template = head != NULL ? TEMPLATE_TURNS : o->template;
	s->system = o->system;
	s->truncate = o->value[TRUNCATE] != NULL;
	if (head == NULL) {
		if (queue_open_barrier(&s->queue, o, 0, h, e) != 0)
			return -1;
	} else if (open_headed(s, o, digest, e) != 0) {
		return -1;
	}
	model = lm_digest(s->queue.lm);
	if ((head != NULL && header_add_side(h, head, digest) != 0) ||
	    header_add_side(h, o->lm->path, model) != 0)
		return err_memory(e);
	if (head == NULL)
		return metric_add_by(h, e, "%s (%s)", basename(o->barrier),
		    s->queue.barrier->digest);
	return metric_add_by(h, e, "%s (%s) of %s (%s)", basename(head), digest,
	    basename(o->lm->path), model);
}

static int
reward_push(void *state, struct record *r, struct sink *out, struct err *e)
{
	struct reward *s = state;
	struct queue_entry *x = queue_add(&s->queue, r, e);
	size_t len, longest = text_batch_longest(s->queue.batch);
	const char *completion;

	if (x == NULL || record_get_text(r, "completion", 1, &completion, &len, e) != 0 ||
	    example_read(&x->text[0], s->queue.lm, r, s->template, s->system, EXAMPLE_WHOLE,
	    e) != 0)
		return -1;
	if (s->truncate && x->text[0].n > longest)
		x->text[0].n = longest;
	return queue_push(&s->queue, 1, out, e);
}

static const struct column columns[] = {
	{ "Reward", "reward", &aggregate_mean, 3, NULL },
	{ .title = NULL }
};

static const struct metric_option options[] = {
	[HEAD] = { "--head", "npy-file", "the head of a reward model: one row for its activation" },
	[TRUNCATE] = { "--truncate", NULL, "read only the beginning of texts that are too long" },
	{ .name = NULL }
};

const struct metric metric_reward = {
	.name = "reward",
	.about = "how good an answer is, by a reward model or a barrier",
	.usage =
	    "score reward -b barrier [-vz] [-g layers] [-j threads] [-m model] [-o file]\n"
	    "                    [-t raw|chat] [--system text] [--truncate] [file ...]\n"
	    "       score reward --head npy-file [-vz] [-g layers] [-j threads] [-m model]\n"
	    "                    [-o file] [--system text] [--truncate] [file ...]\n",
	.uses = METRIC_MODEL | METRIC_PROMPT | METRIC_BARRIER,
	.options = options,
	.kinds = STREAM_TEXTS,
	.columns = columns,
	.size = sizeof(struct reward),
	.check = reward_check,
	.open = reward_open,
	.push = reward_push,
	.flush = queue_flush,
	.close = reward_close,
};
