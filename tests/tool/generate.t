#!/bin/sh
. tests/tap.sh
[ -e "$ODESTEER_MODEL" ] || skip_all 'no model: make setup'

head -n 5 datasets/sample.jsonl | jq -c -f datasets/forms/prompts.jq >"$tmp/p.jsonl"
head -n 20 datasets/sample.jsonl | jq -c -f datasets/forms/examples.jq | collect -l 13 -o "$tmp/a.ods"
fitbarrier -p paper -o "$tmp/b.ods" "$tmp/a.ods"
fitbarrier -f linact -o "$tmp/map.ods" "$tmp/a.ods"
texts() {
	view "$@" | jq -c '[.id, .completion]'
}

ok 'generates' generate --max-tokens 12 -o "$tmp/g.ods" "$tmp/p.jsonl"
is "$(view "$tmp/g.ods" | jq -c 'keys_unsorted' | sort -u)" \
	'["id","group","split","question","true","false","prompt","completion","tokens","finish"]' \
	'fields keep their order'
is "$(view "$tmp/g.ods" | jq -r .id | tr '\n' ' ')" 's001 s002 s003 s004 s005 ' 'records keep their order'
is "$(view --header "$tmp/g.ods" |
		jq -c 'select(.odesteer) | [.kind, .chain[-1].tool, .chain[-1].seed, (.digest | length)]')" \
	'["completions","generate",null,16]' 'the header'
is "$(view "$tmp/g.ods" |
		jq -s -c 'map(.tokens <= 12 and (.finish == "length" or .finish == "eos")
			and (.finish != "length" or .tokens == 12)) | unique')" \
	'[true]' 'no more tokens than asked for'
is "$(jq -c '{prompt}' "$tmp/p.jsonl" | generate --max-tokens 12 | texts)" \
	"$(texts "$tmp/g.ods" | jq -c '[input_line_number, .[1]]')" 'prompts without an id are numbered'
generate --max-tokens 12 -o "$tmp/g2.ods" "$tmp/p.jsonl"
is "$(texts "$tmp/g2.ods")" "$(texts "$tmp/g.ods")" 'greedy twice is the same'
# how many are decoded together may change the last bits of the logits: only one at a time is it the same
generate --max-tokens 12 --seqs 1 "$tmp/p.jsonl" | texts >"$tmp/one"
while read -r line; do
	printf '%s\n' "$line" | generate --max-tokens 12 | texts
done <"$tmp/p.jsonl" >"$tmp/each"
ok 'one at a time is each alone' cmp "$tmp/one" "$tmp/each"
is "$(generate --max-tokens 12 --seqs 2 "$tmp/p.jsonl" | view | jq -c '[.id, .tokens > 0]' | tr '\n' ' ')" \
	'["s001",true] ["s002",true] ["s003",true] ["s004",true] ["s005",true] ' 'two at a time: order and number'

# sampling: the random numbers depend on seed and id, not on the neighbours (whose number may
# change the last bits of the probabilities: hence one at a time)
s='--temperature 0.9 --top-p 0.95 --top-k 50 --max-tokens 12 --seqs 1'
# shellcheck disable=SC2086 # options
{
	generate $s -S 3 "$tmp/p.jsonl" | texts >"$tmp/s3"
	generate $s -S 3 "$tmp/p.jsonl" | texts >"$tmp/s3again"
	generate $s -S 4 "$tmp/p.jsonl" | texts >"$tmp/s4"
	tail -n 1 "$tmp/p.jsonl" | generate $s -S 3 | texts >"$tmp/alone"
	sort -r "$tmp/p.jsonl" | generate $s -S 3 | texts | sort >"$tmp/turned"
}
ok 'a seed repeats its texts' cmp "$tmp/s3" "$tmp/s3again"
is "$(cmp -s "$tmp/s3" "$tmp/s4" && echo same || echo differ)" differ 'another seed gives others'
is "$(cat "$tmp/alone")" "$(tail -n 1 "$tmp/s3")" 'a text alone'
ok 'texts in another order' cmp "$tmp/s3" "$tmp/turned"

