# Turns preferences into what --arg what names: pairs, prompts or counts. See
# ultrafeedback. Input: JSON Lines with prompt, chosen and rejected (jq -n -R).
include "draw" {search: "./"};

# hh-rlhf has no prompt, but dialogues. Those of several turns are left out.
def single_turn: if has("prompt") then . else
		[("chosen", "rejected") as $key | string($key) / "\n\nAssistant: "]
			as [$chosen, $rejected]
		| select([$chosen, $rejected | length] == [2, 2] and $chosen[0] == $rejected[0])
		| .prompt = ($chosen[0] | ltrimstr("\n\nHuman: "))
		| .chosen = $chosen[1] | .rejected = $rejected[1]
	end;
# The last message of the assistant, if there is a list of messages.
def response: if type == "array" then map(select(.role == "assistant"))[-1].content // ""
	else . end;
def preference: single_turn | .chosen |= response | .rejected |= response
	| select(string("chosen") != "" and string("rejected") != "")
	| select([.score_chosen, .score_rejected] == [null, null]
		or number("score_chosen") > number("score_rejected"))
	| (.split // "train" | tostring | sub("_prefs$"; "")) as $part
	| if $part | IN("train", "test", "eval") then .
		else error("'split' is not train or test: \($part)") end
	| {id: .n, test: ($part != "train"), prompt: string("prompt"), chosen, rejected};
def first_of_each: group_by(.prompt) | map(min_by(.id));

$sizes as [$fit, $validate, $test]
| [records(preference)] as $rows
| ($rows | map(select(.test))) as $apart
| INDEX($apart[]; .prompt) as $asked
| ($rows | map(select(.test | not)) | first_of_each) as $train
| ($train | map(select(.prompt | in($asked) | not)) | shuffle("train")) as $free
| if $apart == [] then $free[$fit + $validate:] else $apart | shuffle("test") end
| . as $rest
| ($fit + $validate - ($free | length)) as $short
| if $short > 0 or ($rest | length) < $test then
		"\($ARGS.named.file): too few rows for SIZES '\($fit) \($validate) \($test)':"
		+ " there are \($free | length) of different prompts"
		+ (if $apart == [] then "" else " and \($apart | length) to test" end) | fail
	else . end
| {fit: $free[:$fit], validate: $free[$fit:$fit + $validate], test: ($rest[:$test] | first_of_each)}
| if $what == "counts" then
		{rows: ($rows | length), train: ($train | length), test: ($apart | length),
			left_out: (($train | length) - ($free | length)), drawn: map_values(length),
			$seed}
	elif $what == "pairs" then
		.fit[] | (["-1", 1, .chosen], ["-2", 0, .rejected]) as [$k, $good, $text]
		| {id: "\(.id)\($k)", group: .id, label: $good, split: "fit", prompt,
			completion: ((if $template == "chat" then "" else "\n" end) + $text)}
	else
		("validate", "test") as $split | .[$split] | shuffle("order")[]
		| {id, group: .id, split: $split, prompt}
	end
