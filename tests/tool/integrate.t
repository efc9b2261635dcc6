#!/bin/sh
. tests/tap.sh
. tests/made.sh

made >"$tmp/a.ods"
fitbarrier -p paper --components 64 -o "$tmp/b.ods" "$tmp/a.ods"
ok 'moves activations' integrate -b "$tmp/b.ods" -T 2.385 -o "$tmp/s.ods" "$tmp/a.ods"
is "$(view "$tmp/s.ods" | jq -s 'map(select(.h_after > .h_before)) | length')" 48 'h rises for every one of them'
score density -b "$tmp/b.ods" "$tmp/s.ods" | view >"$tmp/h.jsonl"
is "$(jq -s 'map(.h - .h_after | fabs) | max < 1e-5' "$tmp/h.jsonl")" true 'h_after is h of what came out'
score density -b "$tmp/b.ods" "$tmp/a.ods" | view >"$tmp/h0.jsonl"
view "$tmp/s.ods" >"$tmp/s.jsonl"
is "$(jq -n --slurpfile a "$tmp/h0.jsonl" --slurpfile b "$tmp/s.jsonl" '[range(48)
		| $a[.].h - $b[.].h_before | fabs] | max < 1e-9')" \
	true 'h_before is h of what went in'
is "$(view --header "$tmp/s.ods" |
		jq -c 'select(.odesteer) | [.kind, .chain[-1].tool, .chain[-1].argv[0:4],
			(.chain[-1].side | keys | length)]')" \
	"[\"activations\",\"integrate\",[\"-b\",\"$tmp/b.ods\",\"-T\",\"2.385\"],1]" 'the chain names the barrier'
is "$(head -n 3 "$tmp/s.jsonl" | jq -c '[.id, .group, .label, .block] + keys_unsorted')" \
	'["r0","g0",0,3,"id","group","label","block","act","h_before","h_after","length","steps"]
["r1","g0",1,3,"id","group","label","block","act","h_before","h_after","length","steps"]
["r2","g0",0,3,"id","group","label","block","act","h_before","h_after","length","steps"]' 'fields and order survive'

is "$(made 'del(.id)' | integrate -b "$tmp/b.ods" | view | jq -s -c 'map(.id) == [range(1; 49)]')" true \
	'records without an id are numbered'

# strengths
norm=$(view "$tmp/b.ods" | jq .act_norm)
acts() {
	view "$@" | jq -c .act
}
view "$tmp/a.ods" | jq -c .act >"$tmp/a.act"
integrate -b "$tmp/b.ods" -T 0 "$tmp/a.ods" >"$tmp/t0.ods"
acts "$tmp/t0.ods" >"$tmp/t0.act"
ok 'T = 0 leaves activations alone' cmp "$tmp/a.act" "$tmp/t0.act"
integrate -b "$tmp/b.ods" -T 0.0385r "$tmp/a.ods" >"$tmp/r.ods"
integrate -b "$tmp/b.ods" -T "$(jq -n "$norm * 0.0385")" "$tmp/a.ods" >"$tmp/abs.ods"
is "$(acts "$tmp/r.ods" | cksum)" "$(acts "$tmp/abs.ods" | cksum)" 'a relative T is a share of the mean norm of the fit'
is "$(integrate -b "$tmp/b.ods" -T 2.385 -n 1 "$tmp/a.ods" | view | jq -s --slurpfile a "$tmp/h0.jsonl" '
	[range(48) as $i | [range(6) as $k | .[$i].act[$k] - $a[$i].act[$k] | . * .] | add | sqrt - 2.385
	| fabs] | max < 1e-5')" \
	true 'one Euler step has the length T'

# equal ways
integrate -b "$tmp/b.ods" -T 5 -n 10 "$tmp/a.ods" | acts >"$tmp/ten"
cp "$tmp/a.ods" "$tmp/pass.ods"
for _ in 1 2 3 4 5 6 7 8 9 10; do
	integrate -b "$tmp/b.ods" -T 0.5 -n 1 -o "$tmp/next.ods" "$tmp/pass.ods"
	mv "$tmp/next.ods" "$tmp/pass.ods"
done
acts "$tmp/pass.ods" >"$tmp/passes"
is "$(jq -n --slurpfile a "$tmp/ten" --slurpfile b "$tmp/passes" \
	'[range(48) as $i | range(6) as $k | $a[$i][$k] - $b[$i][$k] | fabs]
		| max < 1e-5')" true 'ten steps are ten passes of one'