# several samples: the first is that of a run without them, each has its own random numbers
# shellcheck disable=SC2086 # options
generate $s -S 3 --samples 3 -o "$tmp/samples.ods" "$tmp/p.jsonl"
view "$tmp/samples.ods" >"$tmp/samples"
is "$(jq -r '"\(.id) \(.sample)"' "$tmp/samples" | head -n 4 | tr '\n' ,)" 's001 0,s001 1,s001 2,s002 0,' \
	'--samples: prompt by prompt'
is "$(jq -c 'select(.sample == 0) | [.id, .completion]' "$tmp/samples")" "$(cat "$tmp/s3")" \
	'sample 0 is as without --samples'
is "$(jq -s 'length - (unique_by([.id, .completion]) | length)' "$tmp/samples")" 0 'samples differ'
# shellcheck disable=SC2086 # options
is "$(tail -n 1 "$tmp/p.jsonl" | generate $s -S 3 --samples 2 | view | jq -c 'select(.sample == 1).completion')" \
	"$(jq -c 'select(.id == "s005" and .sample == 1).completion' "$tmp/samples")" \
	'a sample depends on the seed, the id and its number'
jq -c '.T = "5"' "$tmp/samples" >"$tmp/earlier"
for f in "$tmp/samples.ods" "$tmp/earlier"; do
	is "$(generate --max-tokens 2 "$f" | view | jq -s -c 'map(has("sample", "T")) | unique')" '[false]' \
		"the sample and the T of an earlier run are gone: ${f##*/}"
done
fails 1 "generate: '$tmp/samples.ods': record 2: 's001' is sample 1 of its prompt: with --samples each prompt must be\
 there once" generate --temperature 1 --samples 2 -o "$tmp/x.ods" "$tmp/samples.ods"
# shellcheck disable=SC2086 # options
is "$(generate $s -S 3 --samples 2 -b "$tmp/b.ods" -T 0,15 "$tmp/p.jsonl" | view |
		jq -r '"\(.id) \(.T) \(.sample)"' | head -n 5 | tr '\n' ,)" \
	's001 0 0,s001 0 1,s001 15 0,s001 15 1,s002 0 0,' 'a sweep: length by length, sample by sample'
score distinct -o "$tmp/d.ods" "$tmp/samples.ods"
is "$(score report --baseline a --column distinct2:some --format csv a="$tmp/d.ods" b="$tmp/d.ods" |
		sed -n '/some/p' | cut -d, -f1,2,6,7)" 'a,some,5,
b,some,5,0' 'score report has samples as records of one question'
for o in '-S 1' '--top-k 5' '--top-p 0.9'; do
	misuse "${o% *} needs --temperature" generate $o "$tmp/p.jsonl"
done
is "$(generate --temperature 1 --max-tokens 1 "$tmp/p.jsonl" | view --header | head -n 1 | jq '.chain[-1].seed')" 0 \
	'the header has the seed'
misuse "--samples: without --temperature all samples are the same" generate --samples 2 "$tmp/p.jsonl"
misuse "--samples: with --top-k 1 all samples are the same" \
	generate --temperature 1 --top-k 1 --samples 2 "$tmp/p.jsonl"
misuse "--samples: '1001' is not in [1, 1000]" generate --samples 1001 "$tmp/p.jsonl"

# limits on repeating
generate --no-repeat-ngram 2 --max-tokens 40 "$tmp/p.jsonl" | score distinct | view >"$tmp/n2.jsonl"
is "$(jq -s 'map(select(.tokens > 10) | .distinct3 == 1) | all' "$tmp/n2.jsonl")" true '--no-repeat-ngram'
is "$(generate --repetition-penalty 1.8 --max-tokens 12 "$tmp/p.jsonl" | texts |
		cmp -s - "$tmp/g" && echo same || echo differ)" differ '--repetition-penalty'
