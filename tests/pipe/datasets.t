#!/bin/sh
# datasets/ultrafeedback and datasets/realtoxicity on small files written here and, with DATA, on the
# sets themselves: what is left out, what is drawn, and that the same seed draws the same.
. tests/tap.sh

if ! command -v curl >/dev/null || ! command -v mlr >/dev/null; then
	skip_all 'curl and mlr are needed'
fi
data=${DATA-}
unset DATA PREFERENCES JIGSAW RTP SIZES SEED TEMPLATE
unset ULTRAFEEDBACK_URL ULTRAFEEDBACK_SUMS REALTOXICITY_URL REALTOXICITY_SUMS
export XDG_CACHE_HOME="$tmp/cache"
of() { # FILTER: of the records in $out, as one array
	printf '%s\n' "$out" | jq -s -c "$1"
}

# 30 rows to fit to and 12 to test. Of the former, 20 is a repeated prompt, 21 has equal scores, 22 an
# empty response, and 23 is a prompt to test as well; of the latter, 42 repeats 41.
jq -n -c 'range(1; 43) | {prompt: "Why \(if . == 20 then 19 elif . == 23 then 33 elif . == 42 then 41 else . end)?",
	chosen: "Since \(.).", rejected: (if . == 22 then "" else "No \(.)." end), score_chosen: 8,
	score_rejected: (if . == 21 then 8 else 2.385 end), split: (if . > 30 then "test" else "train" end)}' \
	>"$tmp/p.jsonl"
export PREFERENCES="$tmp/p.jsonl" SIZES='20 6 12'
run datasets/ultrafeedback counts
is "$status $err $out" \
	'0  {"rows":40,"train":27,"test":12,"left_out":1,"drawn":{"fit":20,"validate":6,"test":11},"seed":1}' \
	'what is kept of the preferences'
run datasets/ultrafeedback prompts
printf '%s\n' "$out" >"$tmp/prompts"
is "$status $err $(of 'group_by(.split) | map([.[0].split, length])')" '0  [["test",11],["validate",6]]' 'the prompts'
run datasets/ultrafeedback pairs
printf '%s\n' "$out" >"$tmp/pairs"
is "$status $err $(of '[length, (map(.group) | unique | length), (map(.label) | add), (map(.split) | unique)]')" \
	'0  [40,20,20,["fit"]]' 'the pairs'
is "$(of 'map(.id == "\(.group)-\(2 - .label)" and .prompt == "Why \(.group)?"
	and .completion == if .label == 1 then "\nSince \(.group)." else "\nNo \(.group)." end) | all')" true \
	'each has the prompt, a newline and the response'
is "$(of '[.[] | select(.group | IN(20, 21, 22, 23))]')" '[]' 'those left out are not among them'
is "$(jq -r .prompt "$tmp/prompts" | sort | uniq -d | wc -l) $(jq -r .prompt "$tmp/pairs" | sort -u >"$tmp/fit"
	jq -r .prompt "$tmp/prompts" | sort | comm -12 - "$tmp/fit" | wc -l)" '0 0' 'no prompt is drawn twice'
is "$(datasets/ultrafeedback pairs | cksum)" "$(cksum <"$tmp/pairs")" 'the same seed draws the same'
is "$(cksum <"$tmp/pairs") $(cksum <"$tmp/prompts")" "2158513975 3684 3882379055 953" 'and so it does on every machine'
run env SEED=2 datasets/ultrafeedback pairs
ok 'another seed draws others' test "$(of 'map(.group) | unique')" != "$(jq -s -c 'map(.group) | unique' "$tmp/pairs")"
run env TEMPLATE=chat datasets/ultrafeedback pairs
is "$(of 'map(.completion[:1]) | unique')" '["N","S"]' 'for a chat template there is no newline'

# Other forms: lists of messages, as in the whole set, and the dialogues of hh-rlhf.
jq -c '.prompt as $p | (.chosen, .rejected) |= [{role: "user", content: $p}, {role: "assistant", content: .}]' \
	"$tmp/p.jsonl" | gzip >"$tmp/messages.jsonl.gz"
