#!/bin/sh
. tests/tap.sh
. tests/made.sh

made >"$tmp/a.ods"
ok 'fits' fitbarrier --components 64 -o "$tmp/b.ods" "$tmp/a.ods"
is "$(view "$tmp/b.ods" | jq -c '[.id, .field, .C, .degree, .components, .gamma, .coef0, .positives, .negatives, .groups, .prior, .folds, .seed]
	== ["barrier", "polysketch", 1, 2, 64, 0.1, 1, 24, 24, 12, 0.5, 5, 0]')" true 'the record says what was fitted'
is "$(view "$tmp/b.ods" | jq -c '[(.w | length), (.index | length), (.sign | length), (.auc > 0.9), (.gradient_norm < 1e-9)]')" \
	'[64,14,14,true,true]' 'its arrays have their lengths, the fit is at its optimum and separates'
is "$(view --header "$tmp/b.ods" | jq -c 'select(.odesteer) | [.kind, .model, .digest, .block, .dim, (.chain | map(.tool)), .chain[-1].seed]')" \
	'["barrier","made","00000000000000aa",[3],6,["view","fitbarrier"],0]' 'the header names model, block and chain'
norm=$(view "$tmp/a.ods" | jq -s 'map(.act | map(. * .) | add | sqrt) | add / length * 1e6 | round')
is "$(view "$tmp/b.ods" | jq '.act_norm * 1e6 | round')" "$norm" 'act_norm is the mean norm'
fitbarrier --components 64 <"$tmp/a.ods" >"$tmp/b2.ods"
is "$(view "$tmp/b2.ods" | cksum)" "$(view "$tmp/b.ods" | cksum)" 'the same from a pipe'
fitbarrier --components 64 -o "$tmp/b.ods" "$tmp/a.ods"
cp "$tmp/b.ods" "$tmp/b3.ods"
fitbarrier --components 64 -o "$tmp/b.ods" "$tmp/a.ods"
ok 'the same bytes twice' cmp "$tmp/b.ods" "$tmp/b3.ods"
fitbarrier -S 7 --components 64 "$tmp/a.ods" | view >"$tmp/seed7"
is "$(jq .seed "$tmp/seed7")" 7 '-S is recorded'
view "$tmp/b.ods" >"$tmp/seed0"
is "$(jq -s '.[0].index == .[1].index' "$tmp/seed0" "$tmp/seed7")" false 'and draws other hashes'
is "$(fitbarrier --degree 3 --coef0 0 --gamma 0.385 -C 2.385 --components 50 "$tmp/a.ods" | view | jq -c '[.degree, .coef0, .gamma, .C, (.index | length)] == [3, 0, 0.385, 2.385, 18]')" true 'every parameter arrives'
is "$(fitbarrier --components 64 --folds 2 "$tmp/a.ods" | view | jq -c .folds)" 2 '--folds'
run fitbarrier -v --components 64 -o "$tmp/x.ods" "$tmp/a.ods"
is "$(echo "$err" | sed 's/, [0-9.]* s$//; s/AUC .*/AUC/; s/objective [^,]*/objective/; s/norm [0-9.e+-]*/norm/; s/after [0-9]*/after/')" \
	'fitbarrier: block 3, 24 positives and 24 negatives in 12 groups, mean norm
fitbarrier: prior 0.5000, objective, gradient norm after Newton steps, held-out AUC' '-v reports'
ok '-z writes gzip' sh -c 'fitbarrier -z --components 64 "$1" | gzip -t' sh "$tmp/a.ods"
is "$(fitbarrier -f help | cut -d' ' -f1)" polysketch '-f help'

# two blocks in one stream
made 'if .odesteer then .block = [3, 5] else (., .block = 5) end' >"$tmp/two.ods"
fails 2 "fitbarrier: the stream holds 2 blocks: choose one with -l
try 'fitbarrier -h'" fitbarrier "$tmp/two.ods"
is "$(fitbarrier -l 5 --components 64 "$tmp/two.ods" | view --header | jq -c '.block // .positives')" '[5]
24' '-l picks a block'
fails 1 'fitbarrier: the stream does not hold block 4' fitbarrier -l 4 "$tmp/two.ods"

