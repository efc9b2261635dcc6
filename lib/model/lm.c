#include "model/lm.h"

#include <errno.h>
#include <ggml-backend.h>
#include <inttypes.h>
#include <llama.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

/* The steering of a block; fn is NULL if there is none. */
struct hook {
	lm_steer_fn *fn;
	void *ctx;
};

struct lm {
	struct llama_model *model;
	struct llama_context *ctx;
	const struct llama_vocab *vocab;
	char name[256];
	char digest[17];
	int dim, blocks, n_vocab;
	int adds_eos;			/* libllama ends a text with a token that is not ours */
	struct llama_batch batch;	/* its arrays are ours: see alloc_batch */
	unsigned char *want;		/* [batch] of each row */
	lm_tap_fn *tap;
	void *tap_ctx;
	unsigned char *tapped;		/* [blocks + 1] whether the tap gets it */
	int stop_block;			/* compute no further; -1: compute all */
	struct hook *steer;		/* [blocks + 1]; none of the last */
	int sought;			/* the block of check_block; -1: it is not at work */
	/* position of the row whose `at' is 0; -1: not yet added */
	int begin[LM_MAX_SEQS];
	int *at;			/* [batch] see struct lm_steered */
	int steers_prompts;
	unsigned char *moved;		/* [batch] see lm_moved */

	/* The rows wanted of the tensor at hand. */
	int *picked, *row;		/* [batch] their places in the tensor and in the batch */
	float *act, *before;		/* [batch][dim] now, and before steering */
	struct lm_steered *steered;	/* [batch] */
	int stopped;			/* this lm_decode stopped the model */
	struct err *err;		/* that of this lm_decode */
};

/* Silences libllama, which writes thousands of lines to stderr. */
static void
log_nothing(enum ggml_log_level level, const char *text, void *ctx)
{
	(void)level;
	(void)text;
	(void)ctx;
}

/*
 * Returns the block N of a tensor called "l_out-N", the number of blocks for
 * that after the final norm, or -1.
 */
static int
block_of(const struct lm *m, const char *name)
{
	char *end;
	long n;

	if (strcmp(name, "result_norm") == 0)
		return m->blocks;
	if (strncmp(name, "l_out-", 6) != 0)
		return -1;
	n = strtol(name + 6, &end, 10);
	return *end == '\0' && n >= 0 && n < m->blocks ? (int)n : -1;
}

/* Returns the index of a block, or of LM_FINAL_NORM, in m->tapped. */
static int
index_of(const struct lm *m, int block)
{
	return block == LM_FINAL_NORM ? m->blocks : block;
}

/*
 * Sets m->picked and m->row for the rows that want `flag`. Returns how many
 * there are. The tensor has all rows of the batch or, in the last block, only
 * those with logits; -1: neither.
 */
static int
pick_rows(struct lm *m, int64_t n_rows, unsigned flag)
{
	int all = n_rows == m->batch.n_tokens, place = 0, n = 0, i;

	for (i = 0; i < m->batch.n_tokens; i++) {
		if (!all && !m->batch.logits[i])
			continue;
		if (m->want[i] & flag) {
			m->row[n] = i;
			m->picked[n++] = place;
		}
		place++;
	}
	return place == n_rows ? n : -1;
}

/* Copies the n picked rows from the tensor to m->act or, to write, back. */
static void
copy_rows(struct lm *m, struct ggml_tensor *t, int n, int write)
{
	size_t bytes = (size_t)m->dim * sizeof(float);
	int i, run;

	/* adjacent rows are copied together: each copy from a GPU costs time */
	for (i = 0; i < n; i += run) {
		float *act = m->act + (size_t)i * (size_t)m->dim;
		size_t at = (size_t)m->picked[i] * t->nb[1];

		for (run = 1; i + run < n && m->picked[i + run] == m->picked[i] + run; run++)
			;
		if (write)
			ggml_backend_tensor_set(t, act, at, (size_t)run * bytes);
		else
			ggml_backend_tensor_get(t, act, at, (size_t)run * bytes);
	}
}