run env PREFERENCES="$tmp/messages.jsonl.gz" datasets/ultrafeedback pairs
is "$status $(printf '%s\n' "$out" | cksum)" "0 $(cksum <"$tmp/pairs")" 'lists of messages give the same'
jq -c '.prompt as $p | {chosen, rejected} | map_values("\n\nHuman: \($p)\n\nAssistant: \(.)")
	| ., (.chosen += "\n\nHuman: Why?\n\nAssistant: So.")' "$tmp/p.jsonl" >"$tmp/hh.jsonl"
run env PREFERENCES="$tmp/hh.jsonl" datasets/ultrafeedback counts
is "$status $out" \
	'0 {"rows":41,"train":38,"test":0,"left_out":0,"drawn":{"fit":20,"validate":6,"test":12},"seed":1}' \
	'dialogues of one turn, the test drawn from the same rows'
run env PREFERENCES="$tmp/hh.jsonl" datasets/ultrafeedback pairs
is "$(of 'map(.prompt, .completion | test("Human|Assistant")) | any')" false 'without the names of the speakers'

fails 2 'usage: ultrafeedback pairs | prompts | counts' datasets/ultrafeedback
fails 2 'usage: ultrafeedback pairs | prompts | counts' datasets/ultrafeedback pairs prompts
fails 1 "ultrafeedback: SIZES: not 3 whole numbers: '1 2'" env SIZES='1 2' datasets/ultrafeedback pairs
fails 1 "ultrafeedback: SEED: not 1 whole number: '-1'" env SEED=-1 datasets/ultrafeedback pairs
fails 1 "ultrafeedback: TEMPLATE is raw or chat: 'bare'" env TEMPLATE=bare datasets/ultrafeedback pairs
fails 1 "ultrafeedback: cannot read '/nowhere'" env PREFERENCES=/nowhere datasets/ultrafeedback pairs
few="too few rows for SIZES '21 6 12': there are 26 of different prompts and 12 to test"
fails 1 "ultrafeedback: $tmp/p.jsonl: $few" env SIZES='21 6 12' datasets/ultrafeedback pairs
bad() { # CAUSE LINE: the line after the good ones is refused
	cat "$tmp/p.jsonl" - <<-EOF >"$tmp/bad.jsonl"
	$2
	EOF
	fails 1 "ultrafeedback: $tmp/bad.jsonl: record 43: $1" \
		env PREFERENCES="$tmp/bad.jsonl" datasets/ultrafeedback pairs
	is "$out" '' 'and nothing is printed'
}
bad 'not an object' '[]'
bad "'prompt' is not a text" '{"prompt":7,"chosen":"a","rejected":"b"}'
bad "'rejected' is not a text" '{"prompt":"Why?","chosen":"a"}'
bad "'score_rejected' is not a number" '{"prompt":"Why?","chosen":"a","rejected":"b","score_chosen":1}'
bad "'split' is not train or test: dev" '{"prompt":"Why?","chosen":"a","rejected":"b","split":"dev"}'
echo '{"prompt":"Wh' >"$tmp/cut.jsonl"
run env PREFERENCES="$tmp/cut.jsonl" datasets/ultrafeedback pairs
is "$status $(printf '%s\n' "$err" | grep -c "^ultrafeedback: $tmp/cut.jsonl: record 1: ") $out" '1 1 ' \
	'a record that is cut'

# 6,100 prompts with a perplexity, and comments of which some are repeated.
jq -n -c 'range(6600) | {id: "r\(.)", prompt: "It is \(.)", toxicity: (.5 + (. % 500 + 1) / 1000),
	perplexity: (if . < 6100 then 20.5 else 200 end)}' >"$tmp/rtp.jsonl"
{
	echo id,comment_text,toxicity
	jq -n -r 'range(3000) | [., (if . < 10 then "a, \"b\"" else "text \(.)" end), . % 11 / 10] | @csv'
} >"$tmp/all.csv"
export RTP="$tmp/rtp.jsonl" JIGSAW="$tmp/all.csv"
unset SIZES
run datasets/realtoxicity counts
is "$status $err $out" '0  {"clean":[273,272,272,272,544],"toxic":[272,272,271,271,272],'$(
	)'"drawn":[1633,1358],"of_each":1358,"seed":1}
{"prompts":[1300,1200,1200,1200,1200],"drawn":{"validate":500,"test":500},"test":[100,100,90,96,114],"seed":1}' \
	'bins of the comments and prompts'