is "$(generate --stop e --max-tokens 30 "$tmp/p.jsonl" | view |
		jq -s 'map((.completion | contains("e") | not) and (.finish != "eos" or true)) | all')" \
	true '--stop ends before it'
is "$(generate --stop e --max-tokens 30 "$tmp/p.jsonl" | view |
		jq -s 'map(select(.finish == "stop")) | length > 0')" true 'and says so'
is "$(generate -t chat --max-tokens 12 "$tmp/p.jsonl" | texts | cmp -s - "$tmp/g" && echo same || echo differ)" \
	differ '-t chat'

# steering
generate -b "$tmp/b.ods" -T 15 --max-tokens 12 -o "$tmp/t15.ods" "$tmp/p.jsonl"
steered=$(view "$tmp/t15.ods" | jq -s 'map(.tokens) | add')
is "$(view "$tmp/t15.ods" | jq -s -c 'map(.moved == .tokens) | unique')" '[true]' 'moved: each token that was chosen'
is "$(generate -b "$tmp/b.ods" -T 0 --max-tokens 2 "$tmp/p.jsonl" | view | jq .moved | sort -u)" 0 'none at T = 0'
is "$(generate --max-tokens 2 "$tmp/t15.ods" | view | jq -s -c 'map(has("moved")) | unique')" '[false]' \
	'the count of an earlier run is gone'
is "$(tail -c 100 "$tmp/t15.ods" | LC_ALL=C grep -a -c steered)" 1 'the end record counts the steered'
run generate -v -b "$tmp/b.ods" -T 15 --max-tokens 12 -o "$tmp/v.ods" "$tmp/p.jsonl"
is "$(echo "$err" | sed 's/, [0-9.]* s$//; s/[0-9.]* s$/some s/' | tail -n 2)" \
	"generate: 5 prompts, $steered tokens generated in some s
generate: $steered activations steered, 100.0 % of them moved, mean length 15" \
	'one activation for each choice of a token'
is "$(cmp -s "$tmp/t15.ods" "$tmp/g.ods" && echo same || echo differ)" differ 'steering changes the text'
is "$(generate -b "$tmp/b.ods" -T 0 --max-tokens 12 "$tmp/p.jsonl" | texts)" "$(texts "$tmp/g.ods")" 'T = 0 does not'
is "$(view --header "$tmp/t15.ods" | jq -c 'select(.odesteer) | .chain[-1].side | keys')" "[\"$tmp/b.ods\"]" \
	'the chain names the barrier'

is "$(generate -s help)" "$(integrate -s help)" '-s help'
counters() { # FILE: those of the end record, which no tool shows: name, and an integer below 128 or a float64
	tail -c 200 "$1" | od -An -v -tx1 | tr -d ' \n' |
		sed "s/.*$(printf steered | od -An -tx1 | tr -d ' \n')/steered/"
}
# --until: those that are there already are not moved, and the way is shorter
generate -v -b "$tmp/b.ods" -T 15 --until 0.5 --max-tokens 12 -o "$tmp/u.ods" "$tmp/p.jsonl" 2>"$tmp/err"
is "$(sed -n '$s/.* steered, \([0-9.]*\) % of them moved, mean length \([0-9.]*\),.*/\1 \2/p' "$tmp/err" |
		awk '{ print ($1 > 0 && $1 <= 100 && $2 > 0 && $2 < 15) }')" 1 \
	"--until: $(tail -n 1 "$tmp/err")"
hex() { # TEXT: in hexadecimal
	printf %s "$1" | od -An -tx1 | tr -d ' \n'
}
is "$(counters "$tmp/u.ods" | grep -c "^steered[0-9a-f]*$(hex moved)[0-9a-f]*$(hex mean_length)cb")" 1 \
	'the end record has moved and mean_length'
