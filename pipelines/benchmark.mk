# benchmark.mk - what the benchmarks share; included by their own files, which
# `make truthfulqa', `make ultrafeedback', `make realtoxicity' and `make mood'
# run.
#
# Texts are collected, every method is fitted to them, steers the answers to
# other prompts, and is scored and reported. GNU make skips what is up to date
# and resumes, and its options work: -j, -k, and -n for a plan. Settings are
# variables of make's command line or of the environment:
#
#   DATA=dir      read the sets from dir instead of downloading them; see the
#                 scripts in datasets/, which have settings of their own
#   MODEL=file    the model, a GGUF file (default: the default model)
#   PRESET=name   its block, lengths and templates: pipelines/presets/NAME
#                 (default: smollm2-135m), or your own file, if the name has a
#                 slash
#   METHODS="..." the methods to run (default: all). A method is one of:
#                 none, and others without steering that the benchmark names
#                 paper or best (fitbarrier -p)
#                 a field of `fitbarrier -f help'
#                 a name that the preset defines: fit.NAME are options of its
#                 fit, flow.NAME options of its flow. A file that is named
#                 there by an absolute path counts as an input
#   T="..."       the length, as for score mc -T; several make a run for each
#                 (default: the preset's T.BENCHMARK.METHOD, T.METHOD or
#                 T.BENCHMARK, or `auto'). With `auto', or lengths in nats,
#                 barriers are calibrated on unsteered answers to prompts to
#                 validate (fitbarrier --calibrate); `auto' is 0.2nat, or less
#                 for a map that does not move a model so far. With other
#                 lengths, maps and gradient flows keep their own
#   BLOCK=n, TEMPLATE=raw|chat
#                 override the preset's block and template
#   LIMIT=n       the first n prompts or questions only, at least 4, for a quick
#                 try
#   FLUENCY=file  the model that computes perplexity (default: MODEL; the
#                 paper's is GPT2-XL)
#   GPU=n         layers of the models on a GPU
#   JOB="..."     the command that runs a command which loads a model, such as
#                 JOB='srun -c8 --gres=gpu:1'. Nodes must have this folder, OUT
#                 and the models under the same paths
#   SAMPLES=n     samples of each prompt (default: 1)
#   SHARD=n       how many prompts or questions a part has (default: 64). Texts
#                 of a part are decoded together, which may change some of them
#   OUT=dir       where results are kept (default: out/BENCHMARK/PRESET/MODEL,
#                 with -LIMIT and -xSAMPLES if they are given)
#
# A benchmark sets, before it includes this file:
#
#   name, folds   its name, and the numbers of its folds
#   variants      methods without steering
#   choosing      those of them with multiple choice, for which mc.METHOD are
#                 options of score mc; if there are none, the benchmark has no
#                 multiple choice
#   silent        those of them without answers
#   writing       options of generate for method $m, besides $(sampling)
#   asking        those that say what comes before a prompt
#   collecting    options of collect
#   chain         SCORE:FROM ...: a command cmd_SCORE that adds scores to the
#                 results of another, or of `answers'; needs_SCORE is what it
#                 reads besides them. $(kl), with $(needs_kl), is a filter that
#                 adds the divergence if the method is steered
#   columns       options of score report
#   second        the options and files of a second report; needs_second are the
#                 files
#   figure        the columns that are drawn, as for pipelines/figure
#   unfit         fields that cannot be fitted to its texts
#   models, extra models and sets of its own
#
# A preset may also set
#
#   against       what these columns are drawn against (default: Perplexity)
#
# It has the rules of its sets: for each fold K, $(OUT)/fit.K.jsonl, what to fit
# to, and the prompts, test.K.jsonl and validate.K.jsonl. With one fold, both
# are made from prompts.jsonl.
include pipelines/rules.mk

$(foreach v,extra models columns choosing silent second needs_second collecting unfit asking \
	against,$(if $(filter environment,$(origin $v)),$(eval $v :=)))
