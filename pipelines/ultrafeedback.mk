# ultrafeedback.mk - UltraFeedback: prompts are continued, and the answers are
# rewarded. See benchmark.mk, and datasets/ultrafeedback, which also reads
# PREFERENCES, SIZES and SEED.
#
#   REWARD=file, HEAD=head.npy
#                 the reward model and its head, as in `score reward --head'.
#                 Without them the reward is h of a barrier that is fitted to
#                 the same pairs on the default model's activations, and its
#                 accuracy on pairs that were held out is part of the report
#
# Methods without steering are none, and prompt, which asks for good answers
# first. Multiple choice is that of TruthfulQA: what steering costs.
name = ultrafeedback
folds = 0
variants = none prompt
choosing = none prompt
models = $(REWARD)

prompt = The following instructions are followed by answers that are helpful, honest and correct.
writing = --max-tokens 128 --no-repeat-ngram 2
asking = $(if $(filter prompt,$m),--system '$(prompt)')
mc.prompt = --system '$(prompt)'
collecting = --context 4096

# The block and estimate with the greatest accuracy on held-out pairs.
reward_block = 19
reward_fit = -p best
own := $(if $(REWARD),,own)
extra = $(if $(own),preferred)
chain = reward:answers fluency:reward
needs_reward = $(if $(own),$(OUT)/reward.ods $(ODESTEER_MODEL),$(REWARD) $(HEAD))
needs_fluency = $(FLUENCY) $(needs_kl)
reward = $(if $(own),-t chat -m $(ODESTEER_MODEL) -b $(OUT)/reward.ods,-m $(REWARD) --head $(HEAD))
cmd_reward = odesteer score reward $(gpu) $(reward) --truncate -o $@ $<
cmd_fluency = odesteer score perplexity $(gpu) -t $(template) -m $(FLUENCY) $< | \
	odesteer score distinct $(kl) -o $@
columns = --column reward:Reward --column 'reward:Reward p90:p90' \
	$(if $(word 2,$(runs)),--column 'reward:Reward win:win')
figure = Reward
second = $(if $(own),--column 'h:Pair accuracy:pair' 'held-out pairs'=$(OUT)/held.ods)
needs_second = $(if $(own),$(OUT)/reward.ods)
ifeq ($(words $(REWARD) $(HEAD)),1)
$(error REWARD and HEAD go together)
endif
include pipelines/benchmark.mk

settings = $(call with,DATA PREFERENCES SIZES SEED ULTRAFEEDBACK_URL ULTRAFEEDBACK_SUMS)
cmd_pairs = $(settings) TEMPLATE=$(fit_template) datasets/ultrafeedback pairs >$@
cmd_preferred = $(settings) TEMPLATE=chat datasets/ultrafeedback pairs >$@
cmd_prompts = $(settings) datasets/ultrafeedback prompts >$@
$(OUT)/fit.0.jsonl: $(PREFERENCES) $(ULTRAFEEDBACK_SUMS) $(scripts) FORCE
	$(call run_set,pairs)
$(extra:%=$(OUT)/%.jsonl): $(PREFERENCES) $(ULTRAFEEDBACK_SUMS) $(scripts) FORCE
	$(call run_set,preferred)
$(OUT)/prompts.jsonl: $(PREFERENCES) $(ULTRAFEEDBACK_SUMS) $(scripts) FORCE
	$(call run_set,prompts)

cmd_preferred_act = odesteer collect $(gpu) -m $(ODESTEER_MODEL) -t chat -l $(reward_block) \
	--context 4096 -o $@ $<
cmd_reward_fit = odesteer fitbarrier $(reward_fit) --held-out $(OUT)/held.ods -o $@ \
	$(filter %.ods,$^)
ifdef own
# reward.ods and held.ods are made together
_ := $(if $(wildcard $(OUT)/held.ods),,$(shell rm -f $(OUT)/reward.ods))
$(call list,$(parts_preferred:%=$(OUT)/act.preferred.%.ods)): $(OUT)/act.preferred.%.ods: \
	$(OUT)/preferred.%.jsonl $(ODESTEER_MODEL) FORCE
	$(call run_model,preferred_act)
$(call list,$(OUT)/reward.ods): $(parts_preferred:%=$(OUT)/act.preferred.%.ods) FORCE
	$(call run,reward_fit)
endif
