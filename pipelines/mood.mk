# mood.mk - ordinary prompts are answered, gloomily or cheerfully. See
# benchmark.mk.
#
# Fields are fitted to datasets/mood.jsonl, questions with a cheerful (label 1)
# and a gloomy (label 0) answer each. The judge is a barrier at a later block of
# the default model, fitted to other texts; see pipelines/demo. Methods without
# steering are none, and prompt, which asks for cheerful answers first.
name = mood
folds = 0
variants = none prompt
prompt = Answer in a cheerful mood.
asking = $(if $(filter prompt,$m),--system '$(prompt)')
writing = --max-tokens 50
template.mood = chat
fit_template.mood = chat

judge_block = 24
chain = cheerful:answers
needs_cheerful = $(OUT)/judge.ods $(ODESTEER_MODEL) $(FLUENCY) $(needs_kl)
cmd_cheerful = odesteer score judge $(gpu) -m $(ODESTEER_MODEL) -b $(OUT)/judge.ods --text '{a}' \
	--as cheerful $< | odesteer score perplexity $(gpu) -t $(template) -m $(FLUENCY) | \
	odesteer score distinct $(kl) -o $@
columns = --column 'cheerful_p:p of cheerful'
figure = p of cheerful
include pipelines/benchmark.mk

cmd_fit_to = cat $< >$@
cmd_prompts = jq -c '.split |= {tune: "validate", test: "test"}[.]' $< >$@
cmd_judge = jq -c '.prompt = ""' $< | odesteer collect $(gpu) -m $(ODESTEER_MODEL) \
	-l $(judge_block) | odesteer fitbarrier -p best -o $@
$(OUT)/fit.0.jsonl: datasets/mood.jsonl FORCE
	$(call run_set,fit_to)
$(OUT)/prompts.jsonl: datasets/mood-prompts.jsonl FORCE
	$(call run_set,prompts)
$(call list,$(OUT)/judge.ods): datasets/mood-judge.jsonl $(ODESTEER_MODEL) FORCE
	$(call run_model,judge)
