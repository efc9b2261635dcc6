#include "model/cvec.h"

#include <errno.h>
#include <gguf.h>
#include <inttypes.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/float16.h"
#include "base/hash.h"
#include "stream/output.h"

static const char key_architecture[] = "general.architecture", architecture[] = "controlvector",
    key_model[] = "controlvector.model_hint", key_count[] = "controlvector.layer_count";

enum { NAME_SIZE = 32 };	/* of "direction.N" and its NUL */

static void
name_direction(char name[NAME_SIZE], int block)
{
	snprintf(name, NAME_SIZE, "direction.%d", block);
}

/* Silences ggml, which reports errors on stderr; here they are returned. */
static void
log_nothing(enum ggml_log_level level, const char *text, void *ctx)
{
	(void)level;
	(void)text;
	(void)ctx;
}

int
cvec_write(const char *path, int block, const float *v, size_t dim, const char *model,
    struct err *e)
{
	struct gguf_context *g;
	struct ggml_context *ctx;
	struct output file = { 0 };
	struct ggml_tensor *t;
	char name[NAME_SIZE];
	FILE *out;
	int rc = -1;

	ggml_log_set(log_nothing, NULL);
	g = gguf_init_empty();
	/* no numbers are needed: g gets them */
	ctx = ggml_init((struct ggml_init_params){ .mem_size = ggml_tensor_overhead(),
	    .no_alloc = true });
	if (block < 1) {
		err_set(e, "block %d cannot have a control vector: they begin at block 1", block);
		goto out;
	}
	if (g == NULL || ctx == NULL) {
		err_memory(e);
		goto out;
	}
	gguf_set_val_str(g, key_architecture, architecture);
	if (model != NULL)
		gguf_set_val_str(g, key_model, model);
	/* as cvector-generator has it: how many directions there are */
	gguf_set_val_i32(g, key_count, 1);
	t = ggml_new_tensor_1d(ctx, GGML_TYPE_F32, (int64_t)dim);
	name_direction(name, block);
	ggml_set_name(t, name);
	gguf_add_tensor(g, t);
	gguf_set_tensor_data(g, name, v);
	if ((out = output_fopen(&file, path, e)) == NULL)
		goto out;
	if (gguf_write_to_file_ptr(g, out, false) || ferror(out))
		rc = output_commit(&file, e);
	else
		err_memory(e);
out:
	output_release(&file);
	gguf_free(g);
	ggml_free(ctx);
	return rc;
}

/* Opens a regular file that begins as GGUF does. Returns NULL on failure. */
static FILE *
open_gguf(const char *path, struct err *e)
{
	FILE *in = fopen(path, "rbe");
	char magic[4] = "";
	struct stat st;

	if (in == NULL) {
		err_set(e, "cannot open '%s': %s", path, strerror(errno));
		return NULL;
	}
	/* ggml opens it again, and seeks in it */
	if (fstat(fileno(in), &st) != 0 || !S_ISREG(st.st_mode))
		err_set(e, "cannot read '%s': it is not a regular file", path);
	else if (fread(magic, 1, sizeof magic, in) == sizeof magic &&
	    memcmp(magic, GGUF_MAGIC, sizeof magic) == 0)
		return in;
	else
		err_set(e, "'%s' is not a GGUF file", path);
	fclose(in);
	return NULL;
}

/*
 * Returns the number of the tensor, which must be a vector of dim numbers in
 * float32 or float16, or -1 with a message.
 */
static int64_t
find_vector(const struct gguf_context *g, const char *path, const char *name, size_t dim,
    struct err *e)
{
	int64_t key = gguf_find_key(g, key_architecture), id;
	enum ggml_type type;
	const int64_t *ne;

	if (key < 0 || gguf_get_kv_type(g, key) != GGUF_TYPE_STRING ||
	    strcmp(gguf_get_val_str(g, key), architecture) != 0)
		return err_set(e, "'%s' is not a control vector: its %s is not '%s'", path,
		    key_architecture, architecture);
	if ((id = gguf_find_tensor(g, name)) < 0)
		return err_set(e, "'%s' has no %s", path, name);
	type = gguf_get_tensor_type(g, id);
	if (type != GGML_TYPE_F32 && type != GGML_TYPE_F16)
		return err_set(e, "'%s': %s is of type %s, not f32 or f16", path, name,
		    ggml_type_name(type));
	ne = gguf_get_tensor_ne(g, id);
	if (ne[1] != 1 || ne[2] != 1 || ne[3] != 1)
		return err_set(e, "'%s': %s has more than one dimension", path, name);
	if (ne[0] != (int64_t)dim)
		return err_set(e, "'%s': %s has %" PRId64 " numbers, not %zu", path, name, ne[0],
		    dim);
	return id;
}

/* Reads the numbers of tensor id into v[dim]. Returns 0, or -1. */
static int
read_numbers(FILE *in, const struct gguf_context *g, int64_t id, const char *path, float *v,
    size_t dim, struct err *e)
{
	uint64_t at = (uint64_t)gguf_get_data_offset(g) + gguf_get_tensor_offset(g, id);
	const char *name = gguf_get_tensor_name(g, id);
	int half = gguf_get_tensor_type(g, id) == GGML_TYPE_F16;
	size_t width = half ? sizeof(uint16_t) : sizeof(float), i;
	unsigned char *raw = malloc(dim * width);
	int rc = -1;

	if (raw == NULL)
		return err_memory(e);
	errno = 0;
	if (at > INT64_MAX || fseeko(in, (off_t)at, SEEK_SET) != 0 ||
	    fread(raw, width, dim, in) != dim) {
		if (ferror(in))
			err_set(e, "cannot read '%s': %s", path, strerror(errno));
		else
			err_set(e, "'%s' is truncated: it ends before %s does", path, name);
		goto out;
	}
	for (i = 0; i < dim; i++) {
		v[i] = le_load(raw + i * width, half);
		if (!isfinite(v[i])) {
			err_set(e, "'%s': number %zu of %s is not finite", path, i + 1, name);
			goto out;
		}
	}
	rc = 0;
out:
	free(raw);
	return rc;
}

int
cvec_read(const char *path, int block, float *v, size_t dim, struct err *e)
{
	FILE *in = open_gguf(path, e);
	struct gguf_context *g;
	char name[NAME_SIZE];
	int64_t id;
	int rc = -1;

	if (in == NULL)
		return -1;
	ggml_log_set(log_nothing, NULL);
	/* read no numbers before the sizes in the header were checked */
	g = gguf_init_from_file(path, (struct gguf_init_params){ .no_alloc = true });
	name_direction(name, block);
	if (g == NULL)
		err_set(e, "'%s' is a damaged GGUF file, or has an unknown version",
		    path);
	else if ((id = find_vector(g, path, name, dim, e)) >= 0)
		rc = read_numbers(in, g, id, path, v, dim, e);
	gguf_free(g);
	fclose(in);
	return rc;
}

int
cvec_digest(const char *path, char digest[17], struct err *e)
{
	FILE *in = fopen(path, "rbe");
	unsigned char buf[4096];
	uint64_t h = HASH_START;
	size_t n;
	int rc = 0;

	if (in == NULL)
		return err_set(e, "cannot open '%s': %s", path, strerror(errno));
	while ((n = fread(buf, 1, sizeof buf, in)) > 0)
		h = hash_bytes(h, buf, n);
	if (ferror(in))
		rc = err_set(e, "cannot read '%s': %s", path, strerror(errno));
	fclose(in);
	snprintf(digest, 17, "%016" PRIx64, h);
	return rc;
}