view --header "$tmp/a.ods" | jq -c 'select(.odesteer or (.id[1:] | tonumber) < 23)' | view --pack >"$tmp/a1.ods"
view --header "$tmp/a.ods" | jq -c 'select(.odesteer or (.id[1:] | tonumber) >= 23)' | view --pack >"$tmp/a2.ods"
is "$(integrate -b "$tmp/b.ods" "$tmp/a1.ods" "$tmp/a2.ods" | view | cksum)" \
	"$(integrate -b "$tmp/b.ods" "$tmp/a.ods" | view | cksum)" \
	'two halves are the whole'
# these kernels of OpenBLAS sum in an order that depends on alignment
is "$(OPENBLAS_CORETYPE=Prescott integrate -b "$tmp/b.ods" "$tmp/a1.ods" "$tmp/a2.ods" | view | cksum)" \
	"$(OPENBLAS_CORETYPE=Prescott integrate -b "$tmp/b.ods" "$tmp/a.ods" | view | cksum)" \
	'and they are with the kernels for SSE2'
integrate -z -b "$tmp/b.ods" "$tmp/a.ods" >"$tmp/z.gz"
ok '-z writes gzip' gzip -t "$tmp/z.gz"
is "$(integrate -b "$tmp/b.ods" -T 0 "$tmp/z.gz" | acts | cksum)" \
	"$(integrate -b "$tmp/b.ods" "$tmp/a.ods" | acts | cksum)" 'and gzip is read'
made 'if .odesteer then .dtype = "float16" else . end' >"$tmp/half.ods"
is "$(integrate -b "$tmp/b.ods" "$tmp/half.ods" | view --header | jq -c 'select(.odesteer) | .dtype')" \
	'"float16"' 'float16 stays float16'

# solvers
adaptive=$(integrate -s help | grep adaptive | cut -d' ' -f1)
fixed=$(integrate -s help | grep -v adaptive | cut -d' ' -f1)
fails 1 "integrate: cannot write 'standard output': No space left on device" sh -c 'integrate -s help >/dev/full'
for s in $fixed; do
	integrate -b "$tmp/b.ods" -s "$s" -T 0.8 -n 40 "$tmp/a.ods" | acts >"$tmp/$(echo "$s" | tr -d /)"
done
is "$(jq -n -c --slurpfile a "$tmp/rk4" --slurpfile b "$tmp/rk4-38" --slurpfile m "$tmp/midpoint" \
		--slurpfile e "$tmp/euler" '
	def far($x): [range(48) as $i | range(6) as $k | $a[$i][$k] - $x[$i][$k] | fabs] | max;
	[far($b) < 1e-5, far($m) < 1e-3, far($m) < far($e)]')" '[true,true,true]' \
	'the solvers agree as well as their order says'

for s in $adaptive; do
	integrate -b "$tmp/b.ods" -s $s --tolerance 1e-9 -T 0.8 "$tmp/a.ods" | view >"$tmp/$s.jsonl"
	is "$(jq -s -c --slurpfile a "$tmp/rk4" '[([range(48) as $i | range(6) as $k
			| $a[$i][$k] - .[$i].act[$k] | fabs] | max < 2e-6),
			(map(.length == 0.8 and .steps > 1) | all)]' "$tmp/$s.jsonl")" \
		'[true,true]' "$s meets them, in steps of its own"
	is "$(integrate -b "$tmp/b.ods" -s $s -T 0.8 "$tmp/a.ods" | view |
			jq -s --slurpfile a "$tmp/$s.jsonl" '(map(.steps) | add) <= ($a | map(.steps) | add)')" \
		true \
		'a greater tolerance takes no more of them'
	fails 1 "integrate: '$s' chooses its own steps: -n has no effect" \
		integrate -b "$tmp/b.ods" -n 10 -s $s "$tmp/a.ods"
done
for s in $fixed; do
	fails 1 "integrate: '$s' takes equal steps: --tolerance has no effect" \
		integrate -b "$tmp/b.ods" --tolerance 1e-4 -s $s "$tmp/a.ods"
done
fails 1 "integrate: 'euler' takes equal steps: --tolerance has no effect" \
	integrate -b "$tmp/b.ods" --tolerance 1e-4 "$tmp/a.ods"
