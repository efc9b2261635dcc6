#!/bin/sh
# generate --filter: any program can steer, and messages name one that fails.
. tests/tap.sh
[ -e "$ODESTEER_MODEL" ] || skip_all 'no model: make setup'

head -n 5 datasets/sample.jsonl | jq -c -f datasets/forms/prompts.jq >"$tmp/p.jsonl"
head -n 20 datasets/sample.jsonl | jq -c -f datasets/forms/examples.jq | collect -l 13 -o "$tmp/a.ods"
fitbarrier -p paper -o "$tmp/b.ods" "$tmp/a.ods"
steer() { # COMMAND [OPTION ...]: generates 6 tokens each, with a filter at block 13
	steer_by=$1
	shift
	generate -j 1 -l 13 --filter "$steer_by" --max-tokens 6 "$@" "$tmp/p.jsonl"
}
generate -j 1 --max-tokens 6 "$tmp/p.jsonl" | view >"$tmp/plain"
generate -j 1 -b "$tmp/b.ods" -T 15 --max-tokens 6 "$tmp/p.jsonl" | view >"$tmp/builtin"

# filters that work
steer "tee '$tmp/seen.ods'" -o "$tmp/cat.ods"
unmoved() { # [FILE]: the records, if steering changed none of their positions
	view "$@" | jq -c 'if .moved == 0 then del(.moved) else . end'
}
unmoved "$tmp/cat.ods" >"$tmp/got"
ok 'a filter that changes nothing gives the unsteered text, and says so' cmp "$tmp/got" "$tmp/plain"
steered=$(jq -s 'map(.tokens) | add' "$tmp/plain")
is "$(tail -c 20 "$tmp/cat.ods" | LC_ALL=C grep -a -c steered) $(view "$tmp/seen.ods" | wc -l)" "1 $steered" \
	'it steers at each choice of a token'
is "$(view --header "$tmp/seen.ods" |
		jq -c 'select(.odesteer) | [.kind, .block, .dim, .dtype, (.digest | length), .chain[-1].tool]')" \
	'["activations",[13],576,"float32",16,"generate"]' 'the header that it reads'
is "$(view "$tmp/seen.ods" | jq -r 'select(.id == "s003") | .pos' |
		awk 'NR > 1 && $1 != last + 1 { print "gap" } { last = $1 } END { print NR }')" \
	"$(jq -r 'select(.id == "s003") | .tokens' "$tmp/plain")" \
	'activations of a text have its id, at consecutive positions'
is "$(view "$tmp/seen.ods" | jq -c keys_unsorted | sort -u)" '["id","pos","act"]' 'the fields that it reads'
collect -l 13 -o "$tmp/prompts.ods" "$tmp/p.jsonl"
view "$tmp/prompts.ods" | jq -c '[.id, .act]' | sort >"$tmp/want"
view "$tmp/seen.ods" | head -n 5 | jq -c '[.id, .act]' | sort >"$tmp/got"
is "$(jq -n --slurpfile a "$tmp/want" --slurpfile b "$tmp/got" '
	def square: [.[] | . * .] | add;
	[range(5) | $a[.] as $x | $b[.] as $y | $x[0] == $y[0]
		and ([$x[1], $y[1]] | transpose | map(.[0] - .[1]) | square) < 1e-3 * ($x[1] | square)]
	| all')" true 'the first of each text are the activations that collect writes'
steer "integrate -b '$tmp/b.ods' -T 15" -o "$tmp/integrate.ods"
ok 'integrate steers as -b does' sh -c 'view "$1" | cmp - "$2"' sh "$tmp/integrate.ods" "$tmp/builtin"
is "$(cmp -s "$tmp/plain" "$tmp/builtin" && echo same || echo differ)" differ 'and changes the text'
steer "integrate -b '$tmp/b.ods' -T 15" --seqs 2 | view >"$tmp/two"
generate -j 1 -b "$tmp/b.ods" -T 15 --max-tokens 6 --seqs 2 "$tmp/p.jsonl" | view >"$tmp/two.builtin"
ok 'also two texts at a time' cmp "$tmp/two" "$tmp/two.builtin"
steer 'view --header | cat' | unmoved >"$tmp/got"
ok 'it may answer in JSON Lines' cmp "$tmp/got" "$tmp/plain"
run steer cat -v -o "$tmp/v.ods"
is "$(echo "$err" | sed 's/, [0-9.]* s$//' | tail -n 1)" "generate: $steered activations steered by 'cat'" \
	'-v names it'
