/*
 * model_options - the options of tools that run a model: -g, -j, -m, -t,
 * --system, --context and --seqs.
 */
#ifndef ODESTEER_MODEL_OPTIONS_H
#define ODESTEER_MODEL_OPTIONS_H

#include "model/example.h"
#include "model/lm.h"
#include "options.h"

/* The options of the model, as the command line gives them. */
extern struct model_options {
	struct lm_options lm;		/* the tool sets seqs to its own default, and the rest */
	enum template template;
	const char *system;		/* system text in front of every prompt; NULL: none */
	int context;			/* tokens; 0: not given */
} model_options;

/*
 * Sets the model to $ODESTEER_MODEL or the default in the cache, and the
 * threads to the number of processors.
 */
void model_options_default(void);

/*
 * Returns --context, or if it was not given 2048: tokens to open the model for.
 */
int model_options_context(void);

/*
 * Opens the model by model_options.lm. Refuses a --context that the model was
 * not trained for, and sets model_options.context to the tokens a text may
 * have.
 */
struct lm *model_options_open(void);

/*
 * Rows for the tool's table: of the model, of its prompts, and apart two more.
 */
#define MODEL_OPTIONS \
	{ "-m", "model", "model, a GGUF file", OPTION_FILE, .to = &model_options.lm.path }, \
	{ "-g", "layers", "number of layers to put on the GPU", OPTION_INT, \
	    .to = &model_options.lm.gpu_layers, .min = 0, .max = 1000 }, \
	THREADS_OPTION(model_options.lm.threads)
#define PROMPT_OPTIONS \
	{ "-t", "raw|chat", "use texts as they are, or in the model's chat template", \
	    OPTION_CHOICE, .to = &model_options.template }, \
	{ "--system", "text", "system text in front of every prompt", OPTION_TEXT, \
	    .to = &model_options.system }
#define CONTEXT_OPTION \
	{ "--context", "tokens", "longest text in tokens (default: 2048, or less if the " \
	    "model was trained for less)", OPTION_INT, .to = &model_options.context, \
	    .min = 1, .max = 1 << 20 }
#define SEQS_OPTION \
	{ "--seqs", "n", "most texts to decode together", OPTION_INT, \
	    .to = &model_options.lm.seqs, .min = 1, .max = LM_MAX_SEQS }

#endif