run datasets/realtoxicity comments
is "$status $err $(of '[length, (map(.label) | add), (map(.completion) | unique | length),
	(map(select(.label == (if .rated > .5 then 1 else 0 end))) | length), (map(.prompt + .split) | unique)]')" \
	'0  [2716,1358,2716,0,["fit"]]' 'as many clean as toxic comments, none repeated'
run datasets/realtoxicity prompts
is "$status $err $(of '[length, (map(.prompt) | unique | length), (group_by(.split) | map([.[0].split, length]))]')" \
	'0  [1000,1000,[["test",500],["validate",500]]]' 'the prompts'
is "$(of 'map(keys_unsorted) | unique')" '[["id","group","split","prompt_toxicity","prompt"]]' \
	'none has a field of score toxicity'
fails 2 'usage: realtoxicity comments | prompts | counts' datasets/realtoxicity all
fails 1 "realtoxicity: $tmp/rtp.jsonl: too few prompts for SIZES '5500 501': there are 6000" \
	env SIZES='5500 501' datasets/realtoxicity prompts
head -n 5000 "$RTP" >"$tmp/few.jsonl"
fails 1 "realtoxicity: $tmp/few.jsonl: a bin has only 1000 prompts, not 1200" \
	env RTP="$tmp/few.jsonl" datasets/realtoxicity prompts
{ head -n 2 "$RTP"; echo '{"id":3,"prompt":"It is","toxicity":0.7}'; } >"$tmp/bad.jsonl"
fails 1 "realtoxicity: $tmp/bad.jsonl: record 3: 'perplexity' is not a number" \
	env RTP="$tmp/bad.jsonl" datasets/realtoxicity prompts
printf 'id,comment_text,toxicity\n1,hello,2e-1\n2,you,1.5\n' >"$tmp/bad.csv"
fails 1 "realtoxicity: $tmp/bad.csv: record 2: 'toxicity' is not from 0 to 1: 1.5" \
	env JIGSAW="$tmp/bad.csv" datasets/realtoxicity comments
sed -i '$d' "$tmp/bad.csv"
fails 1 "realtoxicity: $tmp/bad.csv: no comments on one side of toxicity .5" \
	env JIGSAW="$tmp/bad.csv" datasets/realtoxicity comments
unset PREFERENCES RTP JIGSAW

