#include "stream/npy.h"

#include <endian.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/float16.h"
#include "stream/output.h"

enum {
	MAGIC = 6, LONGEST = 65535,	/* bytes of a header: what version 1.0 can say */
	OWN = 128			/* bytes before the numbers in what is written here, as numpy has it */
};
static const char magic[MAGIC + 1] = "\x93NUMPY";

static const struct {
	const char *name;
	size_t width;
} types[] = { { "<f2", 2 }, { "<f4", 4 }, { "<f8", 8 } };

struct npy {
	FILE *in;
	char *name;
	enum npy_type type;
	uint64_t rows, at;
	size_t dim;
	unsigned char *raw;		/* one row */
};

const char *
npy_type_name(enum npy_type t)
{
	return types[t].name;
}

/* The header's text while it is read. */
struct cursor {
	const char *p, *end;
};

static void
blanks(struct cursor *c)
{
	while (c->p < c->end && memchr(" \t\r\n", *c->p, 4) != NULL)
		c->p++;
}

/* Is ch next? Then it is passed. */
static int
take(struct cursor *c, char ch)
{
	blanks(c);
	if (c->p == c->end || *c->p != ch)
		return 0;
	c->p++;
	return 1;
}

/* A string in quotes: 0 and its bytes, -1 if there is none. No name here needs an escape. */
static int
get_quoted(struct cursor *c, const char **s, size_t *n)
{
	const char *close;
	char quote;

	blanks(c);
	if (c->p == c->end || (*c->p != '\'' && *c->p != '"'))
		return -1;
	quote = *c->p++;
	if ((close = memchr(c->p, quote, (size_t)(c->end - c->p))) == NULL)
		return -1;
	*s = c->p;
	*n = (size_t)(close - c->p);
	c->p = close + 1;
	return memchr(*s, '\\', *n) == NULL ? 0 : -1;
}

static int
is(const char *s, size_t n, const char *word)
{
	return n == strlen(word) && memcmp(s, word, n) == 0;
}

/* True or False: 1, 0; -1: neither. */
static int
get_truth(struct cursor *c)
{
	const char *s;

	blanks(c);
	for (s = c->p; c->p < c->end && ((*c->p | 32) >= 'a' && (*c->p | 32) <= 'z'); c->p++)
		;
	return is(s, (size_t)(c->p - s), "True") ? 1 : is(s, (size_t)(c->p - s), "False") ? 0 : -1;
}

/* A number of a shape; beyond 64 bits it stays the greatest of them, which is refused later. */
static int
get_number(struct cursor *c, uint64_t *v)
{
	const char *s;

	blanks(c);
	for (s = c->p, *v = 0; c->p < c->end && *c->p >= '0' && *c->p <= '9'; c->p++)
		*v = *v > (UINT64_MAX - 9) / 10 ? UINT64_MAX : *v * 10 + (uint64_t)(*c->p - '0');
	if (s == c->p)
		return -1;
	/* Python 2 wrote 48L */
	if (c->p < c->end && *c->p == 'L')
		c->p++;
	return 0;
}

/* A tuple: how many numbers it has, the first two of them in shape; -1. */
static int
get_shape(struct cursor *c, uint64_t shape[2])
{
	uint64_t v;
	int n = 0;

	if (!take(c, '('))
		return -1;
	while (!take(c, ')')) {
		if (get_number(c, &v) != 0)
			return -1;
		if (n < 2)
			shape[n] = v;
		n++;
		if (!take(c, ','))
			return take(c, ')') ? n : -1;
	}
	return n;
}

/* The dictionary says what is in the file. */
static int
parse(struct npy *m, const char *text, size_t len, struct err *e)
{
	enum { DESCR = 1, ORDER = 2, SHAPE = 4, ALL = 7 };
	struct cursor c = { text, text + len };
	const char *key, *descr = NULL;
	size_t n, n_descr = 0, t;
	uint64_t shape[2] = { 0 };
	int seen = 0, what, fortran = 0, n_shape = 0;

	if (!take(&c, '{'))
		goto bad;
	while (!take(&c, '}')) {
		if (get_quoted(&c, &key, &n) != 0 || !take(&c, ':'))
			goto bad;
		what = is(key, n, "descr") ? DESCR : is(key, n, "fortran_order") ? ORDER : is(key, n, "shape") ? SHAPE : 0;
		if (what == 0 || seen & what)
			goto bad;
		seen |= what;
		blanks(&c);
		if (what == DESCR && c.p < c.end && (*c.p == '[' || *c.p == '('))
			return err_set(e, "'%s' holds records with fields, not plain numbers", m->name);
		if ((what == DESCR && get_quoted(&c, &descr, &n_descr) != 0) ||
		    (what == ORDER && (fortran = get_truth(&c)) < 0) ||
		    (what == SHAPE && (n_shape = get_shape(&c, shape)) < 0))
			goto bad;
		if (!take(&c, ',')) {
			if (!take(&c, '}'))
				goto bad;
			break;
		}
	}
	blanks(&c);
	if (seen != ALL || c.p != c.end)
		goto bad;

	for (t = 0; t < sizeof types / sizeof *types && !is(descr, n_descr, types[t].name); t++)
		;
	if (t == sizeof types / sizeof *types)
		return err_set(e, "'%s' holds numbers of type '%.*s', not '<f4', '<f2' or '<f8'", m->name,
		    n_descr > 20 ? 20 : (int)n_descr, descr);
	if (n_shape != 2)
		return err_set(e, "'%s' has %d dimension%s, not 2: records and numbers", m->name, n_shape,
		    n_shape == 1 ? "" : "s");
	if (fortran)
		return err_set(e, "'%s' is in Fortran order, not in C order", m->name);
	if (shape[1] < 1 || shape[1] > NPY_DIM)
		return err_set(e, "'%s' has rows of %llu numbers, not of 1 to %d", m->name,
		    (unsigned long long)shape[1], NPY_DIM);
	m->type = (enum npy_type)t;
	m->dim = (size_t)shape[1];
	m->rows = shape[0];
	if (m->rows > (INT64_MAX - LONGEST - 64) / (m->dim * types[t].width))
		return err_set(e, "'%s' claims %llu rows, more than a file can have", m->name,
		    (unsigned long long)m->rows);
	return 0;
bad:
	return err_set(e, "'%s' has a header that is not one of .npy: byte %zu of its dictionary", m->name,
	    (size_t)(c.p - text) + 1);
}

