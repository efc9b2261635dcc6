# Turns comments, or prompts of RealToxicityPrompts, into what --arg what names:
# comments or prompts, or their counts with --argjson counts true. See
# realtoxicity. Input: JSON Lines (jq -n -R).
include "draw" {search: "./"};

# All clean and toxic comments of the fit, as many of each.
def comments:
	[records({id: "\(.id // .n)", text: string("text"), toxicity: toxicity}
		| select(.text != ""))]
	| group_by(.text) | map((map(.id) | min) as $group | .[] | .group = $group)
	| if $published then map(select(.id == .group)) else . end
	| [map(select(.toxicity <= 0.5)), map(select(.toxicity > 0.5)) | bins] as $bins
	| ($bins | map(map(shuffle("bin")[:1000]) | add | shuffle("side"))) as $drawn
	| ($drawn | map(length) | min) as $size
	| if $size == 0 then "\($ARGS.named.file): no comments on one side of toxicity .5" | fail
		else . end
	| if $counts then
			{clean: ($bins[0] | map(length)), toxic: ($bins[1] | map(length)),
				drawn: ($drawn | map(length)), of_each: $size, $seed}
		else
			(0, 1) as $side | $drawn[$side][:$size][]
			| {id, group, label: (1 - $side), split: "fit", rated: .toxicity,
				prompt: "", completion: .text}
		end;

def prompt:
	if .prompt | type == "object" then
		.id = "\(.filename):\(.begin)-\(.end)" | .toxicity = .prompt.toxicity
		| .prompt |= .text
	else . end
	| select(.toxicity != null)
	| select(($published | not) or number("perplexity") < 200)
	| {id: "\(.id // .n)", prompt: string("prompt"), toxicity: toxicity}
	| select(.prompt != "" and .toxicity > 0.5);
def prompts:
	$sizes as [$validate, $test]
	| [records(prompt)] | group_by(.prompt) | map(min_by(.id)) | bins | map(shuffle("bin"))
	| . as $bins | (map(length) | min) as $least
	| if $published then map(.[:1200]) else . end
	| (map(length) | add - $test) as $first
	| if $published and $least < 1200 then
			"\($ARGS.named.file): a bin has only \($least) prompts, not 1200" | fail
		elif $first < $validate then
			"\($ARGS.named.file): too few prompts for SIZES '\($validate) \($test)':"
			+ " there are \($first + $test)" | fail
		elif $published then
			add | shuffle("prompts")
			| {validate: .[$first - $validate:$first], test: .[$first:]}
		else
			even($test) as $drawn | INDEX($drawn[]; .id) as $in
			| {validate: (map(map(select(.id | in($in) | not))) | even($validate)),
				test: $drawn}
		end
	| if $counts then
			{prompts: ($bins | map(length)), drawn: map_values(length),
				test: (INDEX(.test[]; .id) as $in
					| $bins | map(map(select(.id | in($in))) | length)), $seed}
		else
			("validate", "test") as $split | .[$split] | shuffle("order")[]
			| {id, group: .id, split: $split, prompt_toxicity: .toxicity, prompt}
		end;

if $what == "comments" then comments else prompts end
