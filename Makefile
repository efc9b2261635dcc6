# odesteer - for GNU make; there is no configure script.
#
#   make demo        set up what is missing, build, and run pipelines/demo
#   make check       set up what is missing, build, and run the tests
#   make check TESTS="tests/tool/view.t build/tests/test_field"
#                    the same, with these tests only
#   make check-full  all tests, long ones too, with sanitisers and two compilers
#   make fuzz FUZZ_S=60
#                    run each fuzz target for that many seconds
#   make lint        check the style of the sources: see tests/lint
#   make tune PAIRS=file PROMPTS=file
#                    choose block and length by their effect: see pipelines/tune
#   make estimators, blocks, coherence, solvers, toxicity
#                    run a study: see pipelines/studies/
#   make toxicity-model DATA=dir
#                    fit score toxicity again: see datasets/toxicity
#   make truthfulqa, ultrafeedback, realtoxicity MODEL=file PRESET=name
#                    run a benchmark of the paper: see pipelines/benchmark.mk
#   make mood        gloomy and cheerful answers: see pipelines/mood.mk
#   make frontier    compare methods by effect and divergence, on TruthfulQA and
#                    mood: see pipelines/presets/frontier
#   make bench       compare with the Python reference: see tests/bench/run
#   make bench-plots draw how time grows with the input: see tests/bench/plots
#   make bench-budget
#                    rewrite the instruction budgets of tests/bench/guard.t
#   make setup       set up only: Debian packages, libllama, the default model
#   make             build into bin/
#   make install     install to $(DESTDIR)$(PREFIX)
#   make uninstall   remove what make install installed
#   make clean       remove build/ and bin/
#   make help        print this list

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
export ODESTEER_MODEL := $(or $(ODESTEER_MODEL),$(cache)/$(model_file))

tools = collect fitbarrier integrate generate score view
all: $(tools:%=$(BIN)/%) $(BIN)/odesteer

# The studies measured what the README and the pages say of methods, blocks,
# long texts and solvers. With DATA=dir they use TruthfulQA from that folder
# instead of the project's own questions; toxicity needs DATA.
studies = estimators blocks coherence solvers toxicity
benchmarks = truthfulqa ultrafeedback realtoxicity mood

# engine.mk says where libllama is. Targets that run make again, after the
# set-up, do not need it.
no_engine = help uninstall setup setup-tests demo tune lint fuzz check check-% clean \
	toxicity-model bench bench-% $(studies) $(benchmarks) frontier
ifeq ($(filter $(no_engine),$(MAKECMDGOALS)),)
include $(BUILD)/engine.mk
endif
$(BUILD)/engine.mk: tools/setup/engine tools/setup/tileconfig.h
	@mkdir -p $(BUILD)
	@tools/setup/engine --find >$@.tmp && mv $@.tmp $@

packages = zlib gsl openblas fftw3 fftw3f jansson libutf8proc \
	$(shell pkg-config --exists msgpack && echo msgpack || echo msgpack-c)
cflags = -std=c11 -D_GNU_SOURCE -Ilib $(WARN) $(CFLAGS) $(SANITIZE) $(OPENMP)
libs = $(SANITIZE) $(OPENMP) $(ENGINE_LIBS) $(PACKAGE_LIBS) -lm
ifdef ENGINE
PACKAGE_CFLAGS := $(shell pkg-config --cflags $(packages))
# gslcblas has the same symbols as OpenBLAS and is slower
PACKAGE_LIBS := $(filter-out -lgslcblas,$(shell pkg-config --libs $(packages)))
endif
defines = -DODESTEER_VERSION='"$(VERSION)"' -DODESTEER_MODEL_FILE='"$(model_file)"'