# a preset with a field that has no use for all of it
fitbarrier -p best -f caa "$tmp/a.ods" | view >"$tmp/best"
is "$(jq -c '[.field, has("isd")]' "$tmp/best")" '["caa",false]' '-p best -f caa standardises nothing'

# import: a vector goes through GGUF and comes back
fitbarrier -f caa -o "$tmp/caa.ods" "$tmp/a.ods"
view --gguf "$tmp/v.gguf" "$tmp/caa.ods"
ok 'import' fitbarrier -f import --vector "$tmp/v.gguf" -o "$tmp/import.ods" "$tmp/a.ods"
view "$tmp/caa.ods" >"$tmp/caa"
view "$tmp/import.ods" >"$tmp/import"
is "$(jq -s -c '(.[0].vector | map(fabs) | add) as $n | [.[0].vector, .[1].vector] | transpose |
	map((.[0] - .[1]) | fabs) | max < 1e-7 * $n' "$tmp/caa" "$tmp/import")" true 'has the vector'
is "$(jq -s -c '[(.[0].slope / .[1].slope), (.[0].intercept / .[1].intercept)] | map((. - 1 | fabs) < 1e-4)' "$tmp/caa" "$tmp/import")" \
	'[true,true]' 'and the h along it'
is "$(jq -c '[.field, .positives, .negatives, .groups, has("auc"), has("C"), (.positives_h | length)]' "$tmp/import")" \
	'["import",24,24,12,true,false,101]' 'and figures of its own'
view --gguf "$tmp/v2.gguf" "$tmp/import.ods"
ok 'the vector is the same to the last bit' cmp "$tmp/v.gguf" "$tmp/v2.gguf"
is "$(view --header "$tmp/import.ods" | head -n 1 | jq -c '[.block, .model, (.chain[-1].side | to_entries[0] | .key, (.value | length))]')" \
	"[[3],\"made\",\"$tmp/v.gguf\",16]" 'the chain names the file and its digest'
for b in caa import; do
	integrate -b "$tmp/$b.ods" -T 0.385 "$tmp/a.ods" | view | jq -c .act >"$tmp/$b.act"
done
is "$(jq -s -c '[.[:48], .[48:]] | transpose | map(transpose[]) | length, (map((.[0] - .[1]) | fabs) | max <= 1e-6)' \
	"$tmp/caa.act" "$tmp/import.act" | tr '\n' ' ')" '288 true ' 'activations go the same way'

vector() { # MESSAGE FILE [OPTION...]
	message=$1 file=$2
	shift 2
	fails 1 "fitbarrier: $message" fitbarrier -f import --vector "$file" "$@"
}
vector "cannot open '$tmp/nope': No such file or directory" "$tmp/nope" "$tmp/a.ods"
vector "cannot read '$tmp': it is not a regular file" "$tmp" "$tmp/a.ods"
vector "'$tmp/a.ods' is not a GGUF file" "$tmp/a.ods" "$tmp/a.ods"
vector "'$tmp/v.gguf' has no direction.5" "$tmp/v.gguf" -l 5 "$tmp/two.ods"
sed 's/controlvector/controlvectoR/' "$tmp/v.gguf" >"$tmp/other.gguf"
vector "'$tmp/other.gguf' is not a control vector: its general.architecture is not 'controlvector'" "$tmp/other.gguf" "$tmp/a.ods"
made 'if .odesteer then .dim = 5 else .act |= .[:5] end' >"$tmp/five.ods"
vector "'$tmp/v.gguf': direction.3 has 6 numbers, not 5" "$tmp/v.gguf" "$tmp/five.ods"
head -c 240 "$tmp/v.gguf" >"$tmp/short.gguf"
vector "'$tmp/short.gguf' is truncated: it ends before direction.3 does" "$tmp/short.gguf" "$tmp/a.ods"
head -c 100 "$tmp/v.gguf" >"$tmp/short.gguf"
vector "'$tmp/short.gguf' is a broken GGUF file, or of a version that is not known here" "$tmp/short.gguf" "$tmp/a.ods"
{ head -c 224 "$tmp/v.gguf"; printf '\000\000\300\177'; tail -c +229 "$tmp/v.gguf"; } >"$tmp/nan.gguf"
vector "'$tmp/nan.gguf': number 1 of direction.3 is not finite" "$tmp/nan.gguf" "$tmp/a.ods"