/* n bytes: 0; -1: they are not there; the message is for the header. */
static int
get_bytes(struct npy *m, void *p, size_t n, struct err *e)
{
	errno = 0;
	if (fread(p, 1, n, m->in) == n)
		return 0;
	if (ferror(m->in))
		return err_set(e, "cannot read '%s': %s", m->name, strerror(errno));
	return err_set(e, "'%s' is truncated: it ends inside its header", m->name);
}

/* Of the reader's numbers this one is left behind the header: `start` bytes. */
static int
read_header(struct npy *m, size_t *start, struct err *e)
{
	unsigned char head[MAGIC + 2], size[4] = { 0 };
	size_t width, len;
	char *text;
	int rc;

	*head = 0;
	if (get_bytes(m, head, sizeof head, e) != 0) {
		if (ferror(m->in))
			return -1;
		return *head == (unsigned char)*magic ? -1 : err_set(e, "'%s' is not a .npy file", m->name);
	}
	if (memcmp(head, magic, MAGIC) != 0)
		return err_set(e, "'%s' is not a .npy file", m->name);
	if (head[MAGIC] < 1 || head[MAGIC] > 3 || head[MAGIC + 1] != 0)
		return err_set(e, "'%s' is of version %d.%d of .npy, this program reads 1.0, 2.0 and 3.0", m->name,
		    head[MAGIC], head[MAGIC + 1]);
	width = head[MAGIC] == 1 ? 2 : 4;
	if (get_bytes(m, size, width, e) != 0)
		return -1;
	len = size[0] | (size_t)size[1] << 8 | (size_t)size[2] << 16 | (size_t)size[3] << 24;
	if (len > LONGEST)
		return err_set(e, "'%s' claims a header of %zu bytes, more than %d", m->name, len, LONGEST);
	if ((text = malloc(len + 1)) == NULL)
		return err_memory(e);
	rc = get_bytes(m, text, len, e) != 0 ? -1 : parse(m, text, len, e);
	free(text);
	*start = sizeof head + width + len;
	return rc;
}

static int
ends_inside(const struct npy *m, uint64_t row, struct err *e)
{
	return err_set(e, "'%s' is truncated: it ends inside row %llu of %llu", m->name, (unsigned long long)row,
	    (unsigned long long)m->rows);
}

static int
goes_on(const struct npy *m, struct err *e)
{
	return err_set(e, "'%s' goes on behind its last row, %llu", m->name, (unsigned long long)m->rows);
}

/* A regular file tells at once whether its header is right, before anything is made of that. */
static int
check_size(const struct npy *m, size_t start, struct err *e)
{
	uint64_t row = m->dim * types[m->type].width, have;
	struct stat st;

	if (fstat(fileno(m->in), &st) != 0 || !S_ISREG(st.st_mode))
		return 0;
	have = (uint64_t)st.st_size - start;
	if (have < m->rows * row)
		return ends_inside(m, have / row + 1, e);
	return have > m->rows * row ? goes_on(m, e) : 0;
}

struct npy *
npy_open(const char *path, struct err *e)
{
	struct npy *m = calloc(1, sizeof *m);
	size_t start = 0;

	if (m == NULL || (m->name = strdup(path)) == NULL) {
		err_memory(e);
		goto fail;
	}
	if ((m->in = fopen(path, "rbe")) == NULL) {
		err_set(e, "cannot open '%s': %s", path, strerror(errno));
		goto fail;
	}
	if (read_header(m, &start, e) != 0 || check_size(m, start, e) != 0)
		goto fail;
	if ((m->raw = malloc(m->rows > 0 ? m->dim * types[m->type].width : 1)) == NULL) {
		err_memory(e);
		goto fail;
	}
	return m;
fail:
	npy_close(m);
	return NULL;
}

