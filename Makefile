# odesteer - GNU make; no configure.
#
#   make demo        set up what is missing, build, run the main job
#   make check       set up what is missing, build, run the tests
#   make check TESTS="tests/tool/view.t build/tests/test_field"
#                    the same, with these tests only
#   make check-full  the same and more: long tests, sanitisers, both compilers, no warnings
#   make tune PAIRS=file PROMPTS=file
#                    block and length by their effect: see pipelines/tune
#   make estimators, blocks, strength, solvers
#                    benchmarks: see pipelines/studies/
#   make truthfulqa  the paper's TruthfulQA column on MODEL=file PRESET=name: see pipelines/truthfulqa
#   make lint        checks the sources' looks: scripts, pages, line lengths, layout of C
#   make bench       these tools and the Python reference side by side: see tests/bench/run
#   make bench-plots growth of time with what it grows with: see tests/bench/plots
#   make bench-budget
#                    write the instruction budgets of tests/bench/guard.t again
#   make setup       only the set-up: Debian packages, libllama, the default model
#   make             build into bin/
#   make install     to $(DESTDIR)$(PREFIX)
#   make uninstall   removes what install put there
#   make clean       removes build/ and bin/
#   make help        prints this list

VERSION = 0.2.0
PREFIX = /usr/local
libexec = $(PREFIX)/libexec/odesteer
man = $(PREFIX)/share/man

CC ?= cc
CFLAGS = -O2 -g
OPENMP = -fopenmp
WARN = -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla
BUILD = build
BIN = bin
PROVE = prove -e ""
PROVEFLAGS =

cache := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/odesteer
model_file = models/SmolLM2-135M-Instruct-Q8_0.gguf
export ODESTEER_MODEL ?= $(cache)/$(model_file)

tools = collect fitbarrier integrate generate score view
all: $(tools:%=$(BIN)/%) $(BIN)/odesteer

# What the README and the pages say of methods, block, strength and solvers was measured by these;
# DATA=dir takes TruthfulQA from there instead of the project's own questions.
benchmarks = estimators blocks strength solvers

# What the engine's set-up says of itself; `all` looks only for what is there.
ifeq ($(filter help uninstall setup demo tune lint check check-% clean truthfulqa bench bench-% $(benchmarks),$(MAKECMDGOALS)),)
include $(BUILD)/engine.mk
endif
$(BUILD)/engine.mk: tools/setup/engine
	@mkdir -p $(BUILD)
	@tools/setup/engine --find >$@.tmp && mv $@.tmp $@

packages = zlib gsl openblas fftw3 fftw3f jansson libutf8proc $(shell pkg-config --exists msgpack && echo msgpack || echo msgpack-c)
cflags = -std=c11 -D_GNU_SOURCE -Ilib $(WARN) $(CFLAGS) $(SANITIZE) $(OPENMP)
libs = $(SANITIZE) $(OPENMP) $(ENGINE_LIBS) $(PACKAGE_LIBS) -lm
ifdef ENGINE
PACKAGE_CFLAGS := $(shell pkg-config --cflags $(packages))
# gslcblas would answer before OpenBLAS does
PACKAGE_LIBS := $(filter-out -lgslcblas,$(shell pkg-config --libs $(packages)))
endif
defines = -DODESTEER_VERSION='"$(VERSION)"' -DODESTEER_MODEL_FILE='"$(model_file)"'

lib_src = $(wildcard lib/*/*.c)
lib_obj = $(lib_src:%.c=$(BUILD)/%.o)
lib = $(BUILD)/libodesteer.a
test_src = $(wildcard tests/unit/test_*.c)
tests = $(test_src:tests/unit/%.c=$(BUILD)/tests/%)
fuzz_src = $(wildcard tests/fuzz/fuzz_*.c)
fuzz = $(fuzz_src:tests/fuzz/%.c=$(BUILD)/tests/%)

$(BUILD)/%.o: %.c $(BUILD)/engine.mk Makefile
	@mkdir -p $(@D)
	$(CC) $(cflags) $(ENGINE_CFLAGS) $(PACKAGE_CFLAGS) $(defines) -MMD -MP -c -o $@ $<
# a product and the sum it goes into are one instruction where the processor has it
$(BUILD)/lib/field/matrix.o: cflags += -O3 -ffp-contract=fast
# its loops are to be vectors
$(BUILD)/lib/fit/features.o: cflags += -O3
# and an activation's numbers the same alone and beside others
$(BUILD)/lib/base/dot.o $(BUILD)/lib/flow/krylov.o: cflags += -O3 -ffp-contract=off
$(lib): $(lib_obj)
	rm -f $@
	ar rcs $@ $^
# what tools share: every file of tools/ that is no tool itself
tool_obj = $(patsubst %.c,$(BUILD)/%.o,$(filter-out $(tools:%=tools/%.c) tools/report.c,$(wildcard tools/*.c)))
$(tools:%=$(BIN)/%): $(BIN)/%: $(BUILD)/tools/%.o $(tool_obj) $(lib)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(libs)
$(BIN)/score: $(BUILD)/tools/report.o
$(BIN)/odesteer: tools/odesteer Makefile
	@mkdir -p $(@D)
	sed 's|@VERSION@|$(VERSION)|; s|@PAGES@|$(CURDIR)/man|' tools/odesteer >$@ && chmod 755 $@
$(BUILD)/requantise: $(BUILD)/tools/setup/requantise.o
	$(CC) $(LDFLAGS) -o $@ $^ $(libs)
$(BUILD)/tests/%: $(BUILD)/tests/unit/%.o $(lib)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(libs)
$(BUILD)/bench/%: $(BUILD)/tests/bench/%.o $(lib)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(libs) -lpthread
$(fuzz): $(BUILD)/tests/%: $(BUILD)/tests/fuzz/%.o $(BUILD)/tests/fuzz/mutate.o $(lib)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(libs)
-include $(wildcard $(BUILD)/*/*.d $(BUILD)/*/*/*.d)

