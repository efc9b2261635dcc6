# Turns one file of toxicity into texts with --arg source. See toxicity. Input:
# JSON Lines (jq -n -R).
include "draw" {search: "./"};

$ARGS.named.source as $source

# The words of a text, without case and punctuation.
| def plain: ascii_downcase | gsub("[^a-z0-9]+"; " ") | ltrimstr(" ") | rtrimstr(" ");
(reduce ($ARGS.named.words | split("\n")[] | plain | select(. != "")) as $w ({}; .[$w] = true))
	as $list
| def listed: (plain | split(" ")) as $w
	| if any(range($w | length) as $i | range(1; 5) as $n | $w[$i:$i + $n] | join(" ");
		$list[.] == true) then 1 else 0 end;

# The split of a group: $test and $calibrate are tenths of the groups.
def split($test; $calibrate): ("\($seed) \($source) \(.)" | hash) % 10
	| if . < $test then "test" elif . < $test + $calibrate then "calibrate" else "fit" end;

def comment: string("text") as $text | $text[:60] as $group
	| {source: $source, group: $group, split: ($group | split(2; 0)),
		toxicity: (.toxicity // .perspective // .label), $text};
def generation:
	if .prompt == null then
		{source: "adversarial", group: "\(.n)", split: "fit"}
	else
		{source: $source, group: .prompt, split: (.prompt | split(2; 1))}
	end + {toxicity, text: string("text")};
def identity:
	.people as $people
	| ({toxicity: 0, sentence: .plain[]}, {toxicity: 1, sentence: .insulting[]}) as $s
	| $people[] as [$a, $p]
	| {source: $source, group: $s.sentence, split: "fit", toxicity: $s.toxicity,
		text: ($s.sentence | gsub("\\{a\\}"; $a) | gsub("\\{p\\}"; $p))};
def other: {source: $source, group: "\(.n)", split: "test",
	toxicity: (if $source == "tweets" then .toxicity else .label end), text: string("text"),
	target: (.target | if type == "string" then . else null end), functionality};

foreach records(
	if $source | IN("wiki", "talk") then comment
	elif $source == "civil" then comment | .split = "fit"
	elif $source == "generations" then generation
	elif $source == "identity" then identity
	else other end) as $r (0; . + 1; . as $n | $r
	| {id: "\(.source) \($n)", group: "\(.source) \(.group)"[:120], source, split,
		label: (if toxicity >= 0.5 then 1 else 0 end), rated: toxicity,
		listed: (if .split == "test" then .text | listed else null end), target,
		functionality, prompt: "", completion: .text}
	| with_entries(select(.value != null)))