is "$(jq -s -c 'map([.length, .steps]) | unique' "$tmp/s.jsonl")" '[[2.385,10]]' 'length and steps of a fixed solver'

# --until: stop where h is a quantile of the positives' h, held out; who is there already is left alone
view "$tmp/b.ods" >"$tmp/b.json"
stops() { # QUANTILE [OPTION ...]
	q=$1
	shift
	integrate -b "$tmp/b.ods" --until "$q" -T 20 "$@" "$tmp/a.ods" | view >"$tmp/until.jsonl"
	jq -n -c --slurpfile b "$tmp/b.json" --slurpfile u "$tmp/until.jsonl" --slurpfile a "$tmp/a.act" \
		--argjson q "$q" '
		$b[0].positives_h as $h | ([$q * 100 | floor, 99] | min) as $i
		| ($h[$i] + ($q * 100 - $i) * ($h[$i + 1] - $h[$i])) as $level
		| [range(48) | {u: $u[.], a: $a[.]} | select(.u.h_before >= $level)] as $there
		| [$u[] | select(.h_before < $level)] as $moved
		| [($there | length),
			($there | map(.u.length == 0 and .u.steps == 0 and .u.act == .a
				and .u.h_after == .u.h_before) | all),
			($moved | map(.h_after >= $level - 1e-12 and .h_after < $level + 0.02
				and .length > 0 and .length < 20 and .steps > 0) | all)]'
}
is "$(stops 0.5 | jq -c '[.[0] >= 12 and .[0] < 30, .[1], .[2]]')" '[true,true,true]' '--until 0.5'
is "$(stops 0.385 -n 40 -s rk4 | jq -c '[.[0] > 10, .[1], .[2]]')" '[true,true,true]' '--until 0.385'
is "$(stops 0)" "$(stops 0 -s rk8pd)" '--until 0, and adaptive steps'
is "$(stops 0.5 -s rkf45)" "$(stops 0.5)" '--until with rkf45'
is "$(integrate -b "$tmp/b.ods" --until 1 -T 0.1 "$tmp/a.ods" | view |
		jq -s -c 'map(select(.length > 0) | [(.length * 1e9 | round) / 1e9, .steps]) | unique')" \
	'[[0.1,10]]' \
	'who does not get there goes all the way'
stops 0.5 >"$tmp/ignored"
cp "$tmp/until.jsonl" "$tmp/together"
is "$(for i in 0 7 46; do
	made "select(.odesteer or .id == \"r$i\")" | integrate -b "$tmp/b.ods" --until 0.5 -T 20 | view
done | cksum)" "$(sed -n '1p;8p;47p' "$tmp/together" | cksum)" 'one by one is together'

# a negative length goes away from the positives, and there is no level to stop at there
is "$(integrate -b "$tmp/b.ods" -T -2.385 "$tmp/a.ods" | view |
		jq -s -c '[(map(.h_after < .h_before) | all), (map(.length) | unique)]')" '[true,[2.385]]' \
	'a negative length lowers h'
is "$(integrate -b "$tmp/b.ods" -T -0.0385r "$tmp/a.ods" | acts | cksum)" \
	"$(integrate -b "$tmp/b.ods" -T "$(jq -n "$norm * -0.0385")" "$tmp/a.ods" | acts | cksum)" \
	'as a share of the norm, too'
fails 1 'integrate: a negative T leads away from the positives: --until has no effect' \
	integrate -b "$tmp/b.ods" -T -1 --until 0.5 "$tmp/a.ods"