setup:
	@tools/setup/packages
	@mkdir -p $(BUILD)
	@tools/setup/engine >$(BUILD)/engine.mk.tmp
	@cmp -s $(BUILD)/engine.mk.tmp $(BUILD)/engine.mk || cp $(BUILD)/engine.mk.tmp $(BUILD)/engine.mk
	@rm -f $(BUILD)/engine.mk.tmp; touch -c $(BUILD)/engine.mk -r tools/setup/engine
	@[ -e "$(ODESTEER_MODEL)" ] || { $(MAKE) --no-print-directory -s $(BUILD)/requantise && \
		tools/setup/model $(BUILD)/requantise "$(cache)/$(model_file)"; }

demo: setup
	@$(MAKE) --no-print-directory -s all
	pipelines/demo

$(benchmarks): setup
	@tools/setup/packages $(if $(filter blocks strength,$@),gnuplot) $(if $(DATA),mlr)
	@$(MAKE) --no-print-directory -s all
	pipelines/studies/$@
PAIRS = datasets/mood.jsonl
PROMPTS = datasets/mood-prompts.jsonl
tune: setup
	@$(MAKE) --no-print-directory -s all
	pipelines/tune "$(PAIRS)" "$(PROMPTS)"
# the pipeline looks for its settings in the environment, where make puts those of its command line
truthfulqa: setup
	@tools/setup/packages gnuplot mlr curl
	@$(MAKE) --no-print-directory -s all
	pipelines/$@

bench bench-plots: setup
	@tools/setup/packages $(if $(findstring plots,$@),gnuplot) $(if $(DATA),mlr)
	@$(MAKE) --no-print-directory -s all $(BUILD)/bench/bench $(BUILD)/bench/decode
	tests/bench/$(if $(findstring plots,$@),plots,run)

# the instructions that tests/bench/guard.t allows
bench-budget: setup
	@$(MAKE) --no-print-directory -s all
	PATH="$(abspath $(BIN)):$$PATH" ODESTEER_BUDGET=write tests/bench/guard.t

lint:
	@tools/setup/packages lint
	@tests/lint

check: setup
	@ODESTEER_BUDGET=check $(MAKE) --no-print-directory -s run-check
# Tools set it themselves (lib/base/runtime.h), unit tests do not; and it saves each tool its second start.
run-check: all $(tests) $(fuzz)
	GOMP_SPINCOUNT="$${GOMP_SPINCOUNT:-1000}" PATH="$(abspath $(BIN)):$$PATH" ODESTEER_FUZZ="$(abspath $(BUILD))/tests" $(PROVE) $(PROVEFLAGS) $(or $(TESTS),$(tests) tests/*/*.t)

sanitize = -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
variant = $(MAKE) --no-print-directory -s BUILD=build/$@ BIN=build/$@/bin WARN="$(WARN) -Werror"
# tests of numbers that BLAS has a part in
numeric = $(addprefix $(BUILD)/tests/test_,dot contract field krylov flow rff baselines features classifier)
check-full: check check-kernels check-clang check-asan
check-kernels: setup
	@$(MAKE) --no-print-directory -s all $(numeric)
	@PATH="$(abspath $(BIN)):$$PATH" tests/kernels $(numeric) tests/tool/integrate.t
check-clang: setup
	@if command -v clang >/dev/null; then $(variant) CC=clang OPENMP=-fopenmp=libgomp run-check; else echo "no clang here: its check is skipped"; fi
check-asan: setup
	@$(variant) SANITIZE="$(sanitize)" CFLAGS="-O1 -g" all
	@FULL=1 $(variant) SANITIZE="$(sanitize)" CFLAGS="-O1 -g" run-check

install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(libexec) $(DESTDIR)$(man)/man1 $(DESTDIR)$(man)/man5 $(DESTDIR)$(man)/man7
	install -m 755 $(tools:%=$(BIN)/%) $(DESTDIR)$(libexec)
	sed "s|^libexec=.*|libexec='$(libexec)'|; s|^pages=.*|pages='$(man)'|" $(BIN)/odesteer >$(DESTDIR)$(PREFIX)/bin/odesteer
	chmod 755 $(DESTDIR)$(PREFIX)/bin/odesteer
	for t in $(tools); do install -m 644 man/$$t.1 $(DESTDIR)$(man)/man1/odesteer-$$t.1; done
	install -m 644 man/odesteer-stream.5 $(DESTDIR)$(man)/man5/odesteer-stream.5
	install -m 644 man/odesteer.7 $(DESTDIR)$(man)/man7

uninstall:
	rm -f $(tools:%=$(DESTDIR)$(libexec)/%) $(DESTDIR)$(PREFIX)/bin/odesteer $(tools:%=$(DESTDIR)$(man)/man1/odesteer-%.1) \
		$(DESTDIR)$(man)/man5/odesteer-stream.5 $(DESTDIR)$(man)/man7/odesteer.7
	[ ! -d $(DESTDIR)$(libexec) ] || rmdir --ignore-fail-on-non-empty $(DESTDIR)$(libexec)

help:
	@sed -n '/^#   /!{/./!q;}; s/^#   //p' Makefile

# not out/: what is there took hours to measure
clean:
	rm -rf build bin

.PHONY: help uninstall all setup demo tune lint bench bench-plots bench-budget $(benchmarks) truthfulqa check run-check check-full \
	check-kernels check-clang check-asan install clean
.DELETE_ON_ERROR:
