# benchmark.mk - what the benchmarks share; included by their own files, which
# `make truthfulqa', `make ultrafeedback' and `make realtoxicity' run.
#
# Texts are collected, every method is fitted to them, steers the answers to
# other prompts, and is scored and reported. GNU make skips what is up to date
# and resumes, and its options work: -j, -k, and -n for a plan. Settings, of
# make's command line or the environment (paths without spaces):
#
#   DATA=dir      read the sets from dir instead of downloading them; see the
#                 scripts in datasets/, which have settings of their own
#   MODEL=file    the model, a GGUF file (default: the default model)
#   PRESET=name   its block, strengths and templates: pipelines/presets/NAME
#                 (default: smollm2-135m), or your own file, if the name has a
#                 slash
#   METHODS="..." the methods to run (default: all). A method is one of:
#                 none, and others without steering that the benchmark names
#                 paper or best (fitbarrier -p)
#                 a field of `fitbarrier -f help'
#                 a name that the preset defines: fit.NAME are options of its
#                 fit, flow.NAME options of its flow, with absolute paths
#   T=length      steer this far, as in generate -T, or `choose' (default: the
#                 preset's T.BENCHMARK.METHOD, T.METHOD or T.BENCHMARK).
#                 `choose' is, of the LENGTHS, the greatest at which the
#                 perplexity of the answers to prompts that are not tested stays
#                 within BUDGET (default: 1.25) times the unsteered one
#   BLOCK=n, TEMPLATE=raw|chat
#                 override the preset's block and template
#   LIMIT=n       the first n prompts or questions only, for a quick try
#   FLUENCY=file  the model that computes perplexity (default: MODEL; the
#                 paper's is GPT2-XL)
#   GPU=n         layers of the models on a GPU
#   JOB="..."     the command that runs a command which loads a model, such as
#                 JOB='srun -c8 --gres=gpu:1'
#   SAMPLES=n     samples of each prompt (default: 1)
#   SHARD=n       how many prompts or questions a part has (default: 64)
#   OUT=dir       where results are kept (default: out/BENCHMARK/PRESET/MODEL,
#                 with -LIMIT and -xSAMPLES if they are given)
#
# A benchmark sets, before it includes this file:
#
#   name, folds   its name, and the numbers of its folds
#   data          the sets, of each fold K: fit.K and test.K, and choices.K and
#                 validate.K; it has the rules of $(OUT)/SET.jsonl
#   variants      methods without steering; mc.METHOD are options of score mc,
#                 and choosing and silent the variants that have multiple choice
#                 and no answers
#   writing       options of generate, for method $m
#   collecting    options of collect
#   chain         SCORE:FROM ...: a command cmd_SCORE that adds scores to the
#                 results of another, or of `answers'; needs_SCORE is what it
#                 reads besides them
#   columns       options of score report, and figure, the column that is drawn
#                 against perplexity
include pipelines/rules.mk

