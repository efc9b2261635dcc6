/*
 * decode - measures libllama's own batched decoding, without any code of this project.
 *
 *   decode [-j threads] [-n tokens] [-r repeats] [-s] model.gguf sequences < prompts
 *
 * prompts has one prompt per line, with newlines written as \n. `sequences` of them at a time are decoded in
 * one batch. Then each gets its `tokens` likeliest tokens, in batches of one token per sequence; ends of
 * texts are ignored. Prints one line of JSON: seconds and tokens of both parts, the minimum of `repeats`.
 * -s gives each sequence a KV cache of its own (kv_unified false).
 */
#include <getopt.h>
#include <llama.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/runtime.h"

enum { MOST_SEQS = 256, MOST_PROMPTS = 4096, MOST_TOKENS = 1024 };

static void
log_nothing(enum ggml_log_level level, const char *text, void *ctx)
{
	(void)level;
	(void)text;
	(void)ctx;
}

/* Replaces "\n" by newlines; returns the new length. */
static ssize_t
unescape(char *s, ssize_t len)
{
	ssize_t i, n = 0;

	for (i = 0; i < len; i++) {
		int two = s[i] == '\\' && i + 1 < len && s[i + 1] == 'n';

		s[n++] = s[i];
		if (two) {
			s[n - 1] = '\n';
			i++;
		}
	}
	return n;
}

static llama_token
likeliest(const float *logits, int n)
{
	int best = 0, i;

	for (i = 1; i < n; i++)
		if (logits[i] > logits[best])
			best = i;
	return best;
}

static void
add(struct llama_batch *b, llama_token token, int pos, int seq, int logits)
{
	b->token[b->n_tokens] = token;
	b->pos[b->n_tokens] = pos;
	b->n_seq_id[b->n_tokens] = 1;
	b->seq_id[b->n_tokens][0] = seq;
	b->logits[b->n_tokens++] = (int8_t)logits;
}

int
main(int argc, char *argv[])
{
	static llama_token prompt[MOST_PROMPTS][MOST_TOKENS];
	static int length[MOST_PROMPTS];
	struct llama_model_params mp = llama_model_default_params();
	struct llama_context_params cp = llama_context_default_params();
	int threads = 1, n_new = 50, repeats = 1, split = 0, seqs, n = 0, c, i, first, step, vocab, longest = 0;
	double best = 0, best_prompt = 0, t, total, prompts;
	long prompt_tokens = 0;
	struct llama_model *model;
	struct llama_context *ctx;
	struct llama_batch b;
	char *line = NULL;
	size_t room = 0;
	ssize_t len;

	runtime_start(argv);
	while ((c = getopt(argc, argv, "j:n:r:s")) != -1)
		switch (c) {
		case 'j': threads = atoi(optarg); break;
		case 'n': n_new = atoi(optarg); break;
		case 'r': repeats = atoi(optarg); break;
		case 's': split = 1; break;
		default: return 2;
		}
	if (argc - optind != 2)
		return 2;
	seqs = atoi(argv[optind + 1]);
	if (seqs < 1 || seqs > MOST_SEQS || n_new < 1 || threads < 1)
		return 2;
	llama_log_set(log_nothing, NULL);
	llama_backend_init();
	if ((model = llama_model_load_from_file(argv[optind], mp)) == NULL) {
		fprintf(stderr, "decode: cannot load '%s'\n", argv[optind]);
		return 1;
	}
	while (n < MOST_PROMPTS && (len = getline(&line, &room, stdin)) > 0) {
		if (line[len - 1] == '\n')
			len--;
		len = unescape(line, len);
		length[n] = llama_tokenize(llama_model_get_vocab(model), line, (int32_t)len, prompt[n],
		    MOST_TOKENS, true, true);
		if (length[n] < 1) {
			fprintf(stderr, "decode: a prompt is empty or too long\n");
			return 1;
		}
		prompt_tokens += length[n];
		longest = length[n] > longest ? length[n] : longest;
		n++;
	}
	vocab = llama_vocab_n_tokens(llama_model_get_vocab(model));
	cp.n_seq_max = (uint32_t)seqs;
	cp.n_ctx = (uint32_t)(seqs * ((longest + n_new + 255) / 256 * 256));
	cp.n_batch = cp.n_ubatch = (uint32_t)(seqs * longest > 512 ? seqs * longest : 512);
	cp.n_outputs_max = (uint32_t)seqs;
	cp.n_threads = cp.n_threads_batch = threads;
	cp.kv_unified = !split;
	cp.no_perf = true;
	if ((ctx = llama_init_from_model(model, cp)) == NULL) {
		fprintf(stderr, "decode: cannot make a context\n");
		return 1;
	}
	b = llama_batch_init((int32_t)cp.n_batch, 0, 1);
	while (repeats-- > 0) {
		total = prompts = 0;
		for (first = 0; first < n; first += seqs) {
			int m = n - first < seqs ? n - first : seqs, row[MOST_SEQS] = { 0 };

			llama_memory_clear(llama_get_memory(ctx), false);
			t = clock_now();
			b.n_tokens = 0;
			for (i = 0; i < m; i++)
				for (c = 0; c < length[first + i]; c++) {
					row[i] = b.n_tokens;
					add(&b, prompt[first + i][c], c, i, c + 1 == length[first + i]);
				}
			for (step = 0; step < n_new; step++) {
				if (llama_decode(ctx, b) != 0) {
					fprintf(stderr, "decode: libllama failed\n");
					return 1;
				}
				llama_synchronize(ctx);
				if (step == 0)
					prompts += clock_now() - t;
				b.n_tokens = 0;
				for (i = 0; i < m; i++) {
					llama_token next = likeliest(llama_get_logits_ith(ctx, row[i]), vocab);

					row[i] = b.n_tokens;
					add(&b, next, length[first + i] + step, i, 1);
				}
			}
			total += clock_now() - t;
		}
		if (best == 0 || total < best) {
			best = total;
			best_prompt = prompts;
		}
	}
	printf("{\"sequences\":%d,\"split\":%s,\"prompts\":%d,\"prompt_tokens\":%ld,\"tokens\":%ld,\"seconds\":%.6g,"
	    "\"prompt_seconds\":%.6g,\"threads\":%d}\n",
	    seqs, split ? "true" : "false", n, prompt_tokens, (long)n * n_new, best,
	    best_prompt, threads);
	llama_batch_free(b);
	llama_free(ctx);
	llama_model_free(model);
	free(line);
	return 0;
}