# maps: T is the share of the way
for f in $(fitbarrier -f help | grep 'map)$' | cut -d' ' -f1); do
	case $f in
	spherical) default=0.7 most=1 ;;
	truthflow) default=1.5 most=10 ;;
	*) default=1 most=1 ;;
	esac
	made "if .odesteer or \"$f\" != \"truthflow\" then . else (.at = \"prompt\"), (.at = \"mean\") end" |
		fitbarrier -f $f -o "$tmp/$f.ods"
	for T in 0.385 0.7 1 $default; do
		integrate -b "$tmp/$f.ods" -T $T "$tmp/a.ods" | view >"$tmp/$f.$T"
	done
	ok "$f: $default is the default" sh -c 'integrate -b "$1/$2.ods" "$1/a.ods" | view | cmp - "$1/$2.$3"' \
		sh "$tmp" $f $default
	[ $f = spherical ] || [ $f = hpr ] || is "$(jq -n -c --slurpfile a "$tmp/a.act" --slurpfile p "$tmp/$f.0.385" \
		--slurpfile w "$tmp/$f.1" '[range(48) as $i | range(6) as $k
			| $p[$i].act[$k] - $a[$i][$k] - 0.385 * ($w[$i].act[$k] - $a[$i][$k]) | fabs]
			| max < 1e-5')" true "$f: a share of the way"
	fails 1 "integrate: '$f' is a map, not a flow: its T is a number from 0 to $most" \
		integrate -b "$tmp/$f.ods" -T $most.5 "$tmp/a.ods"
	fails 1 "integrate: '$f' is a map, not a flow: its T is a number from 0 to $most" \
		integrate -b "$tmp/$f.ods" -T 0.5r "$tmp/a.ods"
	fails 1 "integrate: '$f' is a map, not a flow: it has no path to stop on" \
		integrate -b "$tmp/$f.ods" --until 0.5 "$tmp/a.ods"
	for o in '-n 10' '-s euler' '--tolerance 1e-4'; do
		# shellcheck disable=SC2086 # two words
		fails 1 "integrate: '$f' is a map, not a flow: ${o% *} has no effect" \
			integrate -b "$tmp/$f.ods" $o "$tmp/a.ods"
	done
done
is "$(jq -c 'keys_unsorted[-2:]' "$tmp/linact.1" | sort -u)" '["length","steps"]' 'linact has no h, before or after'
is "$(jq -s -c '[(map(select(.length == 0)) | length > 0),
		(map(select(.length == 0).steps == 0 and .length == 0 or .length > 0) | all)]' "$tmp/mimic.1")" \
	'[true,true]' 'mimic leaves some where they are'

for T in 0.385 1; do
	is "$(jq -n -c --slurpfile a "$tmp/a.act" --slurpfile p "$tmp/hpr.$T" '
		def norm: map(. * .) | add | sqrt;
		[([range(48) as $i | ($p[$i].act | norm) / ($a[$i] | norm) - 1 | fabs] | max < 1e-6),
		 ($p | map(select(.length > 0)) | length > 0), ($p | map(select(.length == 0).steps == 0) | all)]')" \
		'[true,true,true]' "hpr: T = $T keeps norms"
done

# CAA's vector keeps its length: T = 1 takes the mean of the negatives to that of the positives
fitbarrier -f caa -o "$tmp/caa.ods" "$tmp/a.ods"
integrate -b "$tmp/caa.ods" -T 1 "$tmp/a.ods" | view | jq -s -c --slurpfile a "$tmp/a.act" '
	. as $s | [range(6) as $k | ([range(48) | select($s[.].label == 0) | $s[.].act[$k]]
	| add / length) - ([range(48) | select($s[.].label == 1) | $a[.][$k]] | add / length) | fabs]
	| max < 1e-5' >"$tmp/caa"
is "$(cat "$tmp/caa")" true 'caa: T = 1 is the way between the means'
for o in '-n 10' '-s rk4' '--tolerance 1e-4'; do
	# shellcheck disable=SC2086 # two words
	fails 1 "integrate: 'caa' is one vector, so that all paths are straight: ${o% *} has no effect" \
		integrate -b "$tmp/caa.ods" $o "$tmp/a.ods"
done

# what a barrier cannot do
made '.label = 0 | if .odesteer then del(.label) elif .id == "r0" then .label = 1 else . end' |
	fitbarrier -f caa -o "$tmp/none.ods"
fails 1 "integrate: --until: this barrier stores no quantiles of h (no groups were held out of its fit)" \
	integrate -b "$tmp/none.ods" --until 0.5 "$tmp/a.ods"
fails 1 'integrate: -T auto: this barrier has no suggested length (fitbarrier -T stores one)' \
	integrate -b "$tmp/none.ods" -T auto "$tmp/a.ods"
for what in '.positives_h = 3' '.positives_h = [1, 2]' '.T_auto = "1"' '.prior = 0' '.mean = .positives_h' \
	'.isd = .positives_h'; do
	view --header "$tmp/b.ods" | jq -c "if .odesteer then . else $what end" | view --pack >"$tmp/lie.ods"
	run integrate -b "$tmp/lie.ods" "$tmp/a.ods"
	is "$status $(echo "$err" | grep -c "^integrate: '$tmp/lie.ods': record 1: ")" '1 1' \
		"barrier with $what: $(echo "$err" | sed 's/.*record 1: //')"