MODEL ?= $(ODESTEER_MODEL)
FLUENCY ?= $(MODEL)
PRESET ?= smollm2-135m
BUDGET ?= 1.25
LENGTHS ?= 0.05r,0.1r,0.15r,0.2r,0.3r,0.4r
SHARES ?= 0.1,0.2,0.35,0.5,0.75,1
preset := $(if $(findstring /,$(PRESET)),$(PRESET),pipelines/presets/$(PRESET))
ifeq ($(wildcard $(preset)),)
$(error there is no preset '$(PRESET)'. There are: $(notdir $(wildcard pipelines/presets/*)))
endif
include $(preset)
OUT ?= out/$(name)/$(notdir $(PRESET))/$(basename $(notdir $(MODEL)))$(LIMIT:%=-%)$(SAMPLES:%=-x%)
_ := $(shell mkdir -p $(OUT))
block := $(or $(BLOCK),$(block.$(name)),$(block))
template := $(or $(TEMPLATE),$(template.$(name)),$(template))
fit_template := $(or $(TEMPLATE),$(fit_template.$(name)),$(template))
ifneq ($(filter-out raw chat,$(template)),)
$(error TEMPLATE is raw or chat: '$(template)')
endif
number = $(shell echo '$1' | grep -x '[1-9][0-9]*')
$(foreach v,LIMIT SHARD SAMPLES,$(if $($v),$(if $(call number,$($v)),,$(error \
	$v is a number from 1: '$($v)'))))
$(foreach file,$(MODEL) $(FLUENCY) $(models),$(if $(wildcard $(file)),,$(error \
	there is no model '$(file)')))

fields := $(shell $(bin)/odesteer fitbarrier -f help | awk '$$1 != "import" { print $$1 }')
maps = linact mimic
fit.paper = -p paper
fit.best = -p best
$(foreach f,$(fields),$(eval fit.$f ?= -f $f))
METHODS ?= $(variants) paper best $(filter-out polysketch,$(fields))
steered := $(filter-out $(variants),$(METHODS))
$(foreach m,$(steered),$(if $(fit.$m),,$(error METHODS: there is no method '$m')))

# The names of files tell the method and the fold: RESULT.METHOD.FOLD.PART.ods
part = $(subst ., ,$(notdir $@))
m = $(word 2,$(part))
k = $(word 3,$(part))
general := $(or $(T),$(T.$(name)))
length = $(or $(if $(T),,$(or $(T.$(name).$m),$(T.$m))),$(if $(filter $m,$(maps)),$(filter choose,\
	$(general)),$(general)),1)
chosen = $(if $(filter $m,$(steered)),$(filter choose,$(length)))
flow = $(if $(filter $m,$(steered)),-b $(OUT)/barrier.$m.$k.ods -T $1 $(flow.$m))
steer = $(call flow,$(if $(chosen),$$(cat $(OUT)/T.$m.$k),$(length)))
barrier = $(if $(filter $m,$(steered)),$(OUT)/barrier.$m.$k.ods)

# settings of a script, if they are given: $(call with,NAMES)
with = $(foreach v,$1,$(if $($v),$v='$($v)'))
# files of a result, of one fold or of all: $(call parts,RESULT,SET,FOLDS)
parts = $(foreach k,$3,$(parts_$2.$k:%=$(OUT)/$1.$k.%.ods))
sets := $(foreach s,fit test validate choices,$(folds:%=$s.%)) $(extra)
include $(sets:%=$(OUT)/%.parts)
results += $(foreach s,$(sets),$(OUT)/$s.jsonl $(OUT)/$s.parts)

scripts := $(wildcard datasets/*.sh datasets/*.jq datasets/forms/*.jq)
# TruthfulQA's questions, of which all benchmarks have multiple choice
of_fold = $(if $(word 2,$(folds)),jq -c 'select(.fold == $1)',cat) $<
questions = $(call of_fold,$1) | jq -c --arg form $2 -f datasets/forms/$3.jq >$@
cmd_questions = $(call with,DATA QUESTIONS LIMIT SEED TRUTHFULQA_URL TRUTHFULQA_SUMS) \
	datasets/truthfulqa questions >$@
cmd_choices = $(call questions,$*,$(template),examples)
$(call list,$(OUT)/questions.jsonl): $(QUESTIONS) $(TRUTHFULQA_SUMS) $(scripts) FORCE
	$(call run_set,questions)
$(folds:%=$(OUT)/choices.%.jsonl): $(OUT)/choices.%.jsonl: $(OUT)/questions.jsonl FORCE
	$(call run_set,choices)

# without folds, prompts.jsonl has prompts to test and to validate
cmd_split = jq -c 'select(.split == "$(firstword $(part))")' $< | sed -n '1,$(or $(LIMIT),$$)p' >$@
ifeq ($(words $(folds)),1)
$(OUT)/test.0.jsonl $(OUT)/validate.0.jsonl: $(OUT)/prompts.jsonl FORCE
	$(call run_set,split)
endif

cmd_collect = odesteer collect $(gpu) -m $(MODEL) -t $(fit_template) -l $(block) $(collecting) \
	-o $@ $<
cmd_fit = odesteer fitbarrier $(fit.$m) -o $@ $(call parts,act,fit,$k)
cmd_answers = odesteer generate $(gpu) -m $(MODEL) -t $(template) $(steer) $(writing) \
	$(SAMPLES:%=--samples %) -o $@ $<
cmd_mc = odesteer score mc $(gpu) -m $(MODEL) -t $(template) $(steer) $(mc.$m) -o $@ $<

# Strength: each method answers the prompts to validate with each length.
candidates = $(call flow,$(if $(filter $m,$(maps)),$(SHARES),$(LENGTHS)))
cmd_validate = odesteer generate $(gpu) -m $(MODEL) -t $(template) $(candidates) \
	$(writing) --max-tokens 50 $< | \
	odesteer score perplexity $(gpu) -m $(FLUENCY) -t $(template) -o $@
cmd_T = odesteer score report --format json $(foreach f,$(call parts,validated.none,validate,$k),\
	none=$f) $(foreach f,$(call parts,validated.$m,validate,$k),$m=$f) | \
	jq -r --argjson budget $(BUDGET) 'map(select(.metric == "Perplexity, all")) \
	| INDEX(.run) as $$at | [.[] | select(.run != "none")] \
	| (map(select(.value <= $$budget * $$at.none.value)) | last) // .[0] \
	| .run | sub(".* T="; "")' >$@

define fold_rules
act.$k := $(call parts,act,fit,$k)
$$(call list,$$(act.$k)): $(OUT)/act.$k.%.ods: $(OUT)/fit.$k.%.jsonl $(MODEL) FORCE
	$$(call run_model,collect)
endef
define method_rules
$(if $(filter $m,$(steered)),
$$(call list,$(OUT)/barrier.$m.$k.ods): $$(act.$k) $(filter /%,$(fit.$m)) FORCE
	$$(call run,fit))
$(if $(filter $m,$(chooses)),
$$(call list,$(call parts,mc.$m,choices,$k)): $(OUT)/mc.$m.$k.%.ods: \
	$(OUT)/choices.$k.%.jsonl $(barrier) $(if $(chosen),$(OUT)/T.$m.$k) $(MODEL) FORCE
	$$(call run_model,mc))
$(if $(filter $m,$(writes)),
$$(call list,$(call parts,answers.$m,test,$k)): $(OUT)/answers.$m.$k.%.ods: \
	$(OUT)/test.$k.%.jsonl $(barrier) $(if $(chosen),$(OUT)/T.$m.$k) $(MODEL) FORCE
	$$(call run_model,answers)
$(foreach pair,$(chain),$(score_rules)))
endef
score = $(word 1,$(subst :, ,$(pair)))
define score_rules

$$(call list,$(call parts,$(score).$m,test,$k)): $(OUT)/$(score).$m.$k.%.ods: \
	$(OUT)/$(word 2,$(subst :, ,$(pair))).$m.$k.%.ods $(needs_$(score)) FORCE
	$$(call run_model,$(score))
endef
define choose_rules
$$(call list,$(call parts,validated.$m,validate,$k)): $(OUT)/validated.$m.$k.%.ods: \
	$(OUT)/validate.$k.%.jsonl $(barrier) $(MODEL) $(FLUENCY) FORCE
	$$(call run_model,validate)
$(if $(filter $m,$(steered)),
$$(call list,$(OUT)/T.$m.$k): $(call parts,validated.none,validate,$k) \
	$(call parts,validated.$m,validate,$k) FORCE
	$$(call run,T))
endef
chooses := $(filter $(choosing) $(steered),$(METHODS))
writes := $(filter-out $(silent),$(METHODS))
m_chosen := $(foreach m,$(steered),$(if $(chosen),$m))
$(foreach k,$(folds),$(eval $(fold_rules))\
	$(foreach m,$(METHODS),$(eval $(method_rules)))\
	$(foreach m,$(if $(m_chosen),none) $(m_chosen),$(eval $(choose_rules))))

lengths := $(foreach k,$(folds),$(m_chosen:%=$(OUT)/T.%.$k))
cmd_lengths = for f in $(lengths); do m=$${f\#\#*/T.}; \
	printf 'length of %-12s %s\n' $${m%.*} $$(cat $$f); done >$@
$(call list,$(if $(lengths),$(OUT)/lengths.txt)): $(lengths) FORCE
	$(call run,lengths)

of_method = $(if $(filter $m,$(chooses)),$(call parts,mc.$m,choices,$(folds))) \
	$(if $(filter $m,$(writes)),$(call parts,$(last).$m,test,$(folds)))
last := $(word 1,$(subst :, ,$(lastword $(chain))))
format.txt = table
format.md = markdown
format.tex = latex
cmd_report = odesteer score report $(if $(filter none,$(METHODS)),--baseline none) $(columns) \
	--format $(or $(format$(suffix $@)),$(patsubst .%,%,$(suffix $@))) \
	$(foreach m,$(METHODS),$(addprefix $m=,$(of_method))) >$@
$(call list,$(addprefix $(OUT)/report.,txt csv json md tex)): \
	$(foreach m,$(METHODS),$(of_method)) FORCE
	$(call run,report)
cmd_figure = COLUMN='$(figure)' pipelines/figure frontier $< $@
drawn := $(if $(writes),$(if $(shell command -v gnuplot),$(OUT)/$(name).svg))
$(call list,$(drawn)): $(OUT)/report.csv pipelines/figure FORCE
	$(call run,figure)

.PHONY: $(name)
.DEFAULT_GOAL := $(name)
$(name): $(results) $(notes)
	@$(if $(terminal),printf '\r\033[K' >&2;) cat $(OUT)/report.txt $(filter %.txt,$(notes)) \
		$(if $(lengths),$(OUT)/lengths.txt)
	@echo 'results: $(OUT)/report.csv .json .md .tex$(drawn:%=, %)'