lib_src = $(wildcard lib/*/*.c)
lib_obj = $(lib_src:%.c=$(BUILD)/%.o)
lib = $(BUILD)/libodesteer.a
test_src = $(wildcard tests/unit/test_*.c)
tests = $(test_src:tests/unit/%.c=$(BUILD)/tests/%)
fault = $(BUILD)/tests/memory.so
fuzz_src = $(wildcard tests/fuzz/fuzz_*.c)
fuzz = $(fuzz_src:tests/fuzz/%.c=$(BUILD)/tests/%)

$(BUILD)/%.o: %.c $(BUILD)/engine.mk Makefile
	@mkdir -p $(@D)
	$(CC) $(cflags) $(ENGINE_CFLAGS) $(PACKAGE_CFLAGS) $(defines) -MMD -MP -c -o $@ $<
# fuse a product with the sum that it is added to, if the processor can
$(BUILD)/lib/field/matrix.o: cflags += -O3 -ffp-contract=fast
# vectorise its loops
$(BUILD)/lib/fit/features.o: cflags += -O3
# vectorise, also a square root, whose argument is never negative
$(addprefix $(BUILD)/lib/fit/,net.o train.o): cflags += -O3 -fno-math-errno
# vectorise, but give an activation the same numbers alone and among others
$(BUILD)/lib/base/dot.o $(BUILD)/lib/flow/krylov.o: cflags += -O3 -ffp-contract=off
# give a fit to sparse rows the same numbers on every processor
$(addprefix $(BUILD)/lib/,base/log1pexp.o fit/sparse.o fit/classifier.o): \
	cflags += -O3 -ffp-contract=off
# the weights of score toxicity are part of the library
$(BUILD)/lib/metric/toxicity.o: cflags += -DODESTEER_TOXICITY='"datasets/toxicity.ods"'
$(BUILD)/lib/metric/toxicity.o: datasets/toxicity.ods
$(lib): $(lib_obj)
	rm -f $@
	ar rcs $@ $^
# tool_obj is shared by the tools: all of tools/ that is no tool or part of one
tool_obj = $(patsubst %.c,$(BUILD)/%.o,$(filter-out $(tools:%=tools/%.c) tools/report.c \
	tools/calibrate.c,$(wildcard tools/*.c)))
$(tools:%=$(BIN)/%): $(BIN)/%: $(BUILD)/tools/%.o $(tool_obj) $(lib)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(libs)
$(BIN)/score: $(BUILD)/tools/report.o
$(BIN)/fitbarrier: $(BUILD)/tools/calibrate.o
$(BIN)/odesteer: tools/odesteer Makefile
	@mkdir -p $(@D)
	sed 's|@VERSION@|$(VERSION)|; s|@PAGES@|$(CURDIR)/man|' tools/odesteer >$@ && chmod 755 $@
$(BUILD)/fittext: $(BUILD)/tools/setup/fittext.o $(lib)
	$(CC) $(LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(libs)
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
$(BUILD)/tests/fuzz_report: $(BUILD)/tools/report.o $(tool_obj)
$(fault): tests/fault/memory.c
	@mkdir -p $(@D)
	$(CC) $(filter-out -fopenmp%,$(cflags)) -shared -fPIC -o $@ $<
-include $(wildcard $(BUILD)/*/*.d $(BUILD)/*/*/*.d)

setup:
	@tools/setup/packages
	@mkdir -p $(BUILD)
	@tools/setup/engine >$(BUILD)/engine.mk.tmp
	@cmp -s $(BUILD)/engine.mk.tmp $(BUILD)/engine.mk || \
		cp $(BUILD)/engine.mk.tmp $(BUILD)/engine.mk
	@rm -f $(BUILD)/engine.mk.tmp; touch -c $(BUILD)/engine.mk \
		-r "$$(ls -t tools/setup/engine tools/setup/tileconfig.h | head -n 1)"
	@[ -e "$(ODESTEER_MODEL)" ] || { $(MAKE) --no-print-directory -s $(BUILD)/requantise && \
		tools/setup/model $(BUILD)/requantise "$(cache)/$(model_file)"; }

demo: setup
	@$(MAKE) --no-print-directory -s all
	pipelines/demo

$(studies): setup
	@tools/setup/packages $(if $(DATA),mlr)
	@$(MAKE) --no-print-directory -s all
	pipelines/studies/$@
PAIRS = datasets/mood.jsonl
PROMPTS = datasets/mood-prompts.jsonl
tune: setup
	@$(MAKE) --no-print-directory -s all
	pipelines/tune "$(PAIRS)" "$(PROMPTS)"
$(benchmarks): setup
	@tools/setup/packages gnuplot mlr curl
	@$(MAKE) --no-print-directory -s all
	@$(MAKE) --no-print-directory -f pipelines/$@.mk
frontier:
	@for b in truthfulqa mood; do \
		$(MAKE) --no-print-directory $$b PRESET=$${PRESET:-frontier} \
			$(if $(OUT),OUT=$(OUT)/$$b) || exit; \
	done

# It makes the same bytes on every x86-64 processor.
toxicity-model: setup
	@$(MAKE) --no-print-directory -s $(BUILD)/fittext
	datasets/toxicity comments >$(BUILD)/toxicity.jsonl
	$(BUILD)/fittext toxicity rated datasets/toxicity.ods <$(BUILD)/toxicity.jsonl

bench bench-plots: setup
	@tools/setup/packages $(if $(findstring plots,$@),gnuplot) $(if $(DATA),mlr)
	@$(MAKE) --no-print-directory -s all $(BUILD)/bench/bench $(BUILD)/bench/decode
	tests/bench/$(if $(findstring plots,$@),plots,run)

bench-budget: setup-tests
	@$(MAKE) --no-print-directory -s all
	PATH="$(abspath $(BIN)):$$PATH" ODESTEER_BUDGET=write tests/bench/guard.t

lint:
	@tools/setup/packages lint
	@tests/lint

setup-tests: setup
	@tools/setup/packages test mlr curl gnuplot
check: setup-tests
	@ODESTEER_BUDGET=check $(MAKE) --no-print-directory -s run-check