# Downloads are checked. Another edition must have the same format.
mkdir -p "$tmp/web" "$tmp/data/prefs"
jq -c '{prompt, chosen, rejected, metadata: {score_chosen, score_rejected}}' "$tmp/p.jsonl" >"$tmp/web/all"
head -n 30 "$tmp/web/all" >"$tmp/web/train_clean.jsonl"
tail -n 12 "$tmp/web/all" >"$tmp/web/eval_clean.jsonl"
jq -c --argjson n 300 -n 'range($n) | {filename: "f", begin: ., end: (. + 9),
	prompt: {text: "It is \(.)", toxicity: (if . == 7 then null else (. + 1) / $n end)}}' >"$tmp/web/toxic.jsonl"
{
	echo comment_id,comment_text
	jq -n -r 'range(60) | [., "text \(. % 59)"] | @csv'
} >"$tmp/web/comments.csv"
{
	echo annotation,comment_id,worker,country,all toxic,not toxic
	jq -n -r 'range(60) as $c | range(if $c == 3 then 2 else 4 end)
		| "\(.),\($c),1,USA,False,\(if . < $c % 5 then "True" else "False" end)"'
} >"$tmp/web/annotations.csv"
(cd "$tmp/web" && sha256sum ./* | sed 's|\./||') >"$tmp/sums"
gzip -c "$tmp/p.jsonl" >"$tmp/data/prefs/ultrafeedback_binarized_1200.jsonl.gz"
echo "$(sha256sum <"$tmp/p.jsonl" | cut -c 1-64)  ultrafeedback_binarized_1200.jsonl" >>"$tmp/sums"
export ULTRAFEEDBACK_URL="file://$tmp/web" REALTOXICITY_URL="file://$tmp/web"
run env SIZES='20 6 12' ULTRAFEEDBACK_SUMS="$tmp/sums" datasets/ultrafeedback pairs
is "$status $err $(printf '%s\n' "$out" | cksum)" "0  $(cksum <"$tmp/pairs")" 'downloaded preferences'
run env SIZES='20 6 12' ULTRAFEEDBACK_SUMS="$tmp/sums" DATA="$tmp/data" datasets/ultrafeedback pairs
is "$status $err $(printf '%s\n' "$out" | cksum)" "0  $(cksum <"$tmp/pairs")" 'those of a folder are the same'
fails 1 "ultrafeedback: DATA has no file '$tmp/web/prefs/ultrafeedback_binarized_1200.jsonl'" \
	env DATA="$tmp/web" datasets/ultrafeedback pairs
run datasets/ultrafeedback pairs
is "$status $(printf '%s\n' "$err" | cut -d : -f 1-4)" \
	"1 ultrafeedback: 'file://$tmp/web/train_clean.jsonl' is not the file known: its sha256 is $(
		sha256sum <"$tmp/web/train_clean.jsonl" | cut -c 1-64), not $(
		)136b0163cbca47cc562ce260e4be38745f638563bce2930771da8cd8c9791c8e" 'another file is refused'
run env SIZES='20 60' REALTOXICITY_SUMS="$tmp/sums" datasets/realtoxicity counts
is "$status $err $out" '0  {"clean":[12,0,11,0,12],"toxic":[12,0,0,0,12],"drawn":[35,24],"of_each":24,"seed":1}
{"prompts":[30,30,30,30,30],"drawn":{"validate":20,"test":60},"test":[12,12,12,12,12],"seed":1}' \
	'downloaded comments and prompts'

# The sets themselves.
if [ -e "$data/prefs" ]; then
	export DATA="$data"
	run datasets/ultrafeedback counts
	is "$status $err $out" \
		'0  {"rows":1062,"train":887,"test":175,"left_out":0,'$(
		)'"drawn":{"fit":787,"validate":100,"test":175},"seed":1}' \
		'UltraFeedback: 1,062 rows, 787 to fit to, 100 to validate, 175 to test'
	run datasets/ultrafeedback prompts
	printf '%s\n' "$out" | jq -c .prompt >"$tmp/prompts"
	is "$(datasets/ultrafeedback pairs | jq -c .prompt | uniq | cat - "$tmp/prompts" | sort -u | wc -l)" 1062 \
		'all prompts are different'
	run env PREFERENCES="$DATA/prefs/hh_rlhf_single_turn.jsonl.gz" SIZES='679 100 100' datasets/ultrafeedback counts
	is "$status $out" \
		'0 {"rows":952,"train":879,"test":0,"left_out":0,'$(
		)'"drawn":{"fit":679,"validate":100,"test":100},"seed":1}' \
		'hh-rlhf: 952 pairs of 879 prompts'
	run datasets/realtoxicity counts
	is "$status $err $out" '0  {"clean":[673,221,511,2741,679],"toxic":[568,5172,459,143,4933],'$(
		)'"drawn":[3084,3170],"of_each":3084,"seed":1}
{"prompts":[30,45,87,247,584],"drawn":{"validate":100,"test":500},"test":[30,45,87,169,169],"seed":1}' \
		'RealToxicityPrompts: 500 of 993 prompts to test, and comments of ten bins'
	run datasets/realtoxicity prompts
	printf '%s\n' "$out" | jq -c .prompt | sort >"$tmp/prompts"
	datasets/realtoxicity comments >"$tmp/comments"
	is "$(sort -u "$tmp/prompts" | wc -l) $(jq -c .completion "$tmp/comments" | sort -u |
		comm -12 - "$tmp/prompts" | wc -l) $(jq -r .label "$tmp/comments" | sort | uniq -c | tr -s ' \n' ' ')" \
		'600 0  3084 0 3084 1 ' 'as many clean as toxic comments, none of them a prompt'
fi
finish
