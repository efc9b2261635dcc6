#include "stream/npy.h"

#include <endian.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/float16.h"
#include "stream/input.h"
#include "stream/output.h"
#include "stream/wire.h"

enum {
	MAGIC = 6,
	LONGEST = 65535,	/* bytes of a header, as many as version 1.0 can have */
	OWN = 128		/* bytes before the numbers when writing, as in NumPy's files */
};
static const char magic[MAGIC + 1] = "\x93NUMPY";

enum { TOKEN = 32 };		/* room for any token that a header needs, with its NUL */

/*
 * Reads a token of the dictionary. Returns '"' and a string without its quotes
 * in s, '0' and a word or number in s, a punctuation mark, or 0 at the end and
 * for what no header has.
 */
static int
next_token(const char **p, char s[TOKEN])
{
	static const char word[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
	const char *at = *p + strspn(*p, " \t\r\n");
	int quoted = *at == '\'' || *at == '"';
	size_t n = quoted ? strcspn(at + 1, *at == '"' ? "\"\\" : "'\\") : strspn(at, word);

	*p = at;
	if (*at == '\0' || n >= TOKEN || (quoted && at[n + 1] != *at))
		return 0;
	memcpy(s, at + quoted, n);
	s[n] = '\0';
	if (quoted) {
		*p += n + 2;
		return '"';
	}
	*p += n > 0 ? n : 1;
	return n > 0 ? '0' : *at;
}

/*
 * Reads a tuple of numbers after its '('. Returns how many there are, and sets
 * shape to the first two; or returns -1.
 */
static int
read_shape(const char **p, uint64_t shape[2])
{
	char s[TOKEN], *end;
	int n = 0, token;

	while ((token = next_token(p, s)) == '0') {
		/*
		 * too long a number becomes ULLONG_MAX, which is refused later
		 */
		shape[n > 0] = strtoull(s, &end, 10);
		n++;
		/* Python 2 wrote 48L */
		if (end == s || strcmp(end, *end == 'L' ? "L" : "") != 0)
			return -1;
		if ((token = next_token(p, s)) != ',')
			break;
	}
	return token == ')' ? n : -1;
}

/* Sets type, dim and rows by the dictionary text[len], followed by a NUL. */
static int
parse(struct npy *m, const char *text, size_t len, struct err *e)
{
	static const char *const keys[] = { "descr", "fortran_order", "shape" };
	const char *name = input_name(m->in), *p = text;
	char s[TOKEN], type[TOKEN] = "";
	int seen[3] = { 0 }, n_shape = 0, fortran = 0, token;
	uint64_t shape[2] = { 0 };
	size_t k;

	token = next_token(&p, s) == '{' ? ',' : 0;
	while (token == ',' && (token = next_token(&p, s)) == '"') {
		for (k = 0; k < 3 && strcmp(s, keys[k]) != 0; k++)
			;
		if (k == 3 || seen[k]++ || next_token(&p, s) != ':')
			goto bad;
		token = next_token(&p, s);
		if (k == 0 && (token == '[' || token == '('))
			return err_set(e, "%s holds records with fields, not plain numbers", name);
		if (k == 0 && token == '"')
			strcpy(type, s);
		else if (k == 1 && token == '0' &&
		    (strcmp(s, "True") == 0 || strcmp(s, "False") == 0))
			fortran = *s == 'T';
		else if (k != 2 || token != '(' || (n_shape = read_shape(&p, shape)) < 0)
			goto bad;
		token = next_token(&p, s);
	}
	if (token != '}' || !seen[0] || !seen[1] || !seen[2] || next_token(&p, s) != 0 ||
	    p != text + len)
		goto bad;

	if (strcmp(type, "<f2") != 0 && strcmp(type, "<f4") != 0 && strcmp(type, "<f8") != 0)
		return err_set(e, "%s holds numbers of type '%s', not '<f4', '<f2' or '<f8'", name,
		    type);
	if (n_shape == 1 && m->vector) {
		n_shape = 2;
		shape[1] = shape[0];
		shape[0] = 1;
	}
	if (n_shape != 2)
		return err_set(e, "%s has %d dimension%s, not 2: records and numbers", name,
		    n_shape, n_shape == 1 ? "" : "s");
	if (fortran)
		return err_set(e, "%s is in Fortran order, not in C order", name);
	if (shape[1] < 1 || shape[1] > WIRE_DIM)
		return err_set(e, "%s has rows of %llu numbers, not of 1 to %d", name,
		    (unsigned long long)shape[1], WIRE_DIM);
	m->width = (size_t)(type[2] - '0');
	m->dim = (size_t)shape[1];
	m->rows = shape[0];
	if (m->rows > (INT64_MAX - LONGEST - 64) / (m->dim * m->width))
		return err_set(e, "%s claims %llu rows, more than a file can have", name,
		    (unsigned long long)m->rows);
	return 0;
bad:
	return err_set(e, "%s has a malformed .npy header: byte %zu of its dictionary",
	    name, (size_t)(p - text) + 1);
}

/* Reads n bytes of the header into p. */
static int
read_bytes(const struct npy *m, void *p, size_t n, struct err *e)
{
	ssize_t got = input_read_all(m->in, p, n, e);

	if (got < 0)
		return -1;
	return (size_t)got == n ? 0 : err_set(e, "%s is truncated: it ends inside its header",
	    input_name(m->in));
}

/* Reads the header and sets *start to its length. */
static int
read_header(struct npy *m, size_t *start, struct err *e)
{
	const char *name = input_name(m->in);
	unsigned char head[MAGIC + 2], size[4] = { 0 };
	ssize_t got = input_read_all(m->in, head, MAGIC, e);
	char text[LONGEST + 1];
	size_t width, len;

	if (got < 0)
		return -1;
	if (got == 0 || memcmp(head, magic, (size_t)got) != 0)
		return err_set(e, "%s is not a .npy file", name);
	/* fails, too, if the file ended within its magic */
	if (read_bytes(m, head + MAGIC, 2, e) != 0)
		return -1;
	if (head[MAGIC] < 1 || head[MAGIC] > 3 || head[MAGIC + 1] != 0)
		return err_set(e,
		    "%s has .npy version %d.%d; this program reads 1.0, 2.0 and 3.0", name,
		    head[MAGIC], head[MAGIC + 1]);
	width = head[MAGIC] == 1 ? 2 : 4;
	if (read_bytes(m, size, width, e) != 0)
		return -1;
	len = size[0] | (size_t)size[1] << 8 | (size_t)size[2] << 16 | (size_t)size[3] << 24;
	if (len > LONGEST)
		return err_set(e, "%s claims a header of %zu bytes, more than %d", name, len,
		    LONGEST);
	if (read_bytes(m, text, len, e) != 0)
		return -1;
	text[len] = '\0';
	*start = MAGIC + 2 + width + len;
	return parse(m, text, len, e);
}

static int
ends_inside(const struct npy *m, uint64_t row, struct err *e)
{
	return err_set(e, "%s is truncated: it ends inside row %llu of %llu", input_name(m->in),
	    (unsigned long long)row, (unsigned long long)m->rows);
}

static int
goes_on(const struct npy *m, struct err *e)
{
	return err_set(e, "%s goes on after its last row, %llu", input_name(m->in),
	    (unsigned long long)m->rows);
}

/* Refuses a regular file of the wrong size before its rows are used. */
static int
check_size(const struct npy *m, size_t start, struct err *e)
{
	uint64_t row = m->dim * m->width, have;

	if (!input_size(m->in, &have))
		return 0;
	have -= start;
	if (have < m->rows * row)
		return ends_inside(m, have / row + 1, e);
	return have > m->rows * row ? goes_on(m, e) : 0;
}

struct npy *
npy_open(const char *path, int vector, struct err *e)
{
	struct npy *m = calloc(1, sizeof *m);
	size_t start = 0;

	if (m == NULL) {
		err_memory(e);
		return NULL;
	}
	m->vector = vector;
	if ((m->in = input_open(path, e)) == NULL || read_header(m, &start, e) != 0 ||
	    check_size(m, start, e) != 0)
		goto fail;
	if ((m->raw = malloc(m->rows > 0 ? m->dim * m->width : 1)) == NULL) {
		err_memory(e);
		goto fail;
	}
	return m;
fail:
	npy_close(m);
	return NULL;
}

static double
load_double(const unsigned char *p)
{
	uint64_t bits;
	double d;

	memcpy(&bits, p, sizeof bits);
	bits = le64toh(bits);
	memcpy(&d, &bits, sizeof d);
	return d;
}

int
npy_read(struct npy *m, float *row, struct err *e)
{
	const char *name = input_name(m->in);
	size_t i;
	int end = m->n_read == m->rows;
	/* after the last row, try to read one byte too many */
	ssize_t got = input_read_all(m->in, m->raw, end ? 1 : m->dim * m->width, e);

	if (got < 0)
		return -1;
	if (end)
		return got > 0 ? goes_on(m, e) : 0;
	if ((size_t)got < m->dim * m->width)
		return ends_inside(m, m->n_read + 1, e);
	m->n_read++;
	for (i = 0; i < m->dim; i++) {
		const unsigned char *p = m->raw + i * m->width;
		double d = m->width == 8 ? load_double(p) : (double)le_load(p, m->width == 2);

		if (!isfinite(d))
			return err_set(e, "%s: row %llu: number %zu is not finite", name,
			    (unsigned long long)m->n_read, i + 1);
		/* half a step above the greatest float32 rounds to infinity */
		if (!(fabs(d) < 0x1.ffffffp127))
			return err_set(e, "%s: row %llu: number %zu is %g, too great for float32",
			    name, (unsigned long long)m->n_read, i + 1, d);
		row[i] = (float)d;
	}
	return 1;
}

void
npy_close(struct npy *m)
{
	if (m == NULL)
		return;
	input_close(m->in);
	free(m->raw);
	free(m);
}

struct npy_sink {
	struct output file;
	FILE *out;			/* file.file */
	size_t dim;
	int half;
	uint64_t rows;
	unsigned char *raw;		/* one row */
};

/* Writes the header. OWN bytes suffice for 20 digits of rows and 8 of dim. */
static int
write_header(struct npy_sink *k)
{
	enum { LEN = OWN - (MAGIC + 4) };
	char text[LEN];

	snprintf(text, sizeof text,
	    "{'descr': '<f%d', 'fortran_order': False, 'shape': (%llu, %zu), }",
	    k->half ? 2 : 4, (unsigned long long)k->rows, k->dim);
	/* version 1.0, and the length in two bytes */
	return fprintf(k->out, "%s%c%c%c%c%-*s\n", magic, 1, 0, LEN, 0, LEN - 1, text) == OWN ?
	    0 : -1;
}

static void
sink_free(struct npy_sink *k)
{
	output_release(&k->file);
	free(k->raw);
	free(k);
}

struct npy_sink *
npy_sink_open(const char *path, size_t dim, int half, struct err *e)
{
	struct npy_sink *k = calloc(1, sizeof *k);

	if (k == NULL || (k->raw = malloc(dim * (half ? 2 : 4))) == NULL) {
		free(k);
		err_memory(e);
		return NULL;
	}
	k->dim = dim;
	k->half = half;
	if (output_is_stdout(path)) {
		err_set(e, "cannot write '%s': standard output goes there, too", path);
		goto fail;
	}
	if ((k->out = output_fopen(&k->file, path, e)) == NULL)
		goto fail;
	if (lseek(fileno(k->out), 0, SEEK_CUR) < 0) {
		err_set(e, "cannot write '%s': it is not seekable", path);
		goto fail;
	}
	if (write_header(k) == 0)
		return k;
	output_fail(&k->file, e);
fail:
	sink_free(k);
	return NULL;
}

int
npy_sink_write(struct npy_sink *k, const float *row, struct err *e)
{
	size_t width = k->half ? 2 : 4, i;

	for (i = 0; i < k->dim; i++)
		le_store(k->raw + i * width, k->half, row[i]);
	k->rows++;
	return fwrite(k->raw, width, k->dim, k->out) == k->dim ? 0 : output_fail(&k->file, e);
}

int
npy_sink_close(struct npy_sink *k, struct err *e)
{
	int rc;

	if (fseeko(k->out, 0, SEEK_SET) != 0 || write_header(k) != 0)
		rc = output_fail(&k->file, e);
	else
		rc = output_commit(&k->file, e);
	sink_free(k);
	return rc;
}