done
fails 1 "integrate: '$tmp/a.ods': record 1: the activation is not finite once steered" \
	integrate -b "$tmp/b.ods" -T 1e300 "$tmp/a.ods"
# the record's own number, in its file and wherever a chunk began
made 'if .odesteer then .dtype = "float16" elif .id == "r12" then .act[0] = 65504 else . end' >"$tmp/edge.ods"
view --header "$tmp/caa.ods" | jq -c 'if .odesteer then . else .vector = [30, 0, 0, 0, 0, 0] end' |
	view --pack >"$tmp/up.ods"
fails 1 "integrate: '$tmp/edge.ods': record 13: an activation holds 65534, which float16 cannot carry" \
	integrate -b "$tmp/up.ods" -T 1 "$tmp/half.ods" "$tmp/edge.ods"
fails 1 'integrate: standard input: record 13: an activation holds 65534, which float16 cannot carry' \
	sh -c '{ head -c 700; sleep 0.2; cat; } <"$2" | integrate -b "$1" -T 1' sh "$tmp/up.ods" "$tmp/edge.ods"
made 'if .id == "r12" then .act[0] = 3.4e38 else . end' >"$tmp/edge.ods"
view --header "$tmp/up.ods" | jq -c 'if .odesteer then . else .vector[0] = 1e37 end' | view --pack >"$tmp/far.ods"
fails 1 "integrate: '$tmp/edge.ods': record 13: the activation is not finite once steered" \
	integrate -b "$tmp/far.ods" -T 1 "$tmp/a.ods" "$tmp/edge.ods"
fails 1 "integrate: '$tmp/a.ods': record 1: more than 100000 steps: the tolerance is too small for the field" \
	integrate -b "$tmp/b.ods" -s rkf45 -T 1e5 "$tmp/a.ods"

# a writer that sends one record and waits for its answer gets it
made 'select(.odesteer or .id == "r0")' >"$tmp/one.ods"
sent=$(($(wc -c <"$tmp/one.ods") - 32)) # all but the end record
answers() { # COMMAND ...
	mkfifo "$tmp/in" "$tmp/out"
	"$@" <"$tmp/in" >"$tmp/out" &
	exec 4>"$tmp/in" 5<"$tmp/out"
	head -c "$sent" "$tmp/a.ods" >&4
	timeout 20 dd bs=65536 count=1 <&5 >"$tmp/first" 2>/dev/null
	is "$(view "$tmp/first" 2>/dev/null | jq -r .id)" r0 "$1 answers before there is more"
	tail -c +$((sent + 1)) "$tmp/a.ods" >&4
	exec 4>&-
	cat <&5 >"$tmp/rest"
	exec 5<&-
	wait
	rm "$tmp/in" "$tmp/out"
	"$@" <"$tmp/a.ods" >"$tmp/whole"
	ok 'and the whole is what it is from a file' sh -c 'cat "$1/first" "$1/rest" | cmp - "$1/whole"' sh "$tmp"
}
answers integrate -b "$tmp/b.ods"
answers score density -b "$tmp/b.ods"

# refusals
fails 2 "integrate: a barrier is needed: -b
try 'integrate -h'" integrate
for what in 'digest = "00000000000000bb"' 'block = [4]' 'block = [3, 4]'; do
	made "if .odesteer then .$what else . end" >"$tmp/other.ods"
	case $what in
	digest*) wanted="integrate: the barrier is of another model: 'made' (00000000000000aa), not 00000000000000bb" ;;
	'block = [4]') wanted='integrate: the barrier is of block 3, not 4' ;;
	*) wanted='integrate: the stream holds 2 blocks, the barrier is of block 3 alone' ;;
	esac
	fails 1 "$wanted" integrate -b "$tmp/b.ods" "$tmp/other.ods"