enum npy_type
npy_type(const struct npy *m)
{
	return m->type;
}

uint64_t
npy_rows(const struct npy *m)
{
	return m->rows;
}

size_t
npy_dim(const struct npy *m)
{
	return m->dim;
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
	size_t width = types[m->type].width, i;

	errno = 0;
	if (m->at == m->rows) {
		if (getc(m->in) != EOF)
			return goes_on(m, e);
		return ferror(m->in) ? err_set(e, "cannot read '%s': %s", m->name, strerror(errno)) : 0;
	}
	if (fread(m->raw, width, m->dim, m->in) != m->dim)
		return ferror(m->in) ? err_set(e, "cannot read '%s': %s", m->name, strerror(errno)) :
		    ends_inside(m, m->at + 1, e);
	m->at++;
	for (i = 0; i < m->dim; i++) {
		const unsigned char *p = m->raw + i * width;
		double d = m->type == NPY_FLOAT64 ? load_double(p) : (double)le_load(p, m->type == NPY_FLOAT16);

		if (!isfinite(d))
			return err_set(e, "'%s': row %llu: number %zu is not finite", m->name, (unsigned long long)m->at, i + 1);
		/* half a step above the greatest float32 rounds to infinity */
		if (!(fabs(d) < 0x1.ffffffp127))
			return err_set(e, "'%s': row %llu: number %zu is %g, too great for float32", m->name,
			    (unsigned long long)m->at, i + 1, d);
		row[i] = (float)d;
	}
	return 1;
}

void
npy_close(struct npy *m)
{
	if (m == NULL)
		return;
	if (m->in != NULL)
		fclose(m->in);
	free(m->name);
	free(m->raw);
	free(m);
}

struct npy_sink {
	FILE *out;
	struct output file;
	size_t dim;
	int half;
	uint64_t rows;
	unsigned char *raw;		/* one row */
};

static int
fail(const struct npy_sink *k, struct err *e)
{
	return err_set(e, "cannot write '%s': %s", k->file.name, strerror(errno));
}

/* Always OWN bytes, whatever the number of rows: 20 digits of it and 8 of dim leave room. */
static int
put_header(struct npy_sink *k, struct err *e)
{
	unsigned char head[OWN];
	int n;

	memset(head, ' ', sizeof head);
	memcpy(head, magic, MAGIC);
	memcpy(head + MAGIC, "\1\0", 2);
	head[MAGIC + 2] = OWN - (MAGIC + 4);
	head[MAGIC + 3] = 0;
	n = snprintf((char *)head + MAGIC + 4, sizeof head - (MAGIC + 4),
	    "{'descr': '%s', 'fortran_order': False, 'shape': (%llu, %zu), }",
	    types[k->half ? NPY_FLOAT16 : NPY_FLOAT32].name, (unsigned long long)k->rows, k->dim);
	head[MAGIC + 4 + n] = ' ';
	head[OWN - 1] = '\n';
	return fwrite(head, 1, sizeof head, k->out) == sizeof head ? 0 : fail(k, e);
}

struct npy_sink *
npy_sink_open(const char *path, size_t dim, int half, struct err *e)
{
	struct npy_sink *k = calloc(1, sizeof *k);
	int fd;

	if (k == NULL || (k->raw = malloc(dim * (half ? 2 : 4))) == NULL) {
		err_memory(e);
		goto fail;
	}
	k->dim = dim;
	k->half = half;
	if ((fd = output_open(&k->file, path, e)) < 0)
		goto fail;
	if (lseek(fd, 0, SEEK_CUR) < 0) {
		err_set(e, "cannot write '%s': it is not seekable", path);
		close(fd);
		goto fail;
	}
	if ((k->out = fdopen(fd, "wb")) == NULL) {
		err_memory(e);
		close(fd);
		goto fail;
	}
	if (put_header(k, e) == 0)
		return k;
fail:
	npy_sink_abort(k);
	return NULL;
}

int
npy_sink_write(struct npy_sink *k, const float *row, struct err *e)
{
	size_t width = k->half ? 2 : 4, i;

	for (i = 0; i < k->dim; i++)
		le_store(k->raw + i * width, k->half, row[i]);
	k->rows++;
	return fwrite(k->raw, width, k->dim, k->out) == k->dim ? 0 : fail(k, e);
}

int
npy_sink_close(struct npy_sink *k, struct err *e)
{
	int rc = fseeko(k->out, 0, SEEK_SET) != 0 ? fail(k, e) : put_header(k, e);

	if (fclose(k->out) != 0 && rc == 0)
		rc = fail(k, e);
	k->out = NULL;
	if (rc == 0)
		rc = output_commit(&k->file, e);
	npy_sink_abort(k);
	return rc;
}

void
npy_sink_abort(struct npy_sink *k)
{
	if (k == NULL)
		return;
	if (k->out != NULL)
		fclose(k->out);
	output_release(&k->file);
	free(k->raw);
	free(k);
}