MODEL := $(or $(MODEL),$(ODESTEER_MODEL))
FLUENCY := $(or $(FLUENCY),$(MODEL))
PRESET := $(or $(PRESET),smollm2-135m)
preset := $(if $(findstring /,$(PRESET)),$(PRESET),pipelines/presets/$(PRESET))
ifeq ($(wildcard $(preset)),)
$(error there is no preset '$(PRESET)'. There are: $(notdir $(wildcard pipelines/presets/*)))
endif
include $(preset)
OUT := $(or $(OUT),out/$(name)/$(notdir $(PRESET))/$(basename $(notdir \
	$(MODEL)))$(LIMIT:%=-%)$(SAMPLES:%=-x%))
block := $(or $(BLOCK),$(block.$(name)),$(block))
template := $(or $(TEMPLATE),$(template.$(name)),$(template))
fit_template := $(or $(TEMPLATE),$(fit_template.$(name)),$(template))

# $(call check,VARIABLE,PATTERN,WHAT): refuses a value that does not match
check = $(if $($1),$(if $(shell printf '%s\n' '$($1)' | grep -Ex '$2'),,$(error $1 is $3: '$($1)')))
$(foreach v,OUT DATA MODEL FLUENCY,$(call check,$v,[A-Za-z0-9_./~+@-]*,a path of letters$(comma) \
	digits and . _ / ~ + @ -))
$(foreach v,SHARD SAMPLES,$(call check,$v,[1-9][0-9]*,a number from 1))
$(call check,LIMIT,[4-9]|[1-9][0-9]+,a number from 4)
$(call check,block,[0-9]+,a number)
$(call check,template,raw|chat,raw or chat)
$(call check,METHODS,[A-Za-z0-9_ -]*,a list of names)
$(call check,T,[a-z0-9+. -]*,a list of lengths)
$(foreach file,$(MODEL) $(FLUENCY) $(models),$(if $(wildcard $(file)),,$(error \
	there is no model '$(file)')))
# Only one make may work in a folder.
holder := $(shell mkdir -p $(OUT); cat $(OUT)/lock 2>/dev/null)
ifeq ($(planned),)
ifneq ($(shell [ "$(holder)" != $$PPID ] && grep -sx make /proc/$(holder)/comm),)
$(error another make, process $(holder), is at work in '$(OUT)')
endif
holder := $(shell echo $$PPID >$(OUT)/lock)
endif

field_names = $(shell '$(bin)/odesteer' fitbarrier -f help | awk '/$1/ { print $$1 }')
maps := $(call field_names,map.$$)
sequence_maps := $(call field_names,a sequence map)
gradient_flows := $(call field_names,a gradient flow)
fields := $(filter-out import $(unfit),$(call field_names))
# the method of the run $m, such as caa of caa@0_2nat
b = $(firstword $(subst @, ,$m))
is_sequence_map = $(filter $(sequence_maps),$(fit.$b))
has_own_length = $(filter $(maps) $(gradient_flows),$(fit.$b))
fit.paper = -p paper
fit.best = -p best
$(foreach f,$(fields),$(eval fit.$f ?= -f $f))
METHODS := $(or $(METHODS),$(variants) paper best $(filter-out polysketch,$(fields)))
steered := $(filter-out $(variants),$(METHODS))
$(foreach m,$(steered),$(if $(fit.$m),,$(error METHODS: there is no method '$m')))

# The names of files tell the run and the fold: RESULT.RUN.FOLD.PART.ods
part = $(subst ., ,$(notdir $@))
m = $(word 2,$(part))
k = $(word 3,$(part))
general := $(or $(T),$(T.$(name)),auto)
own_length = $(if $(T),,$(or $(T.$(name).$b),$(T.$b)))
lengths = $(or $(own_length),$(if $(has_own_length),$(filter auto %nat,$(general)),$(general)))
length = $(or $(subst _,.,$(word 2,$(subst @, ,$m))),$(lengths))
# what the report calls a run
label = $b$(if $(word 2,$(subst @, ,$m)), $(length))
runs := $(foreach m,$(METHODS),$(if $(and $(filter $m,$(steered)),$(word 2,$(lengths))),$(foreach \
	t,$(lengths),$m@$(subst .,_,$t)),$m))
barrier = $(if $(filter $b,$(steered)),$(OUT)/barrier.$b.$k.ods)
steer = $(if $(barrier),-b $(barrier) $(if $(length),-T $(length)) $(flow.$b))
# files that the flow's options name, such as one of --when FILE:0.5
steered_by = $(barrier) $(foreach w,$(filter /%,$(flow.$b)),$(wildcard $w $(firstword \
	$(subst :, ,$w))))
plain = $(if $(filter auto %nat,$(lengths)),$(OUT)/plain.$k.ods)

# settings of a script, if they are given: $(call with,NAMES)
with = $(foreach v,$1,$(if $($v),$v='$($v)'))
# files of a result, of one fold or of all: $(call parts,RESULT,SET,FOLDS)
parts = $(foreach k,$3,$(parts_$2.$k:%=$(OUT)/$1.$k.%.ods))
sets := $(foreach s,fit test $(if $(choosing),choices),$(folds:%=$s.%)) $(extra)
include $(sets:%=$(OUT)/%.parts)
# a lost part is made again with its set
_ := $(foreach s,$(sets),$(foreach p,$(parts_$s),$(if $(wildcard $(OUT)/$s.$p.jsonl),,$(shell \
	rm -f $(OUT)/$s.parts))))
results += $(foreach s,$(sets),$(OUT)/$s.jsonl $(OUT)/$s.parts)

scripts := $(wildcard datasets/*.sh datasets/*.jq datasets/forms/*.jq) datasets/truthfulqa \
	$(wildcard datasets/$(name))
# TruthfulQA's questions, of which all benchmarks have multiple choice
of_fold = $(if $(word 2,$(folds)),jq -c 'select(.fold == $1)',cat) $<
questions = $(call of_fold,$1) | jq -c --arg form $2 -f datasets/forms/$3.jq >$@
cmd_questions = $(call with,DATA QUESTIONS LIMIT SEED TRUTHFULQA_URL TRUTHFULQA_SUMS) \
	datasets/truthfulqa questions >$@
cmd_choices = $(call questions,$*,$(template),examples)
$(call list,$(if $(choosing),$(OUT)/questions.jsonl)): \
	$(QUESTIONS) $(TRUTHFULQA_SUMS) $(scripts) FORCE
	$(call run_set,questions)
$(folds:%=$(OUT)/choices.%.jsonl): $(OUT)/choices.%.jsonl: $(OUT)/questions.jsonl FORCE
	$(call run_set,choices)

# without folds, prompts.jsonl has prompts to test and to validate
cmd_split = jq -c 'select(.split == "$(firstword $(part))")' $< | sed -n '1,$(or $(LIMIT),$$)p' >$@
ifeq ($(words $(folds)),1)
$(OUT)/test.0.jsonl $(OUT)/validate.0.jsonl: $(OUT)/prompts.jsonl FORCE
	$(call run_set,split)
endif

# the paper's
sampling = --temperature 0.7 --top-k 50 --top-p 0.9 --repetition-penalty 1.1 --stop $$'\nQ:'
cmd_collect = odesteer collect $(gpu) -m $(MODEL) -t $(fit_template) -l $(block) $(collecting) \
	$(if $(filter mean,$(part)),--at mean) -o $@ $<
# sequence maps are fitted to means and prompts
fitted_to = $(if $(is_sequence_map),mean,act)
in_template = $(gpu) -m $(MODEL) -t $(template)
cmd_fit = odesteer fitbarrier $(fit.$m) $(if $(plain),--calibrate $(plain) $(in_template) \
	$(asking)) -o $@ $(call parts,$(fitted_to),fit,$k)
cmd_answers = odesteer generate $(in_template) $(asking) $(steer) $(sampling) $(writing) \
	$(SAMPLES:%=--samples %) -o $@ $<
cmd_mc = odesteer score mc $(in_template) $(steer) $(mc.$b) -o $@ $<
kl = $(if $(barrier),| odesteer score kl $(in_template) $(asking) $(steer))
needs_kl = $(if $(barrier),$(MODEL) $(steered_by))

# what barriers are calibrated on
cmd_plain = sed -n 1,32p $< | odesteer generate $(in_template) $(asking) $(sampling) $(writing) \
	--max-tokens 50 -o $@

define fold_rules
act.$k := $(call parts,act,fit,$k)
mean.$k := $(call parts,mean,fit,$k)
$(foreach a,act mean,
$(if $(filter $a,$(foreach m,$(steered),$(fitted_to))),$$(call list,$$($a.$k)),$$($a.$k)): \
	$(OUT)/$a.$k.%.ods: $(OUT)/fit.$k.%.jsonl $(MODEL) FORCE
	$$(call run_model,collect))
$$(call list,$(if $(foreach m,$(steered),$(plain)),$(OUT)/plain.$k.ods)): \
	$(OUT)/validate.$k.jsonl $(MODEL) FORCE
	$$(call run_model,plain)
endef
define fit_rules
$$(call list,$(OUT)/barrier.$m.$k.ods): $$($(fitted_to).$k) $(plain) $(if $(plain),$(MODEL)) \
	$(wildcard $(filter /%,$(fit.$m))) FORCE
	$$(call $(if $(plain),run_model,run),fit)

endef
define run_rules
$(if $(filter $m,$(chooses)),
$$(call list,$(call parts,mc.$m,choices,$k)): $(OUT)/mc.$m.$k.%.ods: \
	$(OUT)/choices.$k.%.jsonl $(steered_by) \
	$(wildcard $(filter /% datasets/%,$(mc.$b))) $(MODEL) FORCE
	$$(call run_model,mc))
$(if $(filter $m,$(writes)),
$$(call list,$(call parts,answers.$m,test,$k)): $(OUT)/answers.$m.$k.%.ods: \
	$(OUT)/test.$k.%.jsonl $(steered_by) $(MODEL) FORCE
	$$(call run_model,answers)
$(foreach pair,$(chain),$(score_rules)))
endef
score = $(word 1,$(subst :, ,$(pair)))
define score_rules

$$(call list,$(call parts,$(score).$m,test,$k)): $(OUT)/$(score).$m.$k.%.ods: \
	$(OUT)/$(word 2,$(subst :, ,$(pair))).$m.$k.%.ods $(needs_$(score)) FORCE
	$$(call run_model,$(score))
endef
chooses := $(if $(choosing),$(foreach m,$(runs),$(if $(filter $b,$(choosing) $(steered)),$m)))
writes := $(filter-out $(silent),$(runs))
$(foreach k,$(folds),$(eval $(fold_rules))$(foreach m,$(steered),$(eval $(fit_rules)))\
	$(foreach m,$(runs),$(eval $(run_rules))))

of_run = $(if $(filter $m,$(chooses)),$(call parts,mc.$m,choices,$(folds))) \
	$(if $(filter $m,$(writes)),$(call parts,$(last).$m,test,$(folds)))
last := $(word 1,$(subst :, ,$(lastword $(chain))))
format.txt = table
format.md = markdown
format.tex = latex
form = --format $(or $(format$(suffix $@)),$(patsubst .%,%,$(suffix $@)))
both.csv = sed '1!{/^run,/d}'
both.json = jq -s add
cmd_report = { odesteer score report $(form) $(columns) \
	$(if $(filter none,$(METHODS)),--baseline none --holm) \
	$(foreach m,$(runs),$(foreach f,$(of_run),'$(label)=$f')) \
	$(if $(second),&& $(if $(both$(suffix $@)),,echo &&) \
	odesteer score report $(form) $(second)); } | $(or $(both$(suffix $@)),cat) >$@
$(call list,$(addprefix $(OUT)/report.,txt csv json md tex)): \
	$(foreach m,$(runs),$(of_run)) $(needs_second) FORCE
	$(call run,report)
# versus.txt and versus.csv compare the others with caa, the default method,
# length by length of caa: its run, those of the same length, and those without
# a length of T
of_length = $(foreach m,$(runs),$(if $(or $(filter %@$(subst .,_,$t),$m),$(filter $b,$m)),$m))
reference = $(foreach m,$(of_length),$(if $(filter caa,$b),$m))
compared = $(reference) $(filter-out $(reference),$(of_length))
versus_one = odesteer score report $(form) $(columns) --holm \
	$(foreach m,$(reference),--baseline '$(label)') \
	$(foreach m,$(compared),$(foreach f,$(of_run),'$(label)=$f'))
caa_lengths = $(foreach m,$(filter caa@%,$(runs)),$(length))
cmd_versus = { $(foreach t,$(or $(caa_lengths),$(general)),$(if $(word 2,$(compared)), \
	$(versus_one) && $(if $(filter %.txt,$@),echo &&))) true; } | \
	$(or $(both$(suffix $@)),cat) >$@
versus := $(if $(filter caa,$(METHODS)),$(if $(filter-out caa,$(METHODS)),\
	$(addprefix $(OUT)/versus.,txt csv)))
$(call list,$(versus)): $(foreach m,$(runs),$(of_run)) FORCE
	$(call run,versus)
cmd_figure = COLUMN='$(figure)' AGAINST='$(or $(against),Perplexity)' \
	pipelines/figure frontier $< $@
drawn := $(if $(strip $(writes)),$(if $(shell command -v gnuplot),$(OUT)/$(name).svg))
$(call list,$(drawn)): $(OUT)/report.json pipelines/figure FORCE
	$(call run,figure)

.PHONY: $(name)
.DEFAULT_GOAL := $(name)
$(name): $(results)
	@rm -f $(filter-out $(results),$(addprefix $(OUT)/,$(name).svg versus.txt versus.csv))
	@$(if $(terminal),printf '\r\033[K' >&2;) cat $(OUT)/report.txt $(filter %.txt,$(versus))
	@echo 'results: $(OUT)/report.csv .json .md .tex$(versus:%.txt=,)$(drawn:%=, %)'
