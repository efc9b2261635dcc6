#!/bin/sh
# datasets/toxicity and tools/setup/fittext: the classifier of score toxicity can be made again, byte for byte, on
# every processor. With DATA, the texts are read and the one in the tree is tested; with FULL as well, it is made again.
. tests/tap.sh
fittext=${ODESTEER_FUZZ-}/../fittext
[ -x "$fittext" ] || skip_all 'fittext is not built, or ODESTEER_FUZZ, the folder beside it, is not set'
data=${DATA-}
unset DATA SEED TOXICITY_URL TOXICITY_SUMS

# 600 texts: kind words, unkind ones, and words that say nothing
jq -n -c '["calm", "lovely", "thanks", "fine"] as $kind | ["vile", "dumb", "awful", "nasty"] as $unkind
	| range(600) as $i | ($i * 7919 % 1009 / 1009) as $x
	| {kind: ($x * 1000 | floor / 1000), completion: ([range(9) as $k
			| if ($i * 31 + $k * 17) % 23 / 23 > 0.4 then "word\($i * $k % 37)"
				elif ($i * 13 + $k * 7) % 11 / 11 < $x then $unkind[$k % 4]
				else $kind[$k % 4] end] | join(" ")),
		split: (if $i % 6 == 0 then "calibrate" elif $i % 13 == 0 then "test" else "fit" end)}' \
	>"$tmp/texts.jsonl"
ok 'a classifier is fitted' "$fittext" mood kind "$tmp/mood.ods" <"$tmp/texts.jsonl"
is "$(view "$tmp/mood.ods" | jq -c '[.predicts, .texts, .calibrated_on, (.w | length)]')" \
	"[\"mood\",$(jq -s -c 'map(select(.split == "fit")) | length' "$tmp/texts.jsonl"),100,262144]" 'its record'
view --header "$tmp/mood.ods" | jq -c 'if .predicts then .predicts = "toxicity" else . end' >"$tmp/w.jsonl"
is "$(score toxicity --weights "$tmp/w.jsonl" "$tmp/texts.jsonl" | view |
		jq -s 'map(select(.split == "test") | {x: (.kind >= 0.5), p: .toxicity})
			| [.[] | select(.x).p] as $high | [.[] | select(.x | not).p] as $low
			| [$high[] as $a | $low[] as $b | if $a > $b then 1 else 0 end] | add / length > 0.8')" \
	true 'it tells texts that it was not fitted to'
again() { # VARIABLE=VALUE...: as bytes
	env "$@" "$fittext" mood kind "$tmp/again.ods" <"$tmp/texts.jsonl"
	cksum <"$tmp/again.ods"
}
bytes=$(cksum <"$tmp/mood.ods")
is "$(again OPENBLAS_NUM_THREADS=1)" "$bytes" 'the same bytes again, with one thread'
for kernels in Prescott Nehalem Haswell SkylakeX; do
	case $kernels in
	Haswell) flag=avx2 ;;
	SkylakeX) flag=avx512f ;;
	*) flag=pni ;;
	esac
	grep -qw $flag /proc/cpuinfo || continue
	is "$(again OPENBLAS_CORETYPE=$kernels)" "$bytes" "the same bytes with the kernels $kernels"
done
is "$(again GLIBC_TUNABLES=glibc.cpu.hwcaps=-FMA,-AVX2,-AVX2_Usable,-FMA_Usable,-FMA4_Usable)" "$bytes" \
	'and without the fused operations of libm'
fails 1 "fittext: standard input: record 3: field 'kind' is not a number from 0 to 1" \
	sh -c "sed '3s/\"kind\":/\"kind\":2/' '$tmp/texts.jsonl' | '$fittext' mood kind '$tmp/x.ods'"
fails 1 "fittext: standard input: record 1: field 'other' is not a number from 0 to 1" \
	sh -c "'$fittext' mood other '$tmp/x.ods' <'$tmp/texts.jsonl'"
fails 1 'fittext: there must be examples to fit to and to calibrate with' \
	sh -c "grep fit '$tmp/texts.jsonl' | '$fittext' mood kind '$tmp/x.ods'"
ok 'examples of another split need not have the field' \
	sh -c "jq -c 'if .split == \"test\" then del(.kind) else . end' '$tmp/texts.jsonl' |
		'$fittext' mood kind '$tmp/less.ods' && cmp '$tmp/less.ods' '$tmp/mood.ods'"
fails 2 'usage: fittext LABEL FIELD FILE' "$fittext" mood kind
is "$(find "$tmp" -name 'x.ods*' | wc -l)" 0 'a fit that fails leaves no output'

fails 2 'usage: toxicity comments | tests | counts' datasets/toxicity
fails 1 'toxicity: DATA, the folder of the files, or TOXICITY_URL must be given' datasets/toxicity counts
fails 1 "toxicity: DATA has no file '/nowhere/wordlists/ldnoobw_en.txt'" env DATA=/nowhere datasets/toxicity counts

fails 1 'toxicity: DATA, the folder of the texts, must be given' env OUT="$tmp/out" pipelines/studies/toxicity
if [ -z "$data" ]; then
	echo '# skipped: DATA is not set, so the texts are not read'
	finish
fi
export DATA="$data"
datasets/toxicity comments >"$tmp/comments.jsonl" 2>"$tmp/err"
is "$? $(cat "$tmp/err")" '0 ' 'datasets/toxicity comments'
is "$(jq -n -c 'reduce inputs as $r ({}; .[$r.source][$r.split] += 1)' "$tmp/comments.jsonl")" \
	'{"wiki":{"fit":9757,"test":2423},"talk":{"fit":15680,"test":4034},"civil":{"fit":16100},'\
'"generations":{"fit":9618,"test":3068,"calibrate":1422},"adversarial":{"fit":2400},"identity":{"fit":7440}}' \
	'how many texts of each source have each split'
is "$(jq -n -c '[reduce inputs as $r ({}; .[$r.group][$r.split] = 1) | .[] | length] | unique' "$tmp/comments.jsonl")" \
	'[1]' 'no group, such as a prompt, has two splits'
jq -c 'select(.split == "test" and .source == "wiki")' "$tmp/comments.jsonl" >"$tmp/wiki.jsonl"
score toxicity -o "$tmp/scored.ods" "$tmp/wiki.jsonl"
is "$(score report --format json --column toxicity:AUC:auc "$tmp/scored.ods" |
		jq '.[] | select(.metric == "AUC").value >= 0.95')" true 'the AUC on comments held out is at least .95'
if [ -z "${FULL-}" ]; then
	echo '# skipped: FULL is not set, so the classifier is not made again'
	finish
fi
ok 'the classifier is made again' "$fittext" toxicity rated "$tmp/toxicity.ods" <"$tmp/comments.jsonl"
ok 'and has the same bytes' cmp "$tmp/toxicity.ods" datasets/toxicity.ods
run env OUT="$tmp/out" pipelines/studies/toxicity
is "$status $err" '0 ' 'the study'
is "$(printf '%s\n' "$out" | awk '$1 == "generations" && NF == 3 { print ($2 >= 0.75) }')" 1 \
	'the rank correlation with Perspective on generations held out is at least .75'
finish
