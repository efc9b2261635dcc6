/*
 * Tests which bytes a control vector's file has, and which files are refused.
 *
 * The files are made here byte by byte, as a comment in ggml's gguf.h
 * describes, so that ggml is not tested against itself.
 */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/float16.h"
#include "model/cvec.h"
#include "stream/output.h"
#include "tap.h"

enum { BLOCK = 3, DIM = 6, ROOM = 4096, ALIGN = 32 };
/* ggml's numbers for types of values and of tensors */
enum { UINT32 = 4, INT32 = 5, STRING = 8, ARRAY = 9 };
enum { F32 = 0, F16 = 1, Q8_0 = 8 };

static const float vec[DIM] = { 2.385f, -0.25f, 1e-7f, 3e8f, -0.f, 65504.f };
static const char path[] = "vector.gguf";

static struct {
	size_t n;
	unsigned char p[ROOM];
} B;

static void
put(const void *p, size_t n)
{
	if (n > sizeof B.p - B.n)
		abort();
	memcpy(B.p + B.n, p, n);
	B.n += n;
}

static void
put_le(uint64_t v, unsigned width)
{
	while (width-- > 0) {
		unsigned char c = (unsigned char)v;

		put(&c, 1);
		v >>= 8;
	}
}

static void
put_str(const char *s)
{
	put_le(strlen(s), 8);
	put(s, strlen(s));
}

static void
put_key(const char *key, unsigned type)
{
	put_str(key);
	put_le(type, 4);
}

static void
align(void)
{
	while (B.n % ALIGN != 0)
		put_le(0, 1);
}

/* The contents of a file to write; 0 stands for the value of a good file. */
struct file {
	const char *magic, *architecture, *name;
	const char *key;		/* instead of general.architecture */
	unsigned version, key_type, n_dims, type;
	uint64_t n_tensors, n_kv, ne[4], offset;
	const float *v;
	size_t n;			/* numbers in the file */
};

static void
begin(const struct file *f)
{
	B.n = 0;
	put(f->magic != NULL ? f->magic : "GGUF", 4);
	put_le(f->version ? f->version : 3, 4);
	put_le(f->n_tensors ? f->n_tensors : 1, 8);
	put_le(f->n_kv ? f->n_kv : 3, 8);
}

static void
make(const struct file *f)
{
	const float *v = f->v != NULL ? f->v : vec;
	size_t n = f->n ? f->n : DIM, i;
	unsigned d;

	begin(f);
	put_key(f->key != NULL ? f->key : "general.architecture", f->key_type ? f->key_type : STRING);
	if (f->key_type == UINT32)
		put_le(32, 4);
	else
		put_str(f->architecture != NULL ? f->architecture : "controlvector");
	put_key("controlvector.model_hint", STRING);
	put_str("made");
	put_key("controlvector.layer_count", INT32);
	put_le(1, 4);
	put_str(f->name != NULL ? f->name : "direction.3");
	put_le(f->n_dims ? f->n_dims : 1, 4);
	for (d = 0; d < (f->n_dims ? f->n_dims : 1); d++)
		put_le(f->ne[d < 4 ? d : 3] ? f->ne[d < 4 ? d : 3] : DIM, 8);
	put_le(f->type, 4);
	put_le(f->offset, 8);
	align();
	for (i = 0; i < n; i++)
		if (f->type == F16)
			put_le(float16_from_float(v[i]), 2);
		else
			put(&v[i], sizeof v[i]);
	align();
}

static void
save(size_t n)
{
	FILE *f = fopen(path, "wb");

	if (f == NULL || fwrite(B.p, 1, n, f) != n || fclose(f) != 0)
		abort();
}

static void
refused(const char *why)
{
	struct err e = { "" };
	float v[DIM];

	save(B.n);
	ok(cvec_read(path, BLOCK, v, DIM, &e) == -1 && strcmp(e.text, why) == 0, "%s", e.text);
}