is "$(generate -v -b "$tmp/b.ods" -T 15 --until 0 --max-tokens 2 "$tmp/p.jsonl" 2>&1 >"$tmp/x.ods" |
		grep -c 'activations steered')" 1 '--until 0'
is "$(generate -b "$tmp/map.ods" -T 0 --max-tokens 12 "$tmp/p.jsonl" | texts)" "$(texts "$tmp/g.ods")" \
	'a map, none of the way'

# several barriers: an option before the first -b is for all, one after a -b for that one
head -n 20 datasets/sample.jsonl | jq -c -f datasets/forms/examples.jq | collect -l 9 |
	fitbarrier -p paper -o "$tmp/b9.ods"
two() {
	generate --max-tokens 12 "$@" "$tmp/p.jsonl" | texts
}
both=$(two -b "$tmp/b9.ods" -T 10 -b "$tmp/b.ods" -T 15)
is "$(two -T 10 -b "$tmp/b9.ods" -b "$tmp/b.ods" -T 15)" "$both" 'a letter before the first -b is about all'
is "$(two -b "$tmp/b.ods" -T 15 -b "$tmp/b9.ods" -T 10)" "$both" \
	'blocks come in the order of the model, whatever the order given'
is "$(two -b "$tmp/b9.ods" -T 0 -b "$tmp/b.ods" -T 15)" "$(texts "$tmp/t15.ods")" 'T = 0 takes one out'
is "$(two -b "$tmp/b9.ods" -T 10 -b "$tmp/b.ods" -T 0)" "$(two -b "$tmp/b9.ods" -T 10)" 'or the other'
is "$(two -b "$tmp/b.ods" -T 7.5 -n 5 -b "$tmp/b.ods" -T 7.5 -n 5)" "$(texts "$tmp/t15.ods")" \
	'at one block: half the way twice is the whole way'
generate -v -b "$tmp/b9.ods" -T 10 -b "$tmp/b.ods" -T 15 --max-tokens 12 "$tmp/p.jsonl" 2>"$tmp/err" |
	view >"$tmp/two.jsonl"
steered=$(jq -s 'map(.tokens) | add * 2' "$tmp/two.jsonl")
is "$(sed 's/, [0-9.]* s$//' "$tmp/err" | tail -n 1)" \
	"generate: $steered activations steered, 100.0 % of them moved, mean length 12.5" \
	'each is counted by activation and barrier'
is "$(generate -b "$tmp/b9.ods" -b "$tmp/b.ods" --max-tokens 1 "$tmp/p.jsonl" | view --header | head -n 1 |
		jq -c '.chain[-1].side | keys | length')" 2 'the chain names both'

# a sweep: one completion for each length
generate --seqs 1 -b "$tmp/b.ods" -T 0,15,-15 --max-tokens 12 "$tmp/p.jsonl" | view >"$tmp/sweep"
is "$(jq -r '"\(.id) \(.T)"' "$tmp/sweep" | head -n 4 | tr '\n' ,)" 's001 0,s001 15,s001 -15,s002 0,' \
	'a sweep: prompt by prompt, length by length'
for T in 0 15 -15; do
	is "$(jq -c --arg T "$T" 'select(.T == $T) | [.id, .completion]' "$tmp/sweep")" \
		"$(generate --seqs 1 -b "$tmp/b.ods" -T "$T" --max-tokens 12 "$tmp/p.jsonl" | texts)" \
		"a sweep: T = $T is as it is alone"
done
generate -b "$tmp/b.ods" -T 0,15 --max-tokens 12 "$tmp/p.jsonl" | score distinct -o "$tmp/sweep.ods"
is "$(score report --format csv x="$tmp/sweep.ods" | cut -d, -f1 | sort -u | tr '\n' ,)" 'run,x T=0,x T=15,' \
	'score report tells the lengths apart'
