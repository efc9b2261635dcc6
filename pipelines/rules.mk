# rules.mk - how pipelines make their results with GNU make; included, never run
# alone.
#
# A result depends on its command as well as on its inputs. Its rule is
#
#   $(OUT)/RESULT: INPUT... FORCE
#   	$(call run,NAME)
#
# where the variable cmd_NAME has the command, in bash, that writes $@. It runs
# if the result is missing, if an input is newer, or if the command or the tools
# have changed. RESULT.cmd holds the command that made it. In the root of the
# source tree, with its bin/ in PATH, `bash RESULT.cmd' repeats it. A command
# that loads a model has
#
#   	$(call run_model,NAME)
#
# which puts $(JOB) in front of it, such as JOB='srun -c8 --gres=gpu:1', and one
# that makes a set, see below, has $(call run_set,NAME).
#
# A set, $(OUT)/SET.jsonl, is divided into parts of SHARD groups each,
# $(OUT)/SET.NNNN.jsonl. The makefile $(OUT)/SET.parts, which is to be included,
# sets parts_SET to their numbers. A part that is as before keeps its time. A
# set without records is an error unless it is in $(may_be_empty).
#
# $(call list,RESULTS) adds to the results that are counted by the line of
# progress, which a terminal gets.
SHELL := bash
.SHELLFLAGS := -o pipefail -c
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules --no-print-directory
FORCE:
.PHONY: FORCE
results :=
seen :=
made :=
todo :=
may_be_empty =

# the tools of this clone, or, in a test, another build of it
bin := $(patsubst %/odesteer,%,$(or $(filter $(CURDIR)/%,$(shell command -v odesteer)),\
	$(CURDIR)/bin/odesteer))
export PATH := $(bin):$(PATH)
export LC_ALL := C
cache := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/odesteer
export ODESTEER_MODEL := $(or $(ODESTEER_MODEL),$(cache)/models/SmolLM2-135M-Instruct-Q8_0.gguf)
SHARD := $(or $(SHARD),64)
gpu = $(GPU:%=-g %)
tools := $(shell cat '$(bin)'/* | sha256sum | cut -c 1-16)
planned := $(findstring n,$(filter-out -%,$(firstword $(MAKEFLAGS))))
terminal := $(if $(planned),,$(shell [ -t 2 ] && echo yes))
began := $(shell date +%s)

list = $(eval results += $1)$1

differ = $(subst x$(strip $1)x,,x$(strip $2)x)
text = set -euo pipefail \# odesteer $(tools)$(newline)$(cmd_$1)
# With -n, $? has what FORCE would make again as well, and make runs only the
# rules of makefiles and of what they are made from.
newer = $(strip $(if $(planned),$(filter $(todo),$^) $(shell \
	find -L $(filter-out FORCE,$^) -newer $@ 2>&1),$(filter-out FORCE,$?)))
stale = $(or $(newer),$(if $(wildcard $@),,missing),$(call differ,$(file <$@.cmd),$(call text,$1)))
run = $(if $(planned),$(if $(call stale,$1),$(eval todo += $@)$(cmd_$1)),$(call run_set,$1,$2))
run_model = $(call run,$1,$(JOB))
run_set = $(eval seen += x)$(if $(call stale,$1),$(eval made += x)$(call recipe,$1,$2))
comma := ,
define newline


endef
# A result has no .cmd until its command has succeeded. With -j, make may wait
# after it has expanded a recipe, and be interrupted.
define recipe
$(file >$@.cmd.new,$(call text,$1))@rm -f $@ $@.cmd; $(if $(terminal),$(progress))
@$2 bash $@.cmd.new </dev/null 2>&1 | $(if $(terminal),sed '1s/^/\n/',cat) >&2 && \
	mv $@.cmd.new $@.cmd
endef
# done, all and run by now; the part that runs is not done
progress = awk -v name=$(name) -v did=$(words $(seen)) -v all=$(words $(results)) \
	-v ran=$(words $(made)) -v t=$$(($$(date +%s) - $(began))) ' \
	function time(s) { return sprintf("%d:%02d:%02d", s / 3600, s / 60 % 60, s % 60) } \
	BEGIN { printf "\r\033[K%s: %d of %d parts, %s", name, did - 1, all, time(t); \
	if (ran > 1) printf ", %s left", time(t / (ran - 1) * (all - did + 1)) }' >&2

cmd_parts = $(if $(filter $*,$(may_be_empty)),,[ -s $< ] || \
	{ echo "$(name): '$<' has no records" >&2; exit 1; };) \
	jq -n -r --argjson n $(SHARD) 'foreach inputs as $$r ({n: -1}; \
	if .g == $$r.group and .g != null then . else {n: (.n + 1), g: $$r.group} end; \
	"\(.n / $$n | floor)\t\($$r | tojson)")' $< | awk -F '\t' ' \
	{ f = sprintf("$(OUT)/$*.%04d.jsonl.new", $$1); print $$2 >f } \
	f != last { close(last); parts = parts sprintf(" %04d", $$1); last = f } \
	END { print "parts_$* =" parts }' >$@; shopt -s nullglob; \
	for f in $(OUT)/$*.*.jsonl.new; do \
	cmp -s $$f $${f%.new} || mv $$f $${f%.new}; rm -f $$f; done
$(OUT)/%.parts: $(OUT)/%.jsonl FORCE
	$(call run_set,parts)