/* Copies the rows that want `flag` to m->act. Returns their number, or -1. */
static int
read_rows(struct lm *m, struct ggml_tensor *t, int block, unsigned flag)
{
	int n;

	if (t->type != GGML_TYPE_F32 || t->ne[0] != m->dim ||
	    t->nb[1] != (size_t)m->dim * sizeof(float))
		return err_set(m->err, "the output of block %d is not %d float32 numbers", block,
		    m->dim);
	if ((n = pick_rows(m, t->ne[1], flag)) < 0)
		return err_set(m->err, "libllama split the batch at block %d", block);
	copy_rows(m, t, n, 0);
	return n;
}

static int
steer_block(struct lm *m, struct ggml_tensor *t, int block)
{
	const struct hook *s = &m->steer[block];
	int n = read_rows(m, t, block, LM_STEER), i;
	size_t dim = (size_t)m->dim, bytes = dim * sizeof *m->act;

	if (n <= 0)
		return n;
	for (i = 0; i < n; i++) {
		int row = m->row[i];

		m->steered[i] = (struct lm_steered){ m->batch.seq_id[row],
		    m->batch.n_seq_id[row], m->batch.pos[row], m->at[row] };
	}
	memcpy(m->before, m->act, (size_t)n * bytes);
	if (s->fn(s->ctx, m->act, m->steered, (size_t)n, m->err) != 0)
		return -1;
	for (i = 0; i < n; i++)
		m->moved[m->row[i]] |=
		    memcmp(m->before + (size_t)i * dim, m->act + (size_t)i * dim, bytes) != 0;
	copy_rows(m, t, n, 1);
	return 0;
}

static int
tap_block(struct lm *m, struct ggml_tensor *t, int block)
{
	int n = read_rows(m, t, block, LM_TAP), i;

	for (i = 0; i < n; i++)
		if (m->tap(m->tap_ctx, block < m->blocks ? block : LM_FINAL_NORM, m->row[i],
		    m->act + (size_t)i * (size_t)m->dim, m->err) != 0)
			return -1;
	return n < 0 ? -1 : 0;
}

/* libllama asks whether a node is wanted, and then shows it computed. */
static bool
on_node(struct ggml_tensor *t, bool ask, void *ctx)
{
	struct lm *m = ctx;
	int block = block_of(m, t->name);
	int check = m->sought >= 0;
	int tap = !check && block >= 0 && m->tapped[block];
	int steer = !check && block >= 0 && m->steer[block].fn != NULL;
	int stop = block >= 0 && block == (check ? m->sought : m->stop_block);

	/*
	 * a graph has a part per backend; after a stop each ends at its first
	 * node
	 */
	if (ask)
		return tap || steer || stop || m->stopped;
	if (!m->stopped)
		m->stopped = (steer && steer_block(m, t, block) != 0) ||
		    (tap && tap_block(m, t, block) != 0) || stop;
	return !m->stopped;	/* false: do not compute the rest */
}

static void
digest_model(struct lm *m)
{
	uint64_t h = HASH_START, v;
	int i, n = llama_model_meta_count(m->model);
	char buf[512];

	for (i = 0; i < n; i++) {
		if (llama_model_meta_key_by_index(m->model, i, buf, sizeof buf) >= 0)
			h = hash_bytes(h, buf, strlen(buf) + 1);
		if (llama_model_meta_val_str_by_index(m->model, i, buf, sizeof buf) >= 0)
			h = hash_bytes(h, buf, strlen(buf) + 1);
	}
	v = llama_model_size(m->model);
	h = hash_bytes(h, &v, sizeof v);
	v = llama_model_n_params(m->model);
	h = hash_bytes(h, &v, sizeof v);
	snprintf(m->digest, sizeof m->digest, "%016" PRIx64, h);
}

/*
 * Checks that the model of o has the architecture that o asks for. Returns 0,
 * or -1 with a message.
 */
static int
check_kind(const struct lm *m, const struct lm_options *o, struct err *e)
{
	char architecture[64] = "";

	llama_model_meta_val_str(m->model, "general.architecture", architecture,
	    sizeof architecture);
	/* others with such a head may have a softmax after it */
	if (o->classifier && strstr(architecture, "bert") == NULL)
		return err_set(e, "'%s' is not an encoder such as BERT or RoBERTa", o->path);
	if (!o->classifier && (llama_model_has_encoder(m->model) ||
	    !llama_model_has_decoder(m->model)))
		return err_set(e, "'%s' is not a decoder-only model", o->path);
	return 0;
}

/*
 * Allocates a batch of n tokens of up to `seqs` sequences each. Unlike
 * llama_batch_init, finds out if memory runs out. Returns 0, or -1.
 */
static int
alloc_batch(struct llama_batch *b, size_t n, size_t seqs)
{
	llama_seq_id *ids = calloc(n * seqs, sizeof *ids);
	size_t i;

	b->token = calloc(n, sizeof *b->token);
	b->pos = calloc(n, sizeof *b->pos);
	b->n_seq_id = calloc(n, sizeof *b->n_seq_id);
	b->seq_id = calloc(n, sizeof *b->seq_id);
	b->logits = calloc(n, sizeof *b->logits);
	if (ids == NULL || b->seq_id == NULL) {
		free(ids);
		return -1;
	}
	for (i = 0; i < n; i++)
		b->seq_id[i] = ids + i * seqs;
	return b->token != NULL && b->pos != NULL && b->n_seq_id != NULL && b->logits != NULL ?
	    0 : -1;
}

static void
free_batch(struct llama_batch *b)
{
	if (b->seq_id != NULL)
		free(b->seq_id[0]);
	free(b->token);
	free(b->pos);
	free(b->n_seq_id);
	free(b->seq_id);
	free(b->logits);
}

struct lm *
lm_open(const struct lm_options *o, struct err *e)
{
	struct llama_model_params mp;
	struct llama_context_params cp;
	struct lm *m;
	FILE *f;

	/* libllama does not say why it failed; this is the commonest reason */
	if ((f = fopen(o->path, "rb")) == NULL) {
		err_set(e, "cannot open model '%s': %s", o->path, strerror(errno));
		return NULL;
	}
	fclose(f);
	llama_log_set(log_nothing, NULL);
	llama_backend_init();
	if ((m = calloc(1, sizeof *m)) == NULL) {
		err_memory(e);
		return NULL;
	}
	m->stop_block = m->sought = -1;
	memset(m->begin, -1, sizeof m->begin);
	mp = llama_model_default_params();
	mp.n_gpu_layers = o->gpu_layers;
	if ((m->model = llama_model_load_from_file(o->path, mp)) == NULL) {
		err_set(e, "cannot load '%s': not a model that libllama %s can read", o->path,
		    llama_version());
		goto fail;
	}
	m->vocab = llama_model_get_vocab(m->model);
	m->dim = llama_model_n_embd(m->model);
	m->blocks = llama_model_n_layer(m->model);
	m->n_vocab = llama_vocab_n_tokens(m->vocab);
	m->adds_eos = !o->classifier && llama_vocab_get_add_eos(m->vocab);
	if (check_kind(m, o, e) != 0)
		goto fail;
	if (lm_context(m) < 1) {
		err_set(e, "'%s' is damaged: its context length is %" PRIu32, o->path,
		    (uint32_t)lm_context(m));
		goto fail;
	}
	digest_model(m);
	if (llama_model_meta_val_str(m->model, "general.name", m->name, sizeof m->name) < 0)
		llama_model_desc(m->model, m->name, sizeof m->name);

	cp = llama_context_default_params();
	cp.n_ctx = (uint32_t)o->cells;
	/* one ubatch and one memory for all sequences: rows keep their order */
	cp.n_batch = cp.n_ubatch = (uint32_t)o->batch;
	cp.kv_unified = true;
	cp.n_seq_max = (uint32_t)o->seqs;
	cp.n_outputs_max = (uint32_t)o->outputs;
	cp.n_threads = cp.n_threads_batch = o->threads;
	cp.no_perf = true;
	cp.embeddings = o->classifier;
	if (!o->classifier) {
		cp.cb_eval = on_node;
		cp.cb_eval_user_data = m;
	}
	if ((m->ctx = llama_init_from_model(m->model, cp)) == NULL) {
		err_set(e, "cannot make a context of %d tokens for '%s'", o->cells, o->path);
		goto fail;
	}
	if (!o->classifier && llama_get_memory(m->ctx) == NULL) {
		err_set(e, "'%s' is not a decoder-only model", o->path);
		goto fail;
	}
	if (o->classifier && llama_pooling_type(m->ctx) != LLAMA_POOLING_TYPE_RANK) {
		err_set(e, "'%s' is not a classifier: it has no classes", o->path);
		goto fail;
	}
	m->want = calloc((size_t)o->batch, 1);
	m->at = calloc((size_t)o->batch, sizeof *m->at);
	m->moved = calloc((size_t)o->batch, 1);
	m->steered = calloc((size_t)o->batch, sizeof *m->steered);
	m->picked = calloc((size_t)o->batch, sizeof *m->picked);
	m->row = calloc((size_t)o->batch, sizeof *m->row);
	m->act = calloc((size_t)o->batch * (size_t)m->dim, sizeof *m->act);
	m->before = calloc((size_t)o->batch * (size_t)m->dim, sizeof *m->before);
	m->tapped = calloc((size_t)m->blocks + 1, 1);
	m->steer = calloc((size_t)m->blocks + 1, sizeof *m->steer);
	if (alloc_batch(&m->batch, (size_t)o->batch, (size_t)o->seqs) != 0 || m->want == NULL ||
	    m->at == NULL || m->moved == NULL || m->steered == NULL || m->picked == NULL ||
	    m->row == NULL || m->act == NULL || m->before == NULL || m->tapped == NULL ||
	    m->steer == NULL) {
		err_memory(e);
		goto fail;
	}
	return m;
fail:
	lm_free(m);
	return NULL;
}

void
lm_free(struct lm *m)
{
	if (m == NULL)
		return;
	free_batch(&m->batch);
	llama_free(m->ctx);
	llama_model_free(m->model);
	free(m->want);
	free(m->at);
	free(m->moved);
	free(m->steered);
	free(m->picked);
	free(m->row);
	free(m->act);
	free(m->before);
	free(m->tapped);
	free(m->steer);
	free(m);
}

const char *
lm_name(const struct lm *m)
{
	return m->name;
}

const char *
lm_digest(const struct lm *m)
{
	return m->digest;
}

int
lm_dim(const struct lm *m)
{
	return m->dim;
}

int
lm_blocks(const struct lm *m)
{
	return m->blocks;
}

int
lm_vocab(const struct lm *m)
{
	return m->n_vocab;
}

int
lm_context(const struct lm *m)
{
	return llama_model_n_ctx_train(m->model);
}

int
lm_tokenise(const struct lm *m, const char *text, size_t len, int **token, size_t *n, struct err *e)
{
	int32_t got, max;
	llama_token *t;

	if (len > INT32_MAX / 2)
		return err_set(e, "a text of %zu bytes is too long", len);
	max = (int32_t)len + 8;	/* all tokens have a byte at least, except BOS and the like */
	for (;;) {
		if ((t = malloc((size_t)max * sizeof *t)) == NULL)
			return err_memory(e);
		got = llama_tokenize(m->vocab, text, (int32_t)len, t, max, true, true);
		if (got >= 0)
			break;
		free(t);
		if (got == INT32_MIN || -got <= max)
			return err_set(e, "the model cannot tokenise the text");
		max = -got;
	}
	*token = t;
	*n = (size_t)got;
	if (m->adds_eos && got > 0 && t[got - 1] == llama_vocab_eos(m->vocab))
		--*n;
	return 0;
}

int
lm_piece(const struct lm *m, int token, char *buf, size_t size)
{
	int32_t n = llama_token_to_piece(m->vocab, token, buf, (int32_t)size, 0, false);

	return n < 0 ? -1 : n;
}

int
lm_is_end(const struct lm *m, int token)
{
	return llama_vocab_is_eog(m->vocab, token);
}

char *
lm_chat(const struct lm *m, const char *system, const char *user, const char *assistant,
    struct err *e)
{
	const char *tmpl = llama_model_chat_template(m->model, NULL);
	struct llama_chat_message turn[3];
	int begin = assistant == NULL;	/* the assistant's turn, which is left open */
	size_t n = 0;
	char *buf;
	int32_t len;

	if (tmpl == NULL) {
		err_set(e, "model '%s' has no chat template", m->name);
		return NULL;
	}
	if (system != NULL)
		turn[n++] = (struct llama_chat_message){ "system", system };
	turn[n++] = (struct llama_chat_message){ "user", user };
	if (assistant != NULL)
		turn[n++] = (struct llama_chat_message){ "assistant", assistant };
	if ((len = llama_chat_apply_template(tmpl, turn, n, begin, NULL, 0)) < 0) {
		err_set(e, "the chat template of model '%s' is not one that libllama knows",
		    m->name);
		return NULL;
	}
	if ((buf = calloc((size_t)len + 1, 1)) == NULL)
		err_memory(e);
	else
		llama_chat_apply_template(tmpl, turn, n, begin, buf, len);
	return buf;
}

int
lm_batch_size(const struct lm *m)
{
	return m->batch.n_tokens;
}

int
lm_batch_add(struct lm *m, int token, int pos, const int *seq, int n_seq, unsigned want)
{
	int row = m->batch.n_tokens++, i;

	m->batch.token[row] = token;
	m->batch.pos[row] = pos;
	m->batch.n_seq_id[row] = n_seq;
	m->want[row] = (unsigned char)want;
	m->moved[row] = 0;
	for (i = 0; i < n_seq; i++) {
		m->batch.seq_id[row][i] = seq[i];
		if ((want & (LM_STEER | LM_EARLY)) == LM_STEER && m->begin[seq[i]] < 0)
			m->begin[seq[i]] = pos;
	}
	m->at[row] = want & LM_EARLY ? -1 : pos - m->begin[seq[0]];
	/* the last block and the final norm have only rows with logits */
	m->batch.logits[row] = (want & LM_LOGITS) ||
	    ((want & LM_TAP) && (m->tapped[m->blocks - 1] || m->tapped[m->blocks])) ||
	    ((want & (LM_STEER | LM_EARLY)) == LM_STEER && m->steer[m->blocks - 1].fn != NULL);
	return row;
}

int
lm_decode(struct lm *m, struct err *e)
{
	int32_t rc;

	m->stopped = 0;
	m->err = e;
	e->text[0] = '\0';
	rc = llama_decode(m->ctx, m->batch);
	llama_synchronize(m->ctx);
	m->batch.n_tokens = 0;
	/* the blocks after the stop have no memory of this batch */
	if (m->stopped)
		lm_forget(m);
	if (e->text[0] != '\0')
		return -1;
	if (rc == 1)
		return err_set(e, "no room in the model's context");
	if (rc != 0)
		return err_set(e, "libllama failed to decode (%d)", (int)rc);
	return 0;
}

const float *
lm_logits(const struct lm *m, int row)
{
	return llama_get_logits_ith(m->ctx, row);
}

int
lm_classes(const struct lm *m)
{
	return (int)llama_model_n_cls_out(m->model);
}