generate --filter "tee '$tmp/middle.ods'" --max-tokens 1 -o "$tmp/x.ods" "$tmp/p.jsonl"
is "$(view --header "$tmp/middle.ods" | head -n 1 | jq -c .block)" '[15]' 'the middle block is the default'
if command -v python3 >/dev/null; then
	jq -n -c '[range(576) | . % 7 - 3.385]' >"$tmp/vector.json"
	add="view --header | python3 '$PWD/pipelines/examples/add.py'"
	steer "$add 0 '$tmp/vector.json'" | unmoved >"$tmp/got"
	ok 'pipelines/examples/add.py with length 0 changes nothing' cmp "$tmp/got" "$tmp/plain"
	steer "tee '$tmp/before.ods' | $add 40 '$tmp/vector.json' | tee '$tmp/after.jsonl'" | view >"$tmp/got"
	is "$(cmp -s "$tmp/got" "$tmp/plain" && echo same || echo differ)" differ 'and with length 40 it does'
	view "$tmp/before.ods" | head -n 1 >"$tmp/before"
	is "$(sed -n 2p "$tmp/after.jsonl" | jq -c --slurpfile b "$tmp/before" '
		[.act, $b[0].act] | transpose | map((.[0] - .[1]) | . * .) | add | sqrt * 1000 | round / 1000')" \
		40 'by the given length'
else
	echo '# no python3: pipelines/examples/add.py is not tested'
fi

# filters that fail
bad() { # COMMAND MESSAGE [OPTION ...]: it fails with that message
	bad_by=$1 bad_message=$2
	shift 2
	fails 1 "$bad_message" steer "$bad_by" -o "$tmp/bad.ods" "$@"
	is "$(find "$tmp" -name 'bad.ods*')" '' 'no output file is left'
}
bad 'exit 3' "generate: filter 'exit 3' exited with status 3, 0 of 5 records answered"
bad true "generate: the output of filter 'true' is empty"
# Header and three records have less than 8000 bytes, and with a fourth record they have more.
bad 'head -c 8000; exit 5' "generate: filter 'head -c 8000; exit 5' exited with status 5, 3 of 5 records answered"
bad 'head -c 8000' "generate: the output of filter 'head -c 8000' is truncated: it ends inside record 4"
bad 'kill -KILL $$' "generate: filter 'kill -KILL \$\$' was killed by signal 9 (Killed), 0 of 5 records answered"
bad 'cat; exit 3' "generate: filter 'cat; exit 3' exited with status 3, $steered of $steered records answered"
filter="echo \$\$ >'$tmp/pid'; exec sleep 100"
bad "$filter" "generate: filter '$filter' stalled: 0 of 5 records answered, then nothing for 1 s" --filter-timeout 1
is "$(kill -0 "$(cat "$tmp/pid")" 2>&1 | grep -c 'No such process')" 1 'and no process'
rm "$tmp/pid"
filter="sleep 100 >/dev/null & echo \$! >'$tmp/pid'; exit 3"
bad "$filter" "generate: filter '$filter' exited with status 3, 0 of 5 records answered"
# it may be a zombie, state Z, that nobody has waited for
ok 'nor what an ended filter has started' perl -e '
	for (1 .. 100) {
		exit 0 if !kill(0, $ARGV[0]) || (open(F, "/proc/$ARGV[0]/stat") && <F> =~ /\) Z/);
		select undef, undef, undef, 0.05;
	}
	exit 1' "$(cat "$tmp/pid")"
mkfifo "$tmp/up"
after="trap 'sleep .1; echo >$tmp/done; exit' TERM; echo >$tmp/up; sleep 30 & wait"
filter="($after) >/dev/null 2>&1 & read x <$tmp/up; exit 3"
bad "$filter" "generate: filter '$filter' exited with status 3, 0 of 5 records answered"
ok 'which may clean up first' test -e "$tmp/done"
for change in '.dim = 7:has dim 7, not 576' '.block = [14]:is for block 14, not 13' \
	'.digest = "00":is from another model' \
	'{odesteer, version, kind: "completions", chain}:holds completions, not activations'; do
	filter="view --header | jq -c --unbuffered 'if .odesteer then ${change%:*} else .act |= .[:7] end'"
	bad "$filter" "generate: the output of filter '$filter' ${change##*:}"
done
filter="view --header | jq -c --unbuffered 'if .id == \"s002\" then del(.act) else . end'"
bad "$filter" "generate: the output of filter '$filter': record 2: no field 'act'"
filter="view --header | jq -c --unbuffered 'if .id == \"s002\" then .act[3] = 1e300 else . end'"
bad "$filter" "generate: the output of filter '$filter': record 2: an activation holds inf, which a stream cannot carry"
filter="view --header | jq -c --unbuffered 'if .id == \"s002\" then ., . else . end'"
bad "$filter" "generate: the output of filter '$filter': record 3: it is the answer to 's002', not 's003'"
filter="view --header | jq -c --unbuffered 'select(.id != \"s005\")'"
bad "$filter" "generate: filter '$filter' stalled: 4 of 5 records answered, then nothing for 1 s" --filter-timeout 1
filter='echo a filter that says something else'
bad "$filter" "generate: the output of filter '$filter' is neither an odesteer stream nor JSON Lines"

# A signal, and a reader that leaves.
generate --filter "echo \$\$ >'$tmp/pid'; echo up >'$tmp/up'; exec sleep 100" -o "$tmp/bad.ods" \
	"$tmp/p.jsonl" 2>"$tmp/err" &
pid=$!
read -r _ <"$tmp/up"
kill -TERM $pid
wait $pid 2>/dev/null
is "$? $(cat "$tmp/err")" '143 ' 'a signal ends generate'
is "$(kill -0 "$(cat "$tmp/pid")" 2>&1 | grep -c 'No such process') $(find "$tmp" -name 'bad.ods*')" '1 ' \
	'and the filter, and no output file is left'
jq -c '.pad = "x" * 50000' "$tmp/p.jsonl" >"$tmp/pad.jsonl"
{
	generate --seqs 1 --max-tokens 1 --filter "echo \$\$ >'$tmp/pid'; exec integrate -b '$tmp/b.ods'" \
		-l 13 "$tmp/pad.jsonl" 2>"$tmp/err"
	echo $? >"$tmp/status"
} | head -c 5 >"$tmp/out"
is "$(wc -c <"$tmp/out") $(cat "$tmp/status" "$tmp/err")" '5 141' 'if its reader leaves, generate ends quietly'
is "$(kill -0 "$(cat "$tmp/pid")" 2>&1 | grep -c 'No such process')" 1 'and so does the filter'

# wrong usage
fails 2 "generate: --filter and -b exclude each other
try 'generate -h'" steer cat -b "$tmp/b.ods"
misuse "-l needs a filter: --filter" generate -l 13 "$tmp/p.jsonl"
misuse "--filter-timeout needs a filter: --filter" generate --filter-timeout 5 "$tmp/p.jsonl"
fails 2 "generate: --filter-timeout: '0' is not in [0.001, 1e+06]
try 'generate -h'" steer cat --filter-timeout 0
fails 2 "generate: --filter: the command is empty
try 'generate -h'" steer ''
run steer cat -l 40
is "$status $(echo "$err" | cut -d"'" -f3)" '1  has no block 40: its blocks are 0 to 29' \
	'a block that the model does not have'
head -n 1 "$tmp/p.jsonl" | view --pack | view --header | jq -c 'select(.odesteer)' | view --pack >"$tmp/none.ods"
fails 1 'generate: no activation was steered, though a filter was given' generate --filter cat "$tmp/none.ods"
finish