generate --max-tokens 2 "$tmp/sweep.ods" | view >"$tmp/again"
is "$(jq -s -c 'map(has("T")) | unique' "$tmp/again")" '[false]' 'the length of an earlier sweep is gone'
misuse "-T: length '0' is given twice" generate -b "$tmp/b.ods" -T 0,1,0 "$tmp/p.jsonl"
misuse "-T: '' is neither a length such as 5, 0.03r or 0.2nat nor auto" generate -b "$tmp/b.ods" -T 0,,1 "$tmp/p.jsonl"
misuse "-T: more than 64 lengths" generate -b "$tmp/b.ods" -T "$(seq -s , 65)" "$tmp/p.jsonl"
misuse "-T: a list of lengths goes with one barrier" generate -b "$tmp/b9.ods" -b "$tmp/b.ods" -T 0,1 "$tmp/p.jsonl"
misuse "a flow needs a barrier: -b" generate -T 0,1 "$tmp/p.jsonl"

# prompts that are no records
g='generate -t chat --max-tokens 8'
printf '{"prompt":"Is glass a liquid?"}\n{"prompt":"Can fish drown?"}\n' | $g | texts >"$tmp/records"
is "$($g 'Is glass a liquid?' 'Can fish drown?' | texts)" "$(cat "$tmp/records")" 'prompts as operands'
printf '\nIs glass a liquid?\r\n  \nCan fish drown?' >"$tmp/two lines"
is "$($g --text "$tmp/two lines" | texts)" "$(cat "$tmp/records")" '--text: a line is a prompt, a blank one is none'
is "$(tail -c 16 "$tmp/two lines" | $g --text | texts)" "$(tail -n 1 "$tmp/records" | jq -c '[1, .[1]]')" \
	'--text: standard input, a last line without its end'
printf 'fine\nbad \377 text\n' >"$tmp/latin"
fails 1 "generate: '$tmp/latin': record 2: the line is not UTF-8 text" generate --text "$tmp/latin"
misuse '--system: the text is not UTF-8' generate --system "$(printf '\377')" 'a b'
misuse '--stop: the text is not UTF-8' generate --stop "$(printf '\377')" 'a b'
fails 1 "generate: '$tmp/two lines': record 1: it is not JSON: column 2: '[' or '{' expected near 'Is'" \
	generate "$tmp/two lines"
fails 1 "generate: cannot open 'nope': No such file or directory" generate nope
misuse "'a b' is not a file, and a prompt does not go with files" generate 'a b' "$tmp/p.jsonl"
misuse "'a b' is not a file, and a prompt does not go with --text" generate --text 'a b'
fails 1 "generate: prompt 2: '2' has 38 tokens: no room for 20 more in a context of 40" \
	generate --context 40 --max-tokens 20 'a b' "$(seq -s ' ' 16)"

# a coprocess gets its answer before the input ends
mkfifo "$tmp/questions"
$g --text <"$tmp/questions" >"$tmp/answers" &
exec 7>"$tmp/questions"
echo 'Is glass a liquid?' >&7
waited=0
while ! grep -q finish "$tmp/answers" && [ $waited -lt 120 ]; do
	sleep 0.5
	waited=$((waited + 1))
done
is "$(grep -c finish "$tmp/answers")" 1 'slow input is answered as it comes'
echo 'Can fish drown?' >&7
exec 7>&-
wait
is "$(texts "$tmp/answers" | jq -c '.[0]' | tr '\n' ' ')" '1 2 ' 'and the stream is whole at the end'

# on a terminal the output is text
if has_terminal; then
	is "$(script -qec "$g -b '$tmp/b.ods' -T 0,15 'Is glass a liquid?'" /dev/null </dev/null |
			tr -d '\r' | sed 's/\] .*/]/')" '> Is glass a liquid?
[T = 0]