# what cannot be fitted
made 'if .odesteer then . else .label = 1 end' >"$tmp/one.ods"
fails 1 'fitbarrier: all 48 activations have label 1: both labels are needed' fitbarrier "$tmp/one.ods"
made 'if .odesteer then . else .group = "g" end' >"$tmp/group.ods"
fails 1 'fitbarrier: all activations are of one group: at least 2 are needed' fitbarrier "$tmp/group.ods"
made 'select(.odesteer)' >"$tmp/none.ods"
fails 1 'fitbarrier: no activations of block 3' fitbarrier "$tmp/none.ods"
made 'if .id == "r9" then del(.label) else . end' >"$tmp/label.ods"
fails 1 "fitbarrier: '$tmp/label.ods': record 10: field 'label' is not 0 or 1" fitbarrier "$tmp/label.ods"
made 'if .id == "r9" then .label = 2 else . end' >"$tmp/label.ods"
fails 1 "fitbarrier: '$tmp/label.ods': record 10: field 'label' is not 0 or 1" fitbarrier "$tmp/label.ods"
made 'if .odesteer then . else .act = [0, 0, 0, 0, 0, 0] end' >"$tmp/zero.ods"
fails 1 'fitbarrier: every activation is zero' fitbarrier "$tmp/zero.ods"
printf 'x' | dd of="$tmp/a.ods" bs=1 seek=900 conv=notrunc 2>/dev/null
run fitbarrier -o "$tmp/y.ods" "$tmp/a.ods"
is "$status $(find "$tmp" -name 'y*' | wc -l)" '1 0' 'a damaged stream leaves nothing behind'

# usage
fails 1 "fitbarrier: cannot open '$tmp/nope': No such file or directory" fitbarrier "$tmp/nope"
fails 1 'fitbarrier: standard input is empty' fitbarrier
echo '{"id":"a"}' >"$tmp/t.jsonl"
fails 1 "fitbarrier: '$tmp/t.jsonl' holds examples, not activations" fitbarrier "$tmp/t.jsonl"
fails 2 "fitbarrier: -C: 'x' is not a number
try 'fitbarrier -h'" fitbarrier -C x
fails 2 "fitbarrier: --degree: '17' is not in [1, 16]
try 'fitbarrier -h'" fitbarrier --degree 17
fails 2 "fitbarrier: -f: 'nope' is not a field (-f help lists them)
try 'fitbarrier -h'" fitbarrier -f nope
fails 2 "fitbarrier: 'import' needs --vector
try 'fitbarrier -h'" fitbarrier -f import
fails 2 "fitbarrier: --vector: 'caa' has no use for it
try 'fitbarrier -h'" fitbarrier -f caa --vector x
fails 2 "fitbarrier: -C: 'import' has no use for it
try 'fitbarrier -h'" fitbarrier -f import --vector x -C 2
fails 2 "fitbarrier: unknown option '-x'
try 'fitbarrier -h'" fitbarrier -x
made >"$tmp/a.ods"
run sh -c 'fitbarrier --components 64 "$1" >/dev/full' sh "$tmp/a.ods"
is "$status $err" "1 fitbarrier: cannot write 'standard output': No space left on device" 'a full disk'
finish