# Unit tests do not set GOMP_SPINCOUNT themselves as tools do
# (lib/base/runtime.h), and a tool that finds it set need not start itself
# again.
run-check: all $(tests) $(fuzz) $(fault) $(BUILD)/fittext
	GOMP_SPINCOUNT="$${GOMP_SPINCOUNT:-1000}" PATH="$(abspath $(BIN)):$$PATH" \
		ODESTEER_FUZZ="$(abspath $(BUILD))/tests" \
		$(PROVE) $(PROVEFLAGS) $(or $(TESTS),$(tests) tests/*/*.t)

sanitize = -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
variant = $(MAKE) --no-print-directory -s BUILD=build/$@ BIN=build/$@/bin WARN="$(WARN) -Werror"
# numeric are the tests whose numbers depend on BLAS
numeric = $(addprefix $(BUILD)/tests/test_,dot contract field krylov flow rff baselines features \
	classifier)
FUZZ_S = 60
fuzz: setup-tests
	@$(MAKE) --no-print-directory -s BUILD=build/check-asan BIN=build/check-asan/bin \
		WARN="$(WARN) -Werror" SANITIZE="$(sanitize)" CFLAGS="-O1 -g" run-fuzz
run-fuzz: all $(fuzz)
	PATH="$(abspath $(BIN)):$$PATH" ODESTEER_FUZZ="$(abspath $(BUILD))/tests" FUZZ_S=$(FUZZ_S) \
		$(PROVE) -v tests/fuzz/fuzz.t
check-full: check check-kernels check-fault check-clang check-asan
check-fault: setup-tests
	@$(MAKE) --no-print-directory -s all $(fault)
	@FULL=1 $(MAKE) --no-print-directory -s run-check \
		TESTS="tests/fault/memory.t tests/fault/system.t"
check-kernels: setup-tests
	@$(MAKE) --no-print-directory -s run-kernels
	@tests/kernels -v $(addprefix $(BUILD)/tests/test_,dot rff baselines)
run-kernels: all $(numeric)
	PATH="$(abspath $(BIN)):$$PATH" tests/kernels $(numeric) tests/tool/integrate.t
check-clang: setup-tests
	@if command -v clang >/dev/null; then \
		$(variant) CC=clang OPENMP=-fopenmp=libgomp run-check; \
	else \
		echo "no clang here: its check is skipped"; \
	fi
check-asan: setup-tests
	@$(variant) SANITIZE="$(sanitize)" CFLAGS="-O1 -g" all
	@FULL=1 $(variant) SANITIZE="$(sanitize)" CFLAGS="-O1 -g" run-check
	$(if $(TESTS),,@$(variant) SANITIZE="$(sanitize)" CFLAGS="-O1 -g" run-kernels)

install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(libexec) \
		$(DESTDIR)$(man)/man1 $(DESTDIR)$(man)/man5 $(DESTDIR)$(man)/man7
	install -m 755 $(tools:%=$(BIN)/%) $(DESTDIR)$(libexec)
	$(if $(ENGINE_FILES),install -m 644 $(ENGINE_FILES) $(DESTDIR)$(libexec))
	sed "s|^libexec=.*|libexec='$(libexec)'|; s|^pages=.*|pages='$(man)'|" $(BIN)/odesteer \
		>$(DESTDIR)$(PREFIX)/bin/odesteer
	chmod 755 $(DESTDIR)$(PREFIX)/bin/odesteer
	for t in $(tools); do install -m 644 man/$$t.1 $(DESTDIR)$(man)/man1/odesteer-$$t.1; done
	install -m 644 man/odesteer-stream.5 $(DESTDIR)$(man)/man5/odesteer-stream.5
	install -m 644 man/odesteer.7 man/odesteer-tutorial.7 $(DESTDIR)$(man)/man7

uninstall:
	rm -f $(tools:%=$(DESTDIR)$(libexec)/%) $(DESTDIR)$(PREFIX)/bin/odesteer \
		$(DESTDIR)$(libexec)/libllama.so.* $(DESTDIR)$(libexec)/libggml*.so.* \
		$(tools:%=$(DESTDIR)$(man)/man1/odesteer-%.1) \
		$(DESTDIR)$(man)/man5/odesteer-stream.5 \
		$(DESTDIR)$(man)/man7/odesteer.7 $(DESTDIR)$(man)/man7/odesteer-tutorial.7
	[ ! -d $(DESTDIR)$(libexec) ] || rmdir --ignore-fail-on-non-empty $(DESTDIR)$(libexec)

help:
	@sed -n '/^#   /!{/./!q;}; s/^#   //p' Makefile

# The results in out/ are kept, because they can take hours to measure.
clean:
	rm -rf build bin

.PHONY: help uninstall all setup setup-tests demo tune lint bench bench-plots bench-budget \
	$(studies) $(benchmarks) frontier toxicity-model fuzz run-fuzz check run-check check-full \
	check-kernels run-kernels check-fault check-clang check-asan install clean
.DELETE_ON_ERROR:
