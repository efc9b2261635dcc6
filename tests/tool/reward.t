#!/bin/sh
# score reward: by a barrier, and by the head of a reward model, with a model whose rewards are computed here as well.
. tests/tap.sh
. tests/made.sh

model=$tmp/tiny.gguf
perl tests/tiny.pl decoder >"$model"
perl tests/tiny.pl head >"$tmp/head.npy"
jq -n -c '{id: "a", prompt: "Is it so?", completion: " Yes, it is.\n"}, {id: "b", prompt: "Why?", completion: ""}' \
	>"$tmp/e.jsonl"

misuse 'reward needs a barrier or the head of a reward model: -b or --head' score reward
misuse '-b and --head exclude each other' score reward -b b.ods --head head.npy
misuse '-t: with --head the text is always in the chat template' score reward --head head.npy -t raw
misuse 'reward needs one barrier: -b' score reward -b b.ods -b b.ods
misuse "unknown option '-T'" score reward -b b.ods -T 5

chat() { # PROMPT COMPLETION [SYSTEM]: prints the text that the head judges
	printf '%s<|start_header_id|>user<|end_header_id|>\n\n%s<|eot_id|>' \
		"${3:+$(printf '<|start_header_id|>system<|end_header_id|>\n\n%s<|eot_id|>' "$3")}" "$1"
	printf '<|start_header_id|>assistant<|end_header_id|>\n\n%s<|eot_id|>' "$2"
}
near() { # NAME FILE WANTED ...: the rewards in a file of JSON Lines are these numbers, up to rounding
	near_name=$1
	near_file=$2
	shift 2
	is "$(jq -s --argjson w "$(printf '%s\n' "$@" | jq -s -c .)" '
		[.[].reward] as $r | ($r | length) == ($w | length) and
		([range($w | length) | $r[.] - $w[.] | fabs] | max < 1e-3)' "$near_file")" true \
		"$near_name: $(jq -s -c 'map(.reward)' "$near_file")"
}
reward() { # ARGUMENTS...: the reward of each record, into $tmp/got
	score reward -m "$model" --head "$tmp/head.npy" "$@" | view >"$tmp/got"
}
reward "$tmp/e.jsonl"
near 'the head times the activation after the final norm' "$tmp/got" \
	"$(perl tests/tiny.pl reward "$(chat 'Is it so?' 'Yes, it is.')")" \
	"$(perl tests/tiny.pl reward "$(chat 'Why?' '')")"
is "$(jq -c 'del(.reward)' "$tmp/got" | cksum)" "$(cksum <"$tmp/e.jsonl")" 'records keep their fields and order'
reward --system 'Be kind.' "$tmp/e.jsonl"
near '--system' "$tmp/got" "$(perl tests/tiny.pl reward "$(chat 'Is it so?' 'Yes, it is.' 'Be kind.')")" \
	"$(perl tests/tiny.pl reward "$(chat 'Why?' '' 'Be kind.')")"

# texts that are too long
long=$(printf '%0150d' 0)
jq -n -c --arg long "$long" '{id: "long", prompt: $long, completion: "abc"}' >"$tmp/long.jsonl"
fails 1 "score: '$tmp/long.jsonl': record 1: 'long' has 263 tokens: more than 256" \
	score reward -m "$model" --head "$tmp/head.npy" -o "$tmp/x.ods" "$tmp/long.jsonl"
is "$(find "$tmp" -name 'x.ods*' | wc -l)" 0 'a run that fails leaves no output'
reward --truncate "$tmp/long.jsonl"
near '--truncate: at the last token that is read' "$tmp/got" "$(perl tests/tiny.pl reward "$(chat "$long" abc)" 256)"
reward --truncate "$tmp/e.jsonl"
near '--truncate leaves shorter texts' "$tmp/got" "$(perl tests/tiny.pl reward "$(chat 'Is it so?' 'Yes, it is.')")" \
	"$(perl tests/tiny.pl reward "$(chat 'Why?' '')")"

# forms of the head
npy() { # SHAPE TYPE TEMPLATE NUMBER ...
	perl -e 'my ($shape, $type, $pack) = splice @ARGV, 0, 3;
		my $h = "{\x27descr\x27: \x27$type\x27, \x27fortran_order\x27: False, \x27shape\x27: $shape, }";
		print "\x93NUMPY\1\0", pack("v", length $h), $h, pack($pack, @ARGV)' "$@"
}
# shellcheck disable=SC2046 # 32 numbers
npy '(32,)' '<f8' 'd<*' $(seq -f %.1f 32) >"$tmp/flat.npy"
# shellcheck disable=SC2046 # 32 numbers
npy '(1, 32)' '<f4' 'f<*' $(seq -f %.1f 32) >"$tmp/row.npy"
score reward -m "$model" --head "$tmp/flat.npy" "$tmp/e.jsonl" | view >"$tmp/flat"
ok 'a head of one dimension, in float64' sh -c "score reward -m '$model' --head '$tmp/row.npy' '$tmp/e.jsonl' |
	view | cmp - '$tmp/flat'"
# shellcheck disable=SC2046 # 64 numbers
npy '(2, 32)' '<f4' 'f<*' $(seq 64) >"$tmp/two.npy"
refused() { # FILE MESSAGE
	fails 1 "score: $2" score reward -m "$model" --head "$1" "$tmp/e.jsonl"
}
refused "$tmp/two.npy" "'$tmp/two.npy' has 2 rows, but a head is one row"
npy '(1, 2)' '<f4' 'f<*' 1 2 >"$tmp/short.npy"
refused "$tmp/short.npy" "'$tmp/short.npy' has 2 numbers, but a head of this model has 32"
fails 1 "score: cannot open '$tmp/no.npy': No such file or directory" \
	score reward -m "$tmp/no.gguf" --head "$tmp/no.npy" "$tmp/e.jsonl"
npy '(1, 1, 32)' '<f4' 'f<*' >"$tmp/cube.npy"
refused "$tmp/cube.npy" "'$tmp/cube.npy' has 3 dimensions, not 2: records and numbers"
# shellcheck disable=SC2046 # 31 numbers
npy '(1, 32)' '<f4' 'f<*' $(seq 31) nan >"$tmp/nan.npy"
refused "$tmp/nan.npy" "'$tmp/nan.npy': row 1: number 32 is not finite"
head -c 150 "$tmp/head.npy" >"$tmp/cut.npy"
refused "$tmp/cut.npy" "'$tmp/cut.npy' is truncated: it ends inside row 1 of 1"
refused "$tmp/no.npy" "cannot open '$tmp/no.npy': No such file or directory"
refused "$model" "'$model' is not a .npy file"
# shellcheck disable=SC2046 # 32 numbers
npy '(1, 32)' '<f8' 'd<*' $(seq -f %ge300 32) >"$tmp/great.npy"
refused "$tmp/great.npy" "'$tmp/great.npy': row 1: number 1 is 1e+300, too great for float32"
jq -c 'del(.completion)' "$tmp/e.jsonl" >"$tmp/bad.jsonl"
fails 1 "score: '$tmp/bad.jsonl': record 1: no field 'completion'" \
	score reward -m "$model" --head "$tmp/head.npy" "$tmp/bad.jsonl"
jq -c 'del(.prompt)' "$tmp/e.jsonl" >"$tmp/bad.jsonl"
fails 1 "score: '$tmp/bad.jsonl': record 1: no field 'prompt'" \
	score reward -m "$model" --head "$tmp/head.npy" "$tmp/bad.jsonl"
made >"$tmp/a.ods"
fails 1 "score: '$tmp/a.ods' holds activations, not examples or completions" \
	score reward -m "$model" --head "$tmp/head.npy" "$tmp/a.ods"
made | fitbarrier -f linact -o "$tmp/map.ods"
fails 1 "score: 'linact' has no h: it says where activations go, not how likely they are" \
	score reward -m "$model" -b "$tmp/map.ods" "$tmp/e.jsonl"

# who scored, and the report
score reward -m "$model" --head "$tmp/head.npy" -o "$tmp/r.ods" "$tmp/e.jsonl"
is "$(view --header "$tmp/r.ods" | jq -r 'select(.odesteer).chain[-1] | .side as $s
		| .by | sub("\\([0-9a-f]{16}\\)"; "(x)"; "g")')" \
	'head.npy (x) of tiny.gguf (x)' 'the chain says who scored'
is "$(view --header "$tmp/r.ods" | jq -c 'select(.odesteer).chain[-1].side | keys')" \
	"[\"$tmp/head.npy\",\"$model\"]" 'and has both files'
score reward -m "$model" --head "$tmp/row.npy" -o "$tmp/r2.ods" "$tmp/e.jsonl"
is "$(score report --column reward:p90:p90 --column reward:win:win --format csv a="$tmp/r.ods" b="$tmp/r2.ods" |
		cut -d, -f1,2 | tr '\n' ' ')" \
	'run,metric a,p90 a,Reward b,p90 b,win b,Reward ' 'columns of the report'

[ -e "$ODESTEER_MODEL" ] || { echo "# no model: barriers are not tested"; finish; }
head -n 12 datasets/sample.jsonl | jq -c -f datasets/forms/examples.jq >"$tmp/e.jsonl"
for t in raw chat; do
	collect -l 13 -t $t "$tmp/e.jsonl" | fitbarrier -f linear -o "$tmp/b.ods"
	collect -l 13 -t $t "$tmp/e.jsonl" | score density -b "$tmp/b.ods" | view >"$tmp/h.jsonl"
	score reward -b "$tmp/b.ods" -t $t "$tmp/e.jsonl" | view >"$tmp/got"
	is "$(jq -s --slurpfile h "$tmp/h.jsonl" '[range(length) as $i | .[$i].reward - $h[$i].h | fabs] | max < 0.5
		and length == 48' "$tmp/got" 2>&1)" true "-b -t $t: h of the same activations"
done
view --header "$tmp/b.ods" | jq -c 'if .odesteer then .digest = "00000000000000bb" else . end' |
	view --pack >"$tmp/other.ods"
run score reward -b "$tmp/other.ods" "$tmp/e.jsonl"
is "$status: $(echo "$err" | sed "s/: '.*//")" '1: score: the barrier is of another model' 'another model'
finish
