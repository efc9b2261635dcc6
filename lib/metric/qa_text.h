/*
 * qa_text - a text with a record's question and answer in it, for a model to
 * read.
 *
 * The answer is the record's completion. The question is its "question" or, if
 * it has none, its prompt without the form "Q: ...\nA:". White space around
 * either is removed. A record needs no question if the text has no {q}.
 */
#ifndef ODESTEER_QA_TEXT_H
#define ODESTEER_QA_TEXT_H

#include <stddef.h>

#include "base/err.h"
#include "stream/record.h"

/*
 * Checks the value of --text: {q} stands for the question, {a}, which must be
 * there, for the answer, and \n, \t and \\ for a newline, a tab and a
 * backslash. Returns 0, or -1 with a message.
 */
int qa_text_check(const char *text, struct err *e);
/*
 * Returns text, which qa_text_check has accepted, with its placeholders and
 * escapes replaced, followed by `after`. Sets *len to the length before
 * `after`. The caller frees the result. Returns NULL with a message in e if r
 * lacks the answer or a question that the text has, or if memory runs out.
 */
char *qa_text_fill(const char *text, const struct record *r, const char *after, size_t *len,
    struct err *e);

#endif