const char *
lm_class_name(const struct lm *m, int i)
{
	const char *name = llama_model_cls_label(m->model, (uint32_t)i);

	return name != NULL && *name != '\0' ? name : NULL;
}

int
lm_classify(struct lm *m, const int *token, size_t n, float *logit, struct err *e)
{
	const float *got;
	int seq = 0, rc;
	size_t i;

	for (i = 0; i < n; i++)
		lm_batch_add(m, token[i], (int)i, &seq, 1, LM_LOGITS);
	rc = llama_encode(m->ctx, m->batch);
	m->batch.n_tokens = 0;
	if (rc != 0 || (got = llama_get_embeddings_seq(m->ctx, seq)) == NULL)
		return err_set(e, "libllama failed to classify (%d)", rc);
	memcpy(logit, got, (size_t)lm_classes(m) * sizeof *logit);
	return 0;
}

void
lm_forget(struct lm *m)
{
	llama_memory_clear(llama_get_memory(m->ctx), false);
	memset(m->begin, -1, sizeof m->begin);
}

void
lm_forget_seq(struct lm *m, int seq)
{
	llama_memory_seq_rm(llama_get_memory(m->ctx), seq, -1, -1);
	m->begin[seq] = -1;
}

int
lm_is_recurrent(const struct lm *m)
{
	return llama_model_is_recurrent(m->model) || llama_model_is_hybrid(m->model);
}

int
lm_share(struct lm *m, int from, int to, int n)
{
	llama_memory_t memory = llama_get_memory(m->ctx);

	/* a sliding window may have dropped the beginning */
	if (lm_is_recurrent(m) || llama_memory_seq_pos_min(memory, from) != 0)
		return 0;
	llama_memory_seq_cp(memory, from, to, 0, n);
	return 1;
}

/*
 * Decodes a token to see whether this model names the output of a block, or of
 * the final norm.
 */
static int
check_block(struct lm *m, int block, struct err *e)
{
	int seq = 0, rc;

	if ((block < 0 || block >= m->blocks) && block != LM_FINAL_NORM)
		return err_set(e, "model '%s' has no block %d: its blocks are 0 to %d", m->name,
		    block, m->blocks - 1);
	m->sought = index_of(m, block);
	lm_batch_add(m, 0, 0, &seq, 1, LM_LOGITS);
	rc = lm_decode(m, e);
	lm_forget(m);
	m->sought = -1;
	if (rc == 0 && !m->stopped && block == LM_FINAL_NORM)
		return err_set(e, "model '%s' does not name the output of its final norm: "
		    "its activations cannot be reached", m->name);
	if (rc == 0 && !m->stopped)
		return err_set(e, "model '%s' does not name the output of block %d: "
		    "its activations cannot be reached", m->name, block);
	return rc;
}

int
lm_tap(struct lm *m, const int *block, size_t n, lm_tap_fn *fn, void *ctx, struct err *e)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (check_block(m, block[i], e) != 0)
			return -1;
	memset(m->tapped, 0, (size_t)m->blocks + 1);
	m->stop_block = -1;
	for (i = 0; i < n; i++) {
		m->tapped[index_of(m, block[i])] = 1;
		if (index_of(m, block[i]) > m->stop_block)
			m->stop_block = index_of(m, block[i]);
	}
	m->tap = fn;
	m->tap_ctx = ctx;
	return 0;
}

int
lm_steer(struct lm *m, int block, lm_steer_fn *fn, void *ctx, struct err *e)
{
	if (block == LM_FINAL_NORM)
		return err_set(e, "the output of the final norm cannot be steered");
	if (check_block(m, block, e) != 0)
		return -1;
	m->steer[block] = (struct hook){ fn, ctx };
	return 0;
}

void
lm_steer_prompts(struct lm *m)
{
	m->steers_prompts = 1;
}

int
lm_steers_prompts(const struct lm *m)
{
	return m->steers_prompts;
}

int
lm_moved(const struct lm *m, int row)
{
	return m->moved[row];
}
