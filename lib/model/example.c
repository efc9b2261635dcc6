#include "model/example.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int
example_tokenise(struct example *x, const struct lm *m, const char *text, size_t prompt, size_t len,
    struct err *e)
{
	int *alone = NULL, rc = -1;
	size_t n;

	x->n_prompt = 0;
	if (lm_tokenise(m, text, len, &x->token, &x->n, e) != 0 ||
	    lm_tokenise(m, text, prompt, &alone, &n, e) != 0)
		goto out;
	while (x->n_prompt < n && x->n_prompt < x->n && alone[x->n_prompt] == x->token[x->n_prompt])
		x->n_prompt++;
	rc = x->n > 0 ? 0 : err_set(e, "the text is empty");
out:
	free(alone);
	return rc;
}

int
example_read(struct example *x, const struct lm *m, const struct record *r, enum template t,
    const char *system, enum example_text what, struct err *e)
{
	const char *prompt = "", *completion = "", *group = record_has(r, "group") ? "group" : "id";
	char *chat, *text = NULL;
	size_t n, n_completion = 0;
	int len, rc;

	memset(x, 0, sizeof *x);
	if (record_get_key(r, "id", x->id, sizeof x->id, e) != 0 ||
	    record_get_key(r, group, x->group, sizeof x->group, e) != 0)
		return -1;
	if (what != EXAMPLE_COMPLETION && record_get_text(r, "prompt", 1, &prompt, &n, e) != 0)
		return -1;
	if (what != EXAMPLE_PROMPT &&
	    record_get_text(r, "completion", 0, &completion, &n_completion, e) != 0)
		return -1;
	if (what == EXAMPLE_COMPLETION) {
		t = TEMPLATE_RAW;
		system = NULL;
	}
	if (t == TEMPLATE_TURNS) {
		if ((text = lm_chat(m, system, prompt, completion, e)) == NULL)
			return -1;
		len = (int)strlen(text);
		n_completion = 0;
	} else if (t == TEMPLATE_CHAT) {
		if ((chat = lm_chat(m, system, prompt, NULL, e)) == NULL)
			return -1;
		len = asprintf(&text, "%s%s", chat, completion);
		free(chat);
	} else
		len = asprintf(&text, "%s%s%s%s", system != NULL ? system : "",
		    system != NULL ? "\n" : "", prompt, completion);
	if (len < 0)
		return err_memory(e);
	rc = example_tokenise(x, m, text, (size_t)len - n_completion, (size_t)len, e);
	free(text);
	return rc;
}

void
example_release(struct example *x)
{
	free(x->token);
	x->token = NULL;
}