done
made 'if .odesteer then .dim = 5 else .act = .act[0:5] end' >"$tmp/dim.ods"
fails 1 'integrate: the barrier is of dim 6, not 5' integrate -b "$tmp/b.ods" "$tmp/dim.ods"
fails 1 "integrate: '$tmp/a.ods' holds activations, not barrier" integrate -b "$tmp/a.ods" "$tmp/a.ods"
fails 1 "integrate: '$tmp/b.ods' holds barrier, not activations" integrate -b "$tmp/b.ods" "$tmp/b.ods"
fails 1 "integrate: cannot open 'nope': No such file or directory" integrate -b nope "$tmp/a.ods"
for T in x - 5x r -auto inf 1e999 autor ''; do
	misuse "-T: '$T' is neither a length such as 5, 0.03r or 0.2nat nor auto" integrate -b "$tmp/b.ods" -T "$T"
done
misuse "-b: one barrier at a time; the next can follow in the pipeline" integrate -b "$tmp/b.ods" -b "$tmp/b.ods"
for q in -0.1 1.01; do
	misuse "--until: '$q' is not in [0, 1]" integrate -b "$tmp/b.ods" --until $q
done
misuse "--until: 'half' is not a number" integrate -b "$tmp/b.ods" --until half
misuse "--tolerance: '0' is not in [1e-14, 1e+06]" integrate -b "$tmp/b.ods" --tolerance 0
misuse "-n: '0' is not in [1, 1000000]" integrate -b "$tmp/b.ods" -n 0
misuse "-s: 'leapfrog' is not a solver (-s help lists them)" integrate -b "$tmp/b.ods" -s leapfrog
size=$(wc -c <"$tmp/a.ods")
head -c $((size - 20)) "$tmp/a.ods" >"$tmp/cut.ods"
integrate -b "$tmp/b.ods" "$tmp/cut.ods" >"$tmp/cut.out" 2>"$tmp/cut.err"
is "$?" 1 'a cut stream fails'
run view "$tmp/cut.out"
is "$status" 1 'and has no end record downstream'
integrate -b "$tmp/b.ods" -o "$tmp/cut.file" "$tmp/cut.ods" 2>/dev/null
is "$(find "$tmp" -name 'cut.file*' | wc -l)" 0 'and leaves no file'
run sh -c 'integrate -b "$1" "$2" >/dev/full' sh "$tmp/b.ods" "$tmp/a.ods"
is "$status $err" "1 integrate: cannot write 'standard output': No space left on device" 'a full disk'
set -- "$tmp/a.ods" "$tmp/a.ods" "$tmp/a.ods" "$tmp/a.ods" "$tmp/a.ods" "$tmp/a.ods" "$tmp/a.ods" "$tmp/a.ods"
set -- "$@" "$@" "$@" "$@" "$@" "$@" "$@" "$@"
is "$({ integrate -b "$tmp/b.ods" "$@" "$@" 2>&1 >&3 | cat; } 3>&1 | head -c 1 | wc -c)" 1 \
	'a reader that leaves ends it quietly'
# barrier files that lie
fitbarrier -f rff --components 8 -o "$tmp/rff.ods" "$tmp/a.ods"
fitbarrier -f polykernel --degree 3 -o "$tmp/rows.ods" "$tmp/a.ods"
fitbarrier -f polykernel -o "$tmp/form.ods" "$tmp/a.ods"
lies() { # FILE WHAT MESSAGE
	view --header "$tmp/$1.ods" | jq -c "if .odesteer then . else $2 end" | view --pack >"$tmp/lie.ods"
	fails 1 "integrate: '$tmp/lie.ods': record 1: $3" integrate -b "$tmp/lie.ods" "$tmp/a.ods"
}
lies rff '.components = 16777216' "field 'w' has 8 values, not 16777216"
for seed in -1 4294967296; do
	lies rff ".seed = $seed" "field 'seed' is not an integer from 0 to 4294967295"
	lies b ".seed = $seed" "field 'seed' is not an integer from 0 to 4294967295"
done
lies b '.components = 16777216' "field 'w' has 64 values, not 16777216"
lies rows '.alpha += .alpha' "field 'rows' has 288 values, not 576"
for rank in 0 7 1.5; do
	lies form ".rank = $rank" "field 'rank' is not an integer from 1 to 6"
