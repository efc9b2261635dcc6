#!/bin/sh
. tests/tap.sh
. tests/made.sh

made >"$tmp/a.ods"
fitbarrier --components 64 -o "$tmp/b.ods" "$tmp/a.ods"
ok 'moves activations' integrate -b "$tmp/b.ods" -T 2.385 -o "$tmp/s.ods" "$tmp/a.ods"
is "$(view "$tmp/s.ods" | jq -s 'map(select(.h_after > .h_before)) | length')" 48 'h rises for every one of them'
score density -b "$tmp/b.ods" "$tmp/s.ods" | view >"$tmp/h.jsonl"
is "$(jq -s 'map(.h - .h_after | fabs) | max < 1e-5' "$tmp/h.jsonl")" true 'h_after is h of what came out'
score density -b "$tmp/b.ods" "$tmp/a.ods" | view >"$tmp/h0.jsonl"
view "$tmp/s.ods" >"$tmp/s.jsonl"
is "$(jq -n --slurpfile a "$tmp/h0.jsonl" --slurpfile b "$tmp/s.jsonl" '[range(48) | $a[.].h - $b[.].h_before | fabs] | max < 1e-9')" \
	true 'h_before is h of what went in'
is "$(view --header "$tmp/s.ods" | jq -c 'select(.odesteer) | [.kind, .chain[-1].tool, .chain[-1].argv[0:4], (.chain[-1].side | keys | length)]')" \
	"[\"activations\",\"integrate\",[\"-b\",\"$tmp/b.ods\",\"-T\",\"2.385\"],1]" 'the chain names the barrier'
is "$(head -n 3 "$tmp/s.jsonl" | jq -c '[.id, .group, .label, .block] + keys_unsorted')" \
	'["r0","g0",0,3,"id","group","label","block","act","h_before","h_after"]
["r1","g0",1,3,"id","group","label","block","act","h_before","h_after"]
["r2","g0",0,3,"id","group","label","block","act","h_before","h_after"]' 'fields and order survive'

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
	[range(48) as $i | [range(6) as $k | .[$i].act[$k] - $a[$i].act[$k] | . * .] | add | sqrt - 2.385 | fabs] | max < 1e-5')" \
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
	'[range(48) as $i | range(6) as $k | $a[$i][$k] - $b[$i][$k] | fabs] | max < 1e-5')" true 'ten steps are ten passes of one'
view --header "$tmp/a.ods" | jq -c 'select(.odesteer or (.id[1:] | tonumber) < 23)' | view --pack >"$tmp/a1.ods"
view --header "$tmp/a.ods" | jq -c 'select(.odesteer or (.id[1:] | tonumber) >= 23)' | view --pack >"$tmp/a2.ods"
is "$(integrate -b "$tmp/b.ods" "$tmp/a1.ods" "$tmp/a2.ods" | view | cksum)" "$(integrate -b "$tmp/b.ods" "$tmp/a.ods" | view | cksum)" \
	'two halves are the whole'
integrate -z -b "$tmp/b.ods" "$tmp/a.ods" >"$tmp/z.gz"
ok '-z writes gzip' gzip -t "$tmp/z.gz"
is "$(integrate -b "$tmp/b.ods" -T 0 "$tmp/z.gz" | acts | cksum)" "$(integrate -b "$tmp/b.ods" "$tmp/a.ods" | acts | cksum)" 'and gzip is read'
made 'if .odesteer then .dtype = "float16" else . end' >"$tmp/half.ods"
is "$(integrate -b "$tmp/b.ods" "$tmp/half.ods" | view --header | jq -c 'select(.odesteer) | .dtype')" '"float16"' 'float16 stays float16'

# solvers
is "$(integrate -s help | cut -d' ' -f1 | tr '\n' ' ')" 'euler midpoint rk4 rk4-3/8 ' '-s help'
for s in euler midpoint rk4 rk4-3/8; do
	integrate -b "$tmp/b.ods" -s "$s" -T 0.8 -n 40 "$tmp/a.ods" | acts >"$tmp/$(echo "$s" | tr -d /)"
done
is "$(jq -n --slurpfile a "$tmp/rk4" --slurpfile b "$tmp/rk4-38" --slurpfile m "$tmp/midpoint" --slurpfile e "$tmp/euler" '
	def far($x): [range(48) as $i | range(6) as $k | $a[$i][$k] - $x[$i][$k] | fabs] | max;
	[far($b) < 1e-5, far($m) < 1e-3, far($m) < far($e)]' -c)" '[true,true,true]' 'the solvers agree as well as their order says'

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
for T in x -1 5x r inf 1e999; do
	fails 2 "integrate: -T: '$T' is neither a length such as 5 nor a share such as 0.03r
try 'integrate -h'" integrate -b "$tmp/b.ods" -T "$T"
done
fails 2 "integrate: -n: '0' is not in [1, 1000000]
try 'integrate -h'" integrate -b "$tmp/b.ods" -n 0
fails 2 "integrate: -s: 'leapfrog' is not a solver (-s help lists them)
try 'integrate -h'" integrate -b "$tmp/b.ods" -s leapfrog
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
is "$({ integrate -b "$tmp/b.ods" "$@" "$@" 2>&1 >&3 | cat; } 3>&1 | head -c 1 | wc -c)" 1 'a reader that leaves ends it quietly'
# barrier files that lie
for what in '.index[0] = 64' '.index[0] = -1' '.sign[0] = 0' '.w = .w[1:]' '.components = 0' '.degree = 17' '.gamma = 0' '.act_norm = 0' \
	'.field = "nope"' 'del(.intercept)' 'del(.field)' '.index = "x"' '.coef0 = 0'; do
	view --header "$tmp/b.ods" | jq -c "if .odesteer then . else $what end" | view --pack >"$tmp/lie.ods"
	run integrate -b "$tmp/lie.ods" "$tmp/a.ods"
	is "$status $(echo "$err" | grep -c "^integrate: '$tmp/lie.ods': record 1: ")" '1 1' "barrier with $what: $(echo "$err" | sed 's/.*record 1: //')"
done
finish