[T = 15]' 'on a terminal: text, the prompt once'
	is "$(script -qec "$g --temperature 1 --samples 2 'Is glass a liquid?'" /dev/null </dev/null |
			tr -d '\r' | sed 's/\] .*/]/')" '> Is glass a liquid?
[sample 0]

[sample 1]' 'each sample with its number'
	is "$(script -qec "$g --max-tokens 1 'esc $(printf '\033 \302\233') ape'" /dev/null </dev/null |
			head -n 1 | tr -d '\r')" '> esc � � ape' 'control characters are marks there'
	is "$(script -qec "$g -z 'a b'" /dev/null </dev/null | tr -d '\r' | head -n 1)" \
		'generate: -z: standard output is a terminal, which gets text' '-z has no use there'
fi

# refusals
view --header "$tmp/b.ods" | jq -c 'if .odesteer then .digest = "00000000000000bb" else . end' |
	view --pack >"$tmp/other.ods"
run generate -b "$tmp/other.ods" "$tmp/p.jsonl"
is "$status $(echo "$err" | grep -c "^generate: '$tmp/other.ods': the barrier is of another model: ")" '1 1' \
	"another model: $err"
view --header "$tmp/b.ods" | jq -c 'if .odesteer then .block = [40] else . end' | view --pack >"$tmp/other.ods"
run generate -b "$tmp/other.ods" "$tmp/p.jsonl"
is "$status $(echo "$err" | cut -d"'" -f5)" '1  has no block 40: its blocks are 0 to 29' 'a block that is not there'
for o in '-T 5' '-n 3' '-s rk4' '--until 0.5' '--tolerance 1e-3'; do
	# shellcheck disable=SC2086 # two words
	misuse "a flow needs a barrier: -b" generate $o "$tmp/p.jsonl"
done
# shellcheck disable=SC2046 # 17 options
misuse "-b: more than 16 barriers" generate $(seq -f '-b %g' 17) "$tmp/p.jsonl"
fails 1 "generate: '$tmp/map.ods': 'linact' is a map, not a flow: it has no path to stop on" \
	generate -b "$tmp/map.ods" --until 0.5 "$tmp/p.jsonl"
fails 1 "generate: '$tmp/map.ods': 'linact' is a map, not a flow: its T is a number from 0 to 1" \
	generate -b "$tmp/b.ods" -T 15 -b "$tmp/map.ods" -T 15 "$tmp/p.jsonl"
fails 1 "generate: '$tmp/map.ods': 'linact' is a map, not a flow: -n has no effect" \
	generate -n 5 -b "$tmp/b.ods" -b "$tmp/map.ods" "$tmp/p.jsonl"
fails 1 "generate: '$tmp/b.ods': 'rkck' chooses its own steps: -n has no effect" \
	generate -b "$tmp/b.ods" -n 5 -s rkck "$tmp/p.jsonl"
misuse "--temperature: '-1' is not in [0, 100]" generate --temperature -1
misuse "--stop: the text is empty" generate --stop ''
fails 1 "generate: '$tmp/p.jsonl': record 1: 's001' has 24 tokens: no room for 20 more in a context of 40" \
	generate --context 40 --max-tokens 20 "$tmp/p.jsonl"
: >"$tmp/empty.jsonl"
fails 1 "generate: '$tmp/empty.jsonl' is empty" generate "$tmp/empty.jsonl"
head -n 1 "$tmp/p.jsonl" | view --pack | view --header | jq -c 'select(.odesteer)' | view --pack >"$tmp/none.ods"
is "$(generate --max-tokens 5 "$tmp/none.ods" | view | wc -l)" 0 'no prompts, no completions'
fails 1 'generate: no activation was steered, though a barrier was given' generate -b "$tmp/b.ods" "$tmp/none.ods"
run sh -c 'generate --max-tokens 2 "$1" >/dev/full' sh "$tmp/p.jsonl"
is "$status $err" "1 generate: cannot write 'standard output': No space left on device" 'a full disk'
finish
