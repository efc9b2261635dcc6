#include "metric/qa_text.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char escapes[] = "nt\\";	/* what may follow a '\\' in the text */

int
qa_text_check(const char *text, struct err *e)
{
	const char *p;

	for (p = text; (p = strchr(p, '\\')) != NULL; p += 2)
		if (p[1] == '\0' || strchr(escapes, p[1]) == NULL)
			return err_set(e, "--text: '%s' has a '\\' that is not \\n, \\t or \\\\",
			    text);
	if (strstr(text, "{a}") == NULL)
		return err_set(e, "--text: '%s' has no place for the answer: {a}", text);
	return 0;
}

/* A part of a string. */
struct piece {
	const char *s;
	size_t len;
};

static void
trim(struct piece *p)
{
	while (p->len > 0 && isspace((unsigned char)p->s[p->len - 1]))
		p->len--;
	while (p->len > 0 && isspace((unsigned char)*p->s)) {
		p->s++;
		p->len--;
	}
}

/*
 * Sets q to the record's question, without white space around it. A question in
 * the form "Q: ...\nA:" loses that form. Returns 0, or -1 with a message.
 */
static int
read_question(const struct record *r, struct piece *q, struct err *e)
{
	const char *question;

	if (record_get_str(r, "question", &question, NULL) != 0) {
		if (record_get_text(r, "question", 1, &q->s, &q->len, e) != 0)
			return -1;
	} else {
		if (record_get_text(r, "prompt", 1, &q->s, &q->len, e) != 0)
			return -1;
		trim(q);
		if (q->len >= 6 && memcmp(q->s, "Q: ", 3) == 0 &&
		    memcmp(q->s + q->len - 3, "\nA:", 3) == 0) {
			q->s += 3;
			q->len -= 6;
		}
	}
	trim(q);
	return 0;
}

char *
qa_text_fill(const char *text, const struct record *r, const char *after, size_t *len,
    struct err *e)
{
	struct piece q = { NULL, 0 }, a;
	char *out = NULL;
	size_t size;
	FILE *f;
	const char *p;

	if ((strstr(text, "{q}") != NULL && read_question(r, &q, e) != 0) ||
	    record_get_text(r, "completion", 1, &a.s, &a.len, e) != 0)
		return NULL;
	trim(&a);
	if ((f = open_memstream(&out, &size)) == NULL) {
		err_memory(e);
		return NULL;
	}
	for (p = text; *p != '\0'; p++)
		if (strncmp(p, "{q}", 3) == 0 || strncmp(p, "{a}", 3) == 0) {
			const struct piece *in = p[1] == 'q' ? &q : &a;

			fwrite(in->s, 1, in->len, f);
			p += 2;
		} else if (*p == '\\') {
			putc("\n\t\\"[strchr(escapes, *++p) - escapes], f);
		} else {
			putc(*p, f);
		}
	*len = (size_t)ftell(f);
	fputs(after, f);
	if (fclose(f) == 0)
		return out;
	free(out);
	err_memory(e);
	return NULL;
}
