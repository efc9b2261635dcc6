#include "model_options.h"

#include <stdlib.h>

enum { CONTEXT = 2048 };	/* tokens, unless the model was trained for fewer */

struct model_options model_options;

static const char *
default_path(void)
{
	static char path[4096];
	const char *model = getenv("ODESTEER_MODEL");
	const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");

	if (model != NULL && *model != '\0')
		return model;
	if (cache != NULL && *cache != '\0')
		snprintf(path, sizeof path, "%s/odesteer/%s", cache, ODESTEER_MODEL_FILE);
	else
		snprintf(path, sizeof path, "%s/.cache/odesteer/%s", home != NULL ? home : "",
		    ODESTEER_MODEL_FILE);
	return path;
}

void
model_options_default(void)
{
	model_options.lm.path = default_path();
	model_options.lm.threads = tool_threads();
}

int
model_options_context(void)
{
	return model_options.context > 0 ? model_options.context : CONTEXT;
}

struct lm *
model_options_open(void)
{
	int context = model_options_context(), trained;
	struct lm *m;
	struct err e;

	m = tool_need_err(lm_open(&model_options.lm, &e), &e);
	trained = lm_context(m);
	if (model_options.context > trained)
		tool_misuse("--context: the model was trained for %d tokens", trained);
	model_options.context = context < trained ? context : trained;
	return m;
}