static void
check_write(void)
{
	static unsigned char got[ROOM];
	struct err e = { "" };
	struct file good = { 0 };
	float v[DIM] = { 0 };
	size_t n;
	FILE *f;

	ok(cvec_write(path, BLOCK, vec, DIM, "made", &e) == 0 && output_pending() == NULL, "a vector is written");
	make(&good);
	f = fopen(path, "rb");
	n = fread(got, 1, sizeof got, f);
	fclose(f);
	ok(n == B.n && memcmp(got, B.p, n) == 0, "byte for byte what the format wants");
	ok(cvec_read(path, BLOCK, v, DIM, &e) == 0 && memcmp(v, vec, sizeof v) == 0,
	    "and reads back the same, signs of zeros too");
	ok(cvec_write(path, 1, vec, 1, NULL, &e) == 0 && cvec_read(path, 1, v, 1, &e) == 0 && v[0] == vec[0],
	    "one number, without a model");

	ok(cvec_write(path, 0, vec, DIM, NULL, &e) == -1 &&
	    strcmp(e.text, "block 0 cannot have a control vector: they begin at block 1") == 0, "%s", e.text);
	ok(cvec_read(path, 1, v, 1, &e) == 0, "what stood there stays");
	ok(cvec_write("no/such", BLOCK, vec, DIM, NULL, &e) == -1 &&
	    strcmp(e.text, "cannot write 'no/such': No such file or directory") == 0, "%s", e.text);
	ok(cvec_write("/dev/full", BLOCK, vec, DIM, NULL, &e) == -1 &&
	    strcmp(e.text, "cannot write '/dev/full': No space left on device") == 0, "%s", e.text);
}

static void
check_types(void)
{
	static const float exact[DIM] = { 2.384765625f, -0.25f, 0x1p-24f, -65504, -0.f, 1 };
	struct file half = { .type = F16, .v = exact };
	struct err e = { "" };
	float v[DIM];

	make(&half);
	save(B.n);
	ok(cvec_read(path, BLOCK, v, DIM, &e) == 0 &&
	    memcmp(v, exact, sizeof v) == 0, "float16 is read, too: %s", e.text);
}

static void
check_refusals(void)
{
	const float bad[DIM] = { 1, 2, 3, NAN, 5, 6 };
	char long_name[80];

	memset(long_name, 'x', sizeof long_name - 1);
	long_name[sizeof long_name - 1] = '\0';
#define BROKEN "'vector.gguf' is a damaged GGUF file, or has an unknown version"
#define OTHER "'vector.gguf' is not a control vector: its general.architecture is not 'controlvector'"
#define REFUSED(why, ...) do { struct file f = { __VA_ARGS__ }; make(&f); refused(why); } while (0)
	REFUSED("'vector.gguf' is not a GGUF file", .magic = "GGML");
	REFUSED(OTHER, .architecture = "llama");
	REFUSED(OTHER, .architecture = "");
	REFUSED(OTHER, .key = "x");
	REFUSED(OTHER, .key_type = UINT32);
	REFUSED("'vector.gguf' has no direction.3", .name = "direction.4");
	REFUSED("'vector.gguf' has no direction.3", .name = "direction.30");
	REFUSED("'vector.gguf': direction.3 has 5 numbers, not 6", .ne = { 5 });
	REFUSED("'vector.gguf': direction.3 has 4611686018427387904 numbers, not 6", .type = F16,
	    .ne = { UINT64_C(1) << 62 });
	REFUSED("'vector.gguf': direction.3 has more than one dimension", .n_dims = 2, .ne = { 6, 2 }, .n = 1);
	REFUSED("'vector.gguf': direction.3 is of type q8_0, not f32 or f16", .type = Q8_0, .ne = { 32 });
	REFUSED("'vector.gguf': number 4 of direction.3 is not finite", .v = bad);
	REFUSED("'vector.gguf': number 4 of direction.3 is not finite", .v = bad, .type = F16);
	/* what ggml refuses */
	REFUSED(BROKEN, .version = 4);
	REFUSED(BROKEN, .version = 0x03000000);
	REFUSED(BROKEN, .n_kv = UINT64_C(1) << 62);
	REFUSED(BROKEN, .n_tensors = UINT64_C(1) << 62);
	REFUSED(BROKEN, .n_tensors = 2);
	REFUSED(BROKEN, .key = "");
	REFUSED(BROKEN, .key = "controlvector.model_hint");
	REFUSED(BROKEN, .key_type = 77);
	REFUSED(BROKEN, .key_type = ARRAY);
	REFUSED(BROKEN, .name = long_name);
	REFUSED(BROKEN, .n_dims = 5);
	REFUSED(BROKEN, .ne = { UINT64_MAX });
	REFUSED(BROKEN, .n_dims = 2,
	    .ne = { UINT64_C(1) << 40, UINT64_C(1) << 40 });
	REFUSED(BROKEN, .type = 1000);
	REFUSED(BROKEN, .offset = 32);
#undef REFUSED
#undef OTHER
#undef BROKEN
}