done
lies form '.rank = 5' "field 'lambda' has 6 values, not 5"
lies form '.lambda = .lambda[1:]' "field 'lambda' has 5 values, not 6"
lies form '.V = .V[1:]' "field 'V' has 35 values, not 36"
lies form '.V[7] = "NaN"' "field 'V' is not an array of numbers"
lies form '.V[7] = 2' "field 'V' has a row that is not of length 1"
lies form '.b = [1]' "field 'b' has 1 values, not 6"
lies mimic '.matrix = .matrix[1:]' "field 'matrix' has 20 values, not 21"
lies linact '.shift = [1]' "field 'shift' has 1 values, not 6"
fitbarrier -f hpr -o "$tmp/hpr.ods" "$tmp/a.ods"
lies hpr '.net = .net[1:]' "field 'net' has 28 values, not 29"
lies hpr '.w += [1]' "field 'w' has 7 values, not 6"
fitbarrier -f recontrol -o "$tmp/recontrol.ods" "$tmp/a.ods"
for f in hpr truthflow recontrol; do
	perl -0777 -pe 's/(\xa3net\xdc..\xca)..../$1\x7f\xc0\0\0/s' "$tmp/$f.ods" >"$tmp/nan.ods"
	fails 1 "integrate: '$tmp/nan.ods': record 1: field 'net' holds a number that is not finite" \
		integrate -b "$tmp/nan.ods" "$tmp/a.ods"
done
lies truthflow '.net = .net[1:]' "field 'net' has 5119 values, not 5120"
lies truthflow '.rank = 7' "field 'rank' is not an integer from 1 to 6"
lies truthflow '.basis[0] += 0.01' "field 'basis' is not orthonormal"
is "$(integrate -b "$tmp/recontrol.ods" "$tmp/a.ods" | view | cksum)" \
	"$(integrate -b "$tmp/recontrol.ods" -T 30 -n 30 "$tmp/a.ods" | view | cksum)" \
	'recontrol has its own T and steps'
is "$(integrate -b "$tmp/recontrol.ods" -n 3 "$tmp/a.ods" | view | jq .steps | uniq)" 3 '-n overrides them'
fails 1 "integrate: --until: 'recontrol' has no h" integrate -b "$tmp/recontrol.ods" --until 0.5 "$tmp/a.ods"
lies recontrol '.layers = 2' "field 'net' has 91 values, not 49"
lies recontrol '.speed = -1' "field 'speed' is not a positive number"
lies recontrol '.positives_h = [range(101)]' "field 'positives_h' has no meaning for 'recontrol', which has no h"
lies recontrol 'del(.net)' "field 'net' is not an array of numbers"
lies ablation '.direction[0] += 0.001' "field 'direction' is not of length 1"
view --header "$tmp/ablation.ods" | jq -c 'if .odesteer then . else
	.direction |= map(. * 1e7 | round / 1e7) end' | view --pack >"$tmp/rounded.ods"
ok 'a direction may be rounded to single precision' integrate -b "$tmp/rounded.ods" -o "$tmp/x.ods" "$tmp/a.ods"
lies ablation '.direction += [0]' "field 'direction' has 7 values, not 6"
perl -0777 -pe 's/(\xa9direction\x96\xcb).{8}/$1\x7f\xf8\0\0\0\0\0\0/s' "$tmp/ablation.ods" >"$tmp/nan.ods"
fails 1 "integrate: '$tmp/nan.ods': record 1: field 'direction' holds a number that is not finite" \
	integrate -b "$tmp/nan.ods" "$tmp/a.ods"
lies spherical '.kappa = 0' "field 'kappa' is not a positive number"
lies spherical '.beta = 1' "field 'beta' is not a number from -1 to less than 1"
lies spherical 'del(.beta)' "field 'beta' is not a number"
lies caa 'del(.vector)' "field 'vector' is not an array of numbers"
for what in '.index[0] = 64' '.index[0] = -1' '.sign[0] = 0' '.w = .w[1:]' '.components = 0' '.degree = 17' \
	'.gamma = 0' '.act_norm = 0' \
	'.field = "nope"' 'del(.intercept)' 'del(.field)' '.index = "x"' '.coef0 = 0'; do
	view --header "$tmp/b.ods" | jq -c "if .odesteer then . else $what end" | view --pack >"$tmp/lie.ods"
	run integrate -b "$tmp/lie.ods" "$tmp/a.ods"
	is "$status $(echo "$err" | grep -c "^integrate: '$tmp/lie.ods': record 1: ")" '1 1' \
		"barrier with $what: $(echo "$err" | sed 's/.*record 1: //')"
done
finish
