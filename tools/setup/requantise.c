/* requantise FROM TO - converts a GGUF file to Q8_0, for the default model. */
#include <llama.h>
#include <stdio.h>

/* Discards the thousands of lines that libllama logs. */
static void
log_nothing(enum ggml_log_level level, const char *text, void *ctx)
{
	(void)level;
	(void)text;
	(void)ctx;
}

int
main(int argc, char *argv[])
{
	llama_model_quantize_params p = llama_model_quantize_default_params();

	if (argc != 3) {
		fprintf(stderr, "usage: requantise FROM TO\n");
		return 2;
	}
	llama_log_set(log_nothing, NULL);
	llama_backend_init();
	p.ftype = LLAMA_FTYPE_MOSTLY_Q8_0;
	p.allow_requantize = true;
	if (llama_model_quantize(argv[1], argv[2], &p) != 0) {
		fprintf(stderr, "requantise: cannot convert '%s' to '%s'\n", argv[1], argv[2]);
		return 1;
	}
	return 0;
}
