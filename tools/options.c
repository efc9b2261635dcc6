#include "options.h"

#include <limits.h>
#include <stdint.h>
#include <string.h>

#include "base/utf8.h"
#include "number.h"

enum {
	OPTIONS_MAX = 64,
	FIRST_LONG = 256,	/* getopt_long returns this plus the row of a long option */
	LINE = 79		/* columns of a line of -h */
};

static int
is_long(const struct tool_option *o)
{
	return o->name[1] == '-';
}

/* Returns the place of text among the words of o->value. */
static int
parse_choice(const struct tool_option *o, const char *text)
{
	const char *word = o->value;
	size_t n;
	int place;

	for (place = 0; ; place++, word += n + 1) {
		n = strcspn(word, "|");
		if (n == strlen(text) && memcmp(word, text, n) == 0)
			return place;
		if (word[n] == '\0')
			tool_misuse("%s: '%s' is none of %s", o->name, text, o->value);
	}
}

void
options_check_text(const char *option, const char *text)
{
	size_t n = strlen(text);

	if (utf8_span(text, n) != n)
		tool_misuse("%s: the text is not UTF-8", option);
}

/* Stores the value of o; text is NULL for a flag. */
static void
set_value(struct tool_option *o, const char *text)
{
	const char *name = o->name;
	int *n = o->to;
	uint64_t *seed = o->to;

	if (o->parse != NULL) {
		o->parse(name, text);
		return;
	}
	switch (o->kind) {
	case OPTION_FLAG: *n = 1; break;
	case OPTION_FILE:
		if (*text == '\0')
			tool_misuse("%s: '' is no file name", name);
		*(const char **)o->to = text;
		break;
	case OPTION_TEXT:
		options_check_text(name, text);
		*(const char **)o->to = text;
		break;
	case OPTION_CHOICE: *n = parse_choice(o, text); break;
	case OPTION_INT:
		*n = (int)number_long(name, text, (long)o->min, (long)o->max);
		break;
	case OPTION_DOUBLE: *(double *)o->to = number_double(name, text, o->min, o->max); break;
	case OPTION_SEED: *seed = (uint64_t)number_long(name, text, 0, LONG_MAX); break;
	case OPTION_SEED32: *seed = (uint64_t)number_long(name, text, 0, UINT32_MAX); break;
	}
}

/* Prints what -h or -V asks for, and exits. */
static _Noreturn void
answer(const struct tool_option *o, int letter)
{
	if (letter == 'V') {
		printf("%s %s\n", tool.name, ODESTEER_VERSION);
	} else if (tool.usage != NULL) {
		tool.usage();
	} else {
		fputs(tool.synopsis, stdout);
		options_print(o);
	}
	tool_answered();
}

/* Ends the run because of an argument that getopt_long does not understand. */
static _Noreturn void
refuse(const struct option *longs, const char *argument)
{
	/* a long option that is known has a value, but takes none */
	for (; optopt != 0 && longs->name != NULL; longs++)
		if (optopt == longs->val)
			tool_misuse("option '--%s' takes no value", longs->name);
	if (optopt > 0 && optopt < FIRST_LONG)
		tool_misuse("unknown option '-%c'", optopt);
	tool_misuse("unknown option '%s'", argument);
}

void
options_parse(struct tool_option *o, int argc, char *argv[])
{
	struct option longs[OPTIONS_MAX + 3] = { { "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' } };
	char letters[2 * OPTIONS_MAX + 4] = ":hV";
	size_t i, n_long = 2;
	int c, place = 0;

	for (i = 0; o[i].name != NULL; i++)
		if (is_long(&o[i]))
			longs[n_long++] = (struct option){ o[i].name + 2, o[i].value != NULL, NULL,
				FIRST_LONG + (int)i };
		else
			strcat(strcat(letters, o[i].name + 1), o[i].value != NULL ? ":" : "");
	opterr = 0;
	while ((c = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
		if (c == 'h' || c == 'V')
			answer(o, c);
		if (c == ':')
			tool_misuse("option '%s' needs a value", argv[optind - 1]);
		if (c == '?')
			refuse(longs, argv[optind - 1]);
		for (i = 0; c != (is_long(&o[i]) ? FIRST_LONG + (int)i : o[i].name[1]); i++)
			;
		set_value(&o[i], optarg);
		o[i].given = ++place;
	}
}

int
options_given(const struct tool_option *o, const char *name)
{
	for (; o->name != NULL; o++)
		if (strcmp(o->name, name) == 0)
			return o->given;
	return 0;
}

/* Formats an option and its value. Returns the length. */
static size_t
format_name(const struct tool_option *o, char *s, size_t size)
{
	return (size_t)snprintf(s, size, o->value != NULL ? "%s %s" : "%s", o->name, o->value);
}

/* Formats the default of o: "" if there is none, or if it is out of range. */
static void
format_default(const struct tool_option *o, char *s, size_t size)
{
	const char *text = NULL;
	double v = o->min - 1;
	int skip;

	*s = '\0';
	if (o->to == NULL)
		return;
	switch (o->kind) {
	case OPTION_FLAG: return;
	case OPTION_FILE:
	case OPTION_TEXT: text = *(const char **)o->to; break;
	case OPTION_CHOICE:
		for (text = o->value, skip = *(int *)o->to; skip > 0; skip--)
			text += strcspn(text, "|") + 1;
		break;
	case OPTION_INT: v = *(int *)o->to; break;
	case OPTION_DOUBLE: v = *(double *)o->to; break;
	case OPTION_SEED:
	case OPTION_SEED32: v = (double)*(uint64_t *)o->to; break;
	}
	if (text != NULL)
		snprintf(s, size, " (default: %.*s)",
		    (int)strcspn(text, o->kind == OPTION_CHOICE ? "|" : ""), text);
	else if (v >= o->min)
		snprintf(s, size, " (default: %.10g)", v);
}

/* Prints text from column `indent` on, broken into lines at spaces. */
static void
print_words(const char *text, size_t indent)
{
	size_t column = indent, n;

	for (; *text != '\0'; text += n + strspn(text + n, " ")) {
		n = strcspn(text, " ");
		if (column > indent && column + 1 + n > LINE) {
			printf("\n%*s", (int)indent, "");
			column = indent;
		} else if (column > indent) {
			putchar(' ');
			column++;
		}
		fwrite(text, 1, n, stdout);
		column += n;
	}
	putchar('\n');
}

void
options_print(const struct tool_option *o)
{
	char text[1024], value[512];
	size_t i, n, width = 0;

	for (i = 0; o[i].name != NULL; i++) {
		n = format_name(&o[i], text, sizeof text);
		width = n > width ? n : width;
	}
	for (i = 0; o[i].name != NULL; i++) {
		format_name(&o[i], text, sizeof text);
		printf("  %-*s  ", (int)width, text);
		format_default(&o[i], value, sizeof value);
		snprintf(text, sizeof text, "%s%s", o[i].about, value);
		print_words(text, width + 4);
	}
}