static void
check_damage(void)
{
	struct file good = { 0 };
	struct err e;
	float v[DIM];
	size_t n, whole, numbers, failed = 0, silent = 0;

	make(&good);
	whole = B.n;
	numbers = whole - ALIGN + DIM * sizeof *v;	/* where they end; padding follows */
	for (n = 0; n < numbers; n++) {
		save(n);
		e.text[0] = '\0';
		failed += cvec_read(path, BLOCK, v, DIM, &e) != 0;
		silent += e.text[0] == '\0';
	}
	ok(failed == numbers && silent == 0, "cut anywhere it fails, with a message: %zu of %zu", failed, numbers);
	save(numbers - 1);
	ok(cvec_read(path, BLOCK, v, DIM, &e) == -1 &&
	    strcmp(e.text, "'vector.gguf' is truncated: it ends before direction.3 does") == 0, "%s", e.text);
	for (silent = n = 0; n < 2 * whole; n++) {
		unsigned char flip = n % 2 ? 0xff : 1;

		B.p[n / 2] ^= flip;
		save(whole);
		e.text[0] = '\0';
		silent += cvec_read(path, BLOCK, v, DIM, &e) != 0 && e.text[0] == '\0';
		B.p[n / 2] ^= flip;
	}
	ok(silent == 0, "with any byte changed it is read or refused");
}

static void
check_files(void)
{
	struct file good = { 0 };
	struct err e = { "" };
	char digest[17], other[17];
	float v[DIM];

	unlink(path);
	ok(cvec_read(path, BLOCK, v, DIM, &e) == -1 &&
	    strcmp(e.text, "cannot open 'vector.gguf': No such file or directory") == 0, "%s", e.text);
	ok(cvec_digest(path, digest, &e) == -1 &&
	    strcmp(e.text, "cannot open 'vector.gguf': No such file or directory") == 0, "%s", e.text);
	ok(cvec_read(".", BLOCK, v, DIM, &e) == -1 && strcmp(e.text, "cannot read '.': it is not a regular file") == 0,
	    "%s", e.text);
	save(0);
	ok(cvec_digest(path, digest, &e) == 0 && strcmp(digest, "cbf29ce484222325") == 0, "the digest is FNV-1a's");
	make(&good);
	save(B.n);
	ok(cvec_digest(path, digest, &e) == 0, "of all bytes");
	B.p[B.n - 1] ^= 1;
	save(B.n);
	ok(cvec_digest(path, other, &e) == 0 && strcmp(digest, other) != 0, "the last one too");
}

int
main(void)
{
	char dir[] = "/tmp/odesteer-cvec.XXXXXX";

	if (mkdtemp(dir) == NULL || chdir(dir) != 0)
		return 1;
	check_write();
	check_types();
	check_refusals();
	check_damage();
	check_files();
	unlink(path);
	rmdir(dir);
	return tap_done();
}
