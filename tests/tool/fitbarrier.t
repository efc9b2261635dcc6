#!/bin/sh
. tests/tap.sh
. tests/made.sh

made >"$tmp/a.ods"
ok 'fits' fitbarrier -p paper --components 64 -o "$tmp/b.ods" "$tmp/a.ods"
is "$(view "$tmp/b.ods" | jq -c '[.id, .field, .C, .degree, .components, .gamma, .coef0, .positives, .negatives,
	.groups, .prior, .folds, .seed]
	== ["barrier", "polysketch", 1, 2, 64, 0.1, 1, 24, 24, 12, 0.5, 5, 0]')" true 'the record says what was fitted'
is "$(view "$tmp/b.ods" |
		jq -c '[(.w | length), (.index | length), (.sign | length), (.auc > 0.9), (.gradient_norm < 1e-9)]')" \
	'[64,14,14,true,true]' 'its arrays have their lengths, the fit is at its optimum and separates'
is "$(view --header "$tmp/b.ods" |
		jq -c 'select(.odesteer) | [.kind, .model, .digest, .block, .dim, (.chain | map(.tool)),
			.chain[-1].seed]')" \
	'["barrier","made","00000000000000aa",[3],6,["view","fitbarrier"],0]' 'the header names model, block and chain'
norm=$(view "$tmp/a.ods" | jq -s 'map(.act | map(. * .) | add | sqrt) | add / length * 1e6 | round')
is "$(view "$tmp/b.ods" | jq '.act_norm * 1e6 | round')" "$norm" 'act_norm is the mean norm'
fitbarrier -p paper --components 64 <"$tmp/a.ods" >"$tmp/b2.ods"
is "$(view "$tmp/b2.ods" | cksum)" "$(view "$tmp/b.ods" | cksum)" 'the same from a pipe'
fitbarrier -p paper --components 64 -o "$tmp/b.ods" "$tmp/a.ods"
cp "$tmp/b.ods" "$tmp/b3.ods"
fitbarrier -p paper --components 64 -o "$tmp/b.ods" "$tmp/a.ods"
ok 'the same bytes twice' cmp "$tmp/b.ods" "$tmp/b3.ods"
fitbarrier -p paper -S 7 --components 64 "$tmp/a.ods" | view >"$tmp/seed7"
is "$(jq .seed "$tmp/seed7")" 7 '-S is recorded'
is "$(fitbarrier -p paper -S 4294967295 --components 8 "$tmp/a.ods" | view | jq .seed)" 4294967295 'the greatest seed'
view "$tmp/b.ods" >"$tmp/seed0"
is "$(jq -s '.[0].index == .[1].index' "$tmp/seed0" "$tmp/seed7")" false 'and draws other hashes'
is "$(fitbarrier -p paper --degree 3 --coef0 0 --gamma 0.385 -C 2.385 --components 50 "$tmp/a.ods" | view |
		jq -c '[.degree, .coef0, .gamma, .C, (.index | length)] == [3, 0, 0.385, 2.385, 18]')" true \
	'every parameter arrives'
is "$(fitbarrier -p paper --components 64 --folds 2 "$tmp/a.ods" | view | jq -c .folds)" 2 '--folds'
run fitbarrier -p paper -v --components 64 -o "$tmp/x.ods" "$tmp/a.ods"
is "$(echo "$err" | sed 's/, [0-9.]* s$//; s/[0-9][0-9.e+-]*/N/g')" \
	'fitbarrier: block N, N positives and N negatives in N groups, mean norm N
fitbarrier: C N, objective N, gradient norm N after N Newton steps
fitbarrier: held out: AUC N, log-loss N (prior alone N), temperature N
fitbarrier: a high AUC with a log-loss near the prior'"'s: h separates the classes but is too small as a \
log-density ratio; the direction of steering does not depend on its size" \
	'-v reports, and says what the figures mean'
is "$(fitbarrier -v -f polykernel "$tmp/a.ods" 2>&1 >"$tmp/x.ods" |
		sed -n 's/, [0-9.]* s$//; s/[0-9][0-9.e+-]*/N/g; 3p')" \
	'fitbarrier: N eigenvectors: directions are off by N % on average' '-v says what a quadratic form leaves out'
is "$(view "$tmp/x.ods" | jq -c '[.rank, .direction_error < 1e-9]')" '[6,true]' 'nothing, if there are few dimensions'
said() { # JQ FILTER ARGUMENTS...: what -v says after the figures
	filter=$1
	shift
	made "$filter" | fitbarrier -v "$@" 2>&1 >"$tmp/x.ods" | sed '1,/held out/d' | cut -d, -f1
}
is "$(said . -f linear -C 1e4)" '' 'of a great h with a high log-loss it says nothing'
is "$(said 'if .odesteer then . else .label = ((.id[1:] | tonumber) / 2 | floor % 2) end' -p paper --components 64)" \
	'fitbarrier: an AUC near 0.5: held out' 'and that what tells nothing tells nothing'
made 'if .odesteer or (.id[1:] | tonumber < 8) then . else empty end' >"$tmp/few.ods"
is "$(fitbarrier -v -p paper --components 64 "$tmp/few.ods" 2>&1 >"$tmp/x.ods" |
		sed -n 's/^fitbarrier: held out, \([^;]*\);.*/\1/p')" \
	'so few activations cannot tell this AUC from 0.5, that of a ranking at random' 'few rows tell nothing, either'
# h that says nothing is 0 in each part, also if labels are not as frequent outside it as in all
made 'if .odesteer then . else .group = .id | .label = (.id[1:] | tonumber % 3 == 0) end' |
	fitbarrier -f linear -C 1e-12 --held-out "$tmp/h.ods" -o "$tmp/x.ods"
is "$(view "$tmp/h.ods" | jq -s -c '[length, (map(.h | fabs) | max < 1e-6)]')" '[48,true]' \
	'h of a part comes from the prior of the others'
made 'if .odesteer then . else .act[0] = (if .label == 1 then 9 else -9 end) end' >"$tmp/apart.ods"
is "$(fitbarrier -v -f linear -C 1e-3 "$tmp/apart.ods" 2>&1 >"$tmp/x.ods" |
		sed -n 's/^.*held out: \(.*\), [0-9.]* s$/\1/p' | sed 's/[0-9][0-9.]*/N/g') $(
		view "$tmp/x.ods" | jq 'has("temperature")')" \
	'AUC N, log-loss N (prior alone N) false' 'no temperature if smaller ones are always better'
is "$(said 'if .odesteer then . else .act[0] = (if .label == 1 then 0.1 else -0.1 end) end' -f linear -C 1e-5)" \
	'fitbarrier: a high AUC with a log-loss near the prior'"'s: h separates the classes but is too small as a \
log-density ratio; the direction of steering does not depend on its size" 'but -v says why'
made 'if .odesteer then . elif [.id] | inside(["r0", "r1", "r5", "r6"]) then .group = .id else empty end' \
	>"$tmp/four.ods"
fails 1 'fitbarrier: held out: the fit without one part: repe needs two positive and two negative activations at '\
'least' fitbarrier -f repe "$tmp/four.ods"
# the length of -T auto
is "$(fitbarrier -p paper --components 64 -T 2.385 "$tmp/a.ods" | view | jq .T_auto)" 2.385 '-T is stored'
is "$(fitbarrier -p paper --components 64 -T -0.5r "$tmp/a.ods" | view | jq -c '.T_auto == -0.5 * .act_norm')" true \
	'-T as a share of the norm'
is "$(fitbarrier -f caa -T 0.5r "$tmp/a.ods" | view |
		jq -c '(.T_auto * (.vector | map(. * .) | add | sqrt) / .act_norm - 0.5 | fabs) < 1e-12')" \
	true '-T of a vector that is not of length one'
fitbarrier -p paper --components 64 -T 0.0385r -o "$tmp/auto.ods" "$tmp/a.ods"
is "$(integrate -b "$tmp/auto.ods" -T auto "$tmp/a.ods" | view | cksum)" \
	"$(integrate -b "$tmp/auto.ods" -T 0.0385r "$tmp/a.ods" | view | cksum)" 'and taken by -T auto'
misuse "-T: auto cannot be stored: give a length such as 0.3r" fitbarrier -T auto "$tmp/a.ods"
for T in 0.3r 1.1 -0.5; do
	misuse "-T: 'linact' is a map, not a flow: its T is a number from 0 to 1" \
		fitbarrier -T $T -f linact "$tmp/a.ods"
done
fitbarrier -f linact -T 0.385 -o "$tmp/map.ods" "$tmp/a.ods"
is "$(integrate -b "$tmp/map.ods" -T auto "$tmp/a.ods" | view | cksum)" \
	"$(integrate -b "$tmp/map.ods" -T 0.385 "$tmp/a.ods" | view | cksum)" 'a share of a map is stored, too'
view --header "$tmp/map.ods" | jq -c 'if .odesteer then . else .T_auto = 1.1 end' | view --pack >"$tmp/far.ods"
fails 1 "integrate: 'linact' is a map, not a flow: its T is a number from 0 to 1" \
	integrate -b "$tmp/far.ods" -T auto "$tmp/a.ods"
ok '-z writes gzip' sh -c 'fitbarrier -p paper -z --components 64 "$1" | gzip -t' sh "$tmp/a.ods"
fails 1 "fitbarrier: cannot write 'standard output': No space left on device" sh -c 'fitbarrier -f help >/dev/full'

# numbers beyond what doubles can solve
run fitbarrier -f polykernel --gamma 1e12 --degree 16 "$tmp/a.ods"
is "$status $(echo "$err" | sed 's/is [^,]*,/is much,/')" \
	'1 fitbarrier: the classifier did not converge: its gradient is much, and no step reduces it' \
	'no optimum, no barrier'
made 'if .odesteer then . else .act[3] = 0.1 end' >"$tmp/flat.ods"
is "$(fitbarrier --standardise -f linear "$tmp/flat.ods" | view | jq -c '[.isd[3], (.auc > 0.9)]')" \
	'[1,true]' 'a constant coordinate is only centred'
misuse "--held-out: '-' is where the barrier goes" fitbarrier --held-out - "$tmp/a.ods"

# fields: what each has in its record
has() { # FIELD FIELDS-OF-THE-RECORD [OPTION ...]
	field=$1 wanted=$2
	shift 2
	ok "$field: fits" fitbarrier -f "$field" "$@" -o "$tmp/f.ods" "$tmp/a.ods"
	is "$(view "$tmp/f.ods" |
			jq -r 'keys_unsorted - ["id", "positives", "negatives", "groups", "prior", "act_norm",
				"folds", "prior_log_loss"] | join(" ")')" \
		"$wanted" "$field${*:+ $*}: its record"
}
classifier='C loss objective gradient_norm iterations'
held='auc log_loss temperature predicted observed positives_h'
has polysketch \
	"field degree components gamma coef0 seed intercept log_prior_ratio index sign w $classifier $held" \
	--components 50
eigen="V rank lambda b $classifier direction_error $held"
has polykernel "field degree gamma coef0 intercept log_prior_ratio $eigen"
has polykernel "field degree gamma coef0 intercept log_prior_ratio alpha rows $classifier $held" --degree 3
has polykernel "field mean isd degree gamma coef0 intercept log_prior_ratio $eigen" --standardise
has rff "field components sigma seed intercept log_prior_ratio w $classifier $held" --components 50
has linear "field w intercept log_prior_ratio $classifier $held"
has linear "field mean isd w intercept log_prior_ratio $classifier $held" --standardise --loss hinge
has iti "field w intercept log_prior_ratio C ${classifier#C loss } $held"
has caa "field vector slope intercept log_prior_ratio $held"
# of these rows it tells the contrary: no temperature mends that
has repe "field vector slope intercept log_prior_ratio auc log_loss predicted observed positives_h"
has linact 'field scale shift'
has spherical 'field direction kappa beta' --kappa 2.385 --beta 0.3
has ablation 'field direction'
mimic="field w intercept log_prior_ratio matrix shift C ${classifier#C loss }"
has mimic "$mimic auc log_loss temperature predicted observed positives_h"

has hpr 'field w net epoch training_loss validation_loss'
has recontrol 'field layers speed net epoch training_loss validation_loss' --layers 2

# networks: their training
network() { # JQ-FILTER OPTION...
	filter=$1
	shift
	fitbarrier "$@" "$tmp/a.ods" | view | jq -c "$filter"
}
is "$(network '[(.w | length), (.net | length), (.training_loss | length), (.validation_loss | length)]' -f hpr)" \
	'[6,29,5,5]' 'hpr: widths of 6, 3, 1, 1 and 1, and 5 epochs'
is "$(network '[.layers, (.net | length), .speed > 0]' -f recontrol)" '[3,91,true]' \
	'recontrol has three layers'
is "$(network '[.layers, (.net | length), (.training_loss | length)]' -f recontrol --layers 2 --epochs 7)" '[2,49,7]' \
	'--layers and --epochs'
is "$(network '.validation_loss as $v | $v[.epoch - 1] == ($v | min)
	and ($v | length) - .epoch == 10 and .training_loss[0] > .training_loss[.epoch - 1]' \
	-f recontrol --rate 0.01)" true 'recontrol keeps the epoch with the least loss, and stops ten later'
is "$(network .net -f recontrol --epochs 1 -S 7 | cksum)" "$(network .net -f recontrol --epochs 1 -S 7 | cksum)" \
	'the same seed gives the same network'
differ() { # OPTION...
	[ "$(network .net -f recontrol --epochs 1 "$@" | cksum)" != "$(network .net -f recontrol --epochs 1 | cksum)" ]
}
ok '-S gives another' differ -S 7
ok '--rate gives another' differ --rate 0.01
run fitbarrier -v -f recontrol --rate 0.01 -o "$tmp/x.ods" "$tmp/a.ods"
is "$(echo "$err" | sed 's/, [0-9.]* s$//; s/[0-9][0-9.e+-]*/N/g')" \
	'fitbarrier: block N, N positives and N negatives in N groups, mean norm N
fitbarrier: epoch N is the best of N: training loss N, held out N' '-v reports on the training'
is "$(echo "$err" | sed -n 's/.*epoch \([0-9]*\) is the best of \([0-9]*\):.*/\1 \2/p')" \
	"$(view "$tmp/x.ods" | jq -r '"\(.epoch) \(.training_loss | length)"')" 'as the record does'
is "$(fitbarrier -f recontrol -T 0.5r "$tmp/a.ods" | view | jq '(.T_auto * .speed / .act_norm - 0.5 | fabs) < 1e-12')" \
	true '-T of a gradient is divided by its mean length'
run fitbarrier -f recontrol --rate 1e6 -o "$tmp/diverged.ods" "$tmp/a.ods"
is "$status $(echo "$err" | sed 's/[0-9][0-9.e+-]*/N/g')" \
	"1 fitbarrier: the fit diverged: the loss on held-out groups was N before the first epoch, \
and is N after the best (a lower --rate may help)" 'a rate that is too high'
is "$(find "$tmp" -name 'diverged*')" '' 'leaves no file'
made 'if .odesteer then . else .group = (.label | tostring) end' >"$tmp/apart.ods"
fails 1 'fitbarrier: no tenth of the groups can be held out: both it and the others must have both labels' \
	fitbarrier -f recontrol "$tmp/apart.ods"
fails 1 "fitbarrier: no tenth of the groups can be held out: it must have one pair of a positive and a negative, \
and the others two" fitbarrier -f hpr "$tmp/apart.ods"

# presets
figures() {
	fitbarrier "$@" "$tmp/a.ods" | view | jq -c '[.field, .degree, .gamma, .coef0, .components, has("isd")]'
}
is "$(figures -p paper)" '["polysketch",2,0.1,1,8000,false]' '-p paper'
is "$(figures -p best)" '["polykernel",2,1,1,null,true]' '-p best'
is "$(figures)" '["caa",null,null,null,null,false]' 'without -p and -f it is caa'
is "$(figures -p best --gamma 0.385 --degree 3)" '["polykernel",3,0.385,1,null,true]' \
	'options after a preset override it'
is "$(figures --gamma 0.385 --degree 3 -p best)" "$(figures -p best)" 'those before it do not count'
is "$(fitbarrier -S 7 --folds 3 -p best "$tmp/a.ods" | view --header | jq -c '[.folds, (.chain[-1].seed)?]' |
		tr '\n' ' ')" '[null,7] [3,null] ' 'but seed and folds do'
is "$(fitbarrier -p best -C 2.385 "$tmp/a.ods" | view | jq .C)" 2.385 'a C of its own for best'

# --held-out: the figures of the record from its h
held_out() {
	fitbarrier --held-out "$tmp/h.ods" -o "$tmp/f.ods" "$@"
	view "$tmp/f.ods" >"$tmp/f"
	jq -n -c --slurpfile f "$tmp/f" --slurpfile h "$tmp/h" '
		def near($a; $b): ($a - $b | fabs) < 1e-9 * (1 + ($b | fabs));
		($f[0]) as $f | ($f.prior | log - (1 - . | log)) as $shift
		| ($h | map({y: .label, f: (.h + $shift)})) as $s
		| ([$s[] | select(.y == 1).f]) as $p | ([$s[] | select(.y == 0).f]) as $n
		| [near($f.log_loss; $s | map(if .y == 1 then -.f else .f end | exp + 1 | log) | add / length),
		   near($f.auc; [$p[] as $a | $n[] as $b | if $a > $b then 1 elif $a == $b then 0.5 else 0 end]
		| add / length),
		   near($f.prior_log_loss; -($f.prior * ($f.prior | log)) - (1 - $f.prior) * (1 - $f.prior | log)),
		   (($f.temperature as $t | [0.99, 1, 1.01] | map(. * $t)
		| map(. as $t | $s | map(if .y == 1 then -.f / $t else .f / $t end | exp + 1 | log) | add))
		       | .[1] <= .[0] and .[1] <= .[2]),
		   near($f.positives_h[0]; $p | min - $shift) and near($f.positives_h[100]; $p | max - $shift),
		   near($f.positives_h[50]; $p | sort
		| (.[(length - 1) / 2 | floor] + .[length / 2 | floor]) / 2 - $shift),
		   ($f.predicted == ($f.predicted | sort)) and ($f.predicted | length) == 10,
		   ([range(10) | ((. + 1) * ($s | length) / 10 | floor) - (. * ($s | length) / 10 | floor)] as $size
		       | near([range(10) | $f.observed[.] * $size[.]] | add; $p | length)
		       and near([range(10) | $f.predicted[.] * $size[.]] | add; $s | map(1 / (1 + (-.f | exp)))
		| add))]'
}
for o in '-p paper --components 64' '-p best' '-f caa' '-f rff --components 30 --loss hinge -C auto'; do
	# shellcheck disable=SC2086 # a list of options
	fitbarrier --held-out "$tmp/h.ods" $o -o "$tmp/f.ods" "$tmp/a.ods"
	view "$tmp/h.ods" >"$tmp/h"
	# shellcheck disable=SC2086
	is "$(held_out $o "$tmp/a.ods")" '[true,true,true,true,true,true,true,true]' \
		"$o: log-loss, AUC, temperature, quantiles and bins are those of --held-out"
done
made 'if .odesteer or .id != "r4" and .id != "r6" and .id != "r8" then . else empty end' >"$tmp/uneven.ods"
fitbarrier -p paper --held-out "$tmp/h.ods" --components 64 -o "$tmp/f.ods" "$tmp/uneven.ods"
view "$tmp/h.ods" >"$tmp/h"
is "$(held_out -p paper --components 64 "$tmp/uneven.ods")" '[true,true,true,true,true,true,true,true]' \
	'where labels are not as many, too'
is "$(view --header "$tmp/h.ods" | head -n 1 | jq -c '[.kind, .model, .block, .dim, .chain[-1].tool]')" \
	'["examples","made",null,null,"fitbarrier"]' \
	'--held-out is a stream of examples'
is "$(jq -s --slurpfile f "$tmp/f" '(map(.log_loss) | add / length) - $f[0].log_loss | fabs < 1e-9' "$tmp/h")" \
	true 'the log-loss is the mean of theirs'
is "$(jq -c 'keys_unsorted' "$tmp/h" | sort -u)" '["id","group","label","block","h","log_loss"]' \
	'the records without their activations'
is "$(jq -s 'length' "$tmp/h")" 45 'all of them'
# a fit without a group says nothing of the others: h of r0..r3 is that of a fit to the rest
fitbarrier --folds 12 --held-out "$tmp/h.ods" -o "$tmp/f.ods" -f polykernel "$tmp/a.ods"
made 'if .odesteer or .group != "g0" then . else empty end' >"$tmp/rest.ods"
fitbarrier -f polykernel -o "$tmp/rest.b.ods" "$tmp/rest.ods"
made 'if .odesteer or .group == "g0" then . else empty end' >"$tmp/g0.ods"
score density -b "$tmp/rest.b.ods" "$tmp/g0.ods" | view >"$tmp/g0"
view "$tmp/h.ods" | head -n 4 >"$tmp/h"
is "$(jq -n --slurpfile a "$tmp/h" --slurpfile b "$tmp/g0" '[range(4) | $a[.].h - $b[.].h | fabs] | max < 2e-3')" \
	true 'h held out is h of a fit without the group'
for o in '-S 7' '--folds 3' "--held-out $tmp/no.ods"; do
	for f in linact ablation; do
		misuse "${o%% *}: '$f' does not use it" fitbarrier $o -f $f "$tmp/a.ods"
	done
	misuse "${o%% *}: 'linact' does not use it" fitbarrier $o -p best -f linact "$tmp/a.ods"
done
misuse "--folds: 'recontrol' does not use it" fitbarrier --folds 3 -f recontrol "$tmp/a.ods"
ok 'a network has a seed' fitbarrier -S 7 -f recontrol --epochs 1 -o "$tmp/f.ods" "$tmp/a.ods"
is "$(find "$tmp" -name 'no.ods*')" '' 'and nothing is left'

# -C auto: of ten values the one with the least held-out log-loss
fitbarrier -f polykernel -C auto -o "$tmp/auto.ods" "$tmp/a.ods"
view "$tmp/auto.ods" | jq -c '[.C, .log_loss]' >"$tmp/auto"
C=$(jq '.[0]' "$tmp/auto")
for k in -3 -2 -1 0 1 2 3; do
	fitbarrier -f polykernel -C "$(jq -n "$C * ($k * 4 / 9 * (10 | log) | exp)")" "$tmp/a.ods" | view |
		jq -c '[.C, .log_loss]'
done >"$tmp/path"
is "$(jq -s -c --slurpfile auto "$tmp/auto" '[(map(.[1]) | min) >= $auto[0][1] * (1 - 1e-6),
		(.[3][1] / $auto[0][1] - 1 | fabs) < 1e-6, (map(.[1]) | unique | length)]' "$tmp/path")" \
	'[true,true,7]' '-C auto takes the best of its neighbours'
made 'if .odesteer then . else .label = (if .id == "r0" then 1 else 0 end) end' >"$tmp/few.ods"
fails 1 'fitbarrier: C cannot be chosen: too few groups have both labels' fitbarrier -p paper -C auto "$tmp/few.ods"
fitbarrier -p paper --components 64 "$tmp/few.ods" | view >"$tmp/few"
is "$(jq -c '[has("auc", "log_loss", "temperature", "predicted", "observed", "positives_h")],
	[has("prior_log_loss")]' "$tmp/few")" '[false,false,false,false,false,false]
[true]' 'figures that cannot be had are absent'

# --standardise: the same, whatever the units of the coordinates
made 'if .odesteer then . else
	.act = [.act | to_entries[] | .value * ([4, 0.5, 1, 2, 8, 0.25][.key]) + 32 * .key] end' >"$tmp/units.ods"
score density -b "$tmp/auto.ods" -o "$tmp/x.ods" "$tmp/a.ods"
for f in a units; do
	fitbarrier -p best -C 2.385 -o "$tmp/$f.b.ods" "$tmp/$f.ods"
	score density -b "$tmp/$f.b.ods" "$tmp/$f.ods" | view >"$tmp/$f.h"
done
is "$(jq -n --slurpfile a "$tmp/a.h" --slurpfile b "$tmp/units.h" '[range(48) | $a[.].h - $b[.].h | fabs]
		| max < 1e-4')" \
	true '--standardise: units do not matter'
is "$(view "$tmp/a.b.ods" "$tmp/units.b.ods" 2>/dev/null | head -n 1 |
		jq -c '[(.mean | length), (.isd | length)]')" '[6,6]' 'mean and isd are in the file'

# --loss and --sigma
for o in logistic hinge; do
	fitbarrier -f linear --loss $o -o "$tmp/$o.ods" "$tmp/a.ods"
done
is "$(view "$tmp/logistic.ods" "$tmp/hinge.ods" 2>/dev/null | jq -c .w | sort -u | wc -l)" 2 \
	'--loss hinge is another fit'
# an objective is above the least one by at most half the square of its gradient
made 'if .odesteer then .dim = 300 else (.id[1:] | tonumber) as $i | range(5) as $k | .id += "+\($k)"
	| .act = [range(300) | ((($i * 7 + $k * 101 + . * (. + 13) * ($i + $k + 1)) % 997) - 498) / 100]
	end' >"$tmp/wide.ods"
for o in logistic hinge; do
	is "$(fitbarrier -f linear --loss $o -C 100 "$tmp/wide.ods" | view |
			jq '.gradient_norm * .gradient_norm / 2 < 1e-7 * .objective')" \
		true "$o: a fit to features is exact with a large C, too"
done
view "$tmp/a.ods" | jq -s -c . >"$tmp/rows"
is "$(view "$tmp/hinge.ods" | jq --slurpfile r "$tmp/rows" '. as $f
	| [$r[0][] | .act as $a | (2 * .label - 1) * (([range(6) | $a[.] * $f.w[.]] | add) + $f.intercept)
	| if . < 1 then (1 - .) * (1 - .) else 0 end]
	| (($f.w | map(. * .) | add / 2) + add) / $f.objective - 1
	| fabs < 1e-9')" true 'its objective is |w|^2 / 2 and C times the squared hinge'
sigma() {
	fitbarrier -f rff --components 10 "$@" "$tmp/a.ods" | view | jq .sigma
}
is "$(sigma --sigma 2.385)" 2.385 '--sigma x'
view "$tmp/a.ods" | jq -s -c "[.[].act]" >"$tmp/rows"
is "$(jq -n --argjson s "$(sigma --sigma scale)" --slurpfile a "$tmp/rows" '($a[0] | flatten) as $x
	| ($x | add / length) as $m
	| ($x | map(. - $m | . * .) | add / length | . * 3 | sqrt) / $s - 1
	| fabs < 1e-6')" true '--sigma scale is sqrt(d / 2) times the deviation of all numbers'
is "$(jq -n --argjson s "$(sigma)" --slurpfile a "$tmp/rows" '$a[0] as $a
	| [range(48) as $i | range($i) as $k | [range(6) | $a[$i][.] - $a[$k][.] | . * .] | add | sqrt | select(. > 0)]
	| sort | ((.[(length - 1) / 2 | floor] + .[length / 2 | floor]) / 2 / (2 | sqrt)) / $s - 1
	| fabs < 1e-6')" true '--sigma median, the default'

# -j changes nothing that is seen here
is "$(fitbarrier -j 1 -p best "$tmp/a.ods" | view | jq -c '[.C, (.auc * 1e6 | round), (.log_loss * 1e6 | round)]')" \
	"$(fitbarrier -j 2 -p best "$tmp/a.ods" | view | jq -c '[.C, (.auc * 1e6 | round),
		(.log_loss * 1e6 | round)]')" \
	'-j'

# two blocks in one stream
made 'if .odesteer then .block = [3, 5] else (., .block = 5) end' >"$tmp/two.ods"
misuse "the stream holds 2 blocks: choose one with -l" fitbarrier "$tmp/two.ods"
is "$(fitbarrier -p paper -l 5 --components 64 "$tmp/two.ods" | view --header | jq -c '.block // .positives')" '[5]
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
is "$(jq -s -c '[(.[0].slope / .[1].slope), (.[0].intercept / .[1].intercept)]
		| map((. - 1 | fabs) < 1e-4)' "$tmp/caa" "$tmp/import")" \
	'[true,true]' 'and the h along it'
is "$(jq -c '[.field, .positives, .negatives, .groups, has("auc"), has("C"), (.positives_h | length)]' "$tmp/import")" \
	'["import",24,24,12,true,false,101]' 'and figures of its own'
view --gguf "$tmp/v2.gguf" "$tmp/import.ods"
ok 'the vector is the same to the last bit' cmp "$tmp/v.gguf" "$tmp/v2.gguf"
is "$(view --header "$tmp/import.ods" | head -n 1 |
		jq -c '[.block, .model, (.chain[-1].side | to_entries[0] | .key, (.value | length))]')" \
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
vector "'$tmp/other.gguf' is not a control vector: its general.architecture is not 'controlvector'" \
	"$tmp/other.gguf" "$tmp/a.ods"
made 'if .odesteer then .dim = 5 else .act |= .[:5] end' >"$tmp/five.ods"
vector "'$tmp/v.gguf': direction.3 has 6 numbers, not 5" "$tmp/v.gguf" "$tmp/five.ods"
head -c 240 "$tmp/v.gguf" >"$tmp/short.gguf"
vector "'$tmp/short.gguf' is truncated: it ends before direction.3 does" "$tmp/short.gguf" "$tmp/a.ods"
head -c 100 "$tmp/v.gguf" >"$tmp/short.gguf"
vector "'$tmp/short.gguf' is a damaged GGUF file, or has an unknown version" "$tmp/short.gguf" "$tmp/a.ods"
{ head -c 224 "$tmp/v.gguf"; printf '\000\000\300\177'; tail -c +229 "$tmp/v.gguf"; } >"$tmp/nan.gguf"
vector "'$tmp/nan.gguf': number 1 of direction.3 is not finite" "$tmp/nan.gguf" "$tmp/a.ods"

# records that name neither themselves nor a question are questions of their own
made 'del(.id, .group)' | fitbarrier -f linear --held-out "$tmp/held.ods" -o "$tmp/alone.ods"
is "$(view "$tmp/alone.ods" | jq .groups) $(view "$tmp/held.ods" | jq -s -c 'map(.id) == [range(1; 49)]')" \
	'48 true' 'records without an id are numbered'

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

# --label: another field has the label
made 'if .odesteer then . else .truth = (.label == 1) | .label = 0 end' >"$tmp/truth.ods"
weights() { # ARGUMENTS...: what is fitted
	fitbarrier -f linear "$@" | view | jq -c '[.w, .intercept, .auc]'
}
is "$(weights --label truth "$tmp/truth.ods")" "$(made | weights)" '--label: the same fit'
fitbarrier -f linear --label truth --held-out "$tmp/h.ods" -o "$tmp/f.ods" "$tmp/truth.ods"
is "$(view "$tmp/h.ods" | jq -s -c 'map(.truth == (.label == 1)) | [length, all]')" '[48,true]' \
	'and --held-out has it in label'
made 'if .odesteer then . else .truth = .label | if .id == "r9" then del(.truth) else . end end' >"$tmp/gap.ods"
fails 1 "fitbarrier: '$tmp/gap.ods': record 10: field 'truth' is not 0 or 1" fitbarrier --label truth "$tmp/gap.ods"
made 'if .odesteer then . else .truth = .label | if .id == "r9" then .truth = 0.5 else . end end' >"$tmp/gap.ods"
fails 1 "fitbarrier: '$tmp/gap.ods': record 10: field 'truth' is not 0 or 1" fitbarrier --label truth "$tmp/gap.ods"

# collect --at mean: the rows are the means
pairs='(.at = "prompt" | .label = 1 - .label | .act |= map(. * 2.385)), (.at = "mean")'
made "if .odesteer then . else $pairs end" >"$tmp/mean.ods"
is "$(weights "$tmp/mean.ods")" "$(made | weights)" 'a stream of prompts and means: the fit is to the means'
is "$(fitbarrier -f linear "$tmp/mean.ods" | view | jq -c '[.positives, .negatives, .act_norm]')" \
	"$(made | fitbarrier -f linear | view | jq -c '[.positives, .negatives, .act_norm]')" 'and counts them'
is "$(fitbarrier -f linear --held-out "$tmp/h.ods" "$tmp/mean.ods" | view | wc -l) $(view "$tmp/h.ods" |
	jq -s -c 'map(.at) | [length, unique]')" '1 [48,["mean"]]' '--held-out has the means'
made 'if .odesteer then .block = [3, 8] else [(.at = "prompt"), (.at = "mean")] |
	(.[0] | .block = (3, 8)), (.[1] | .block = (3, 8)) end' >"$tmp/two.ods"
is "$(weights -l 3 "$tmp/two.ods")" "$(made | weights)" 'as collect writes them for two blocks'
mean() { # FILTER RECORD MESSAGE
	view --header "$tmp/mean.ods" | jq -c "$1" | view --pack >"$tmp/bad.ods"
	fails 1 "fitbarrier: ${2:+'$tmp/bad.ods': record $2: }$3" fitbarrier "$tmp/bad.ods"
}
at="if .id == \"r9\" and .at"
mean "$at == \"mean\" then .at = \"noon\" else . end" 20 "field 'at' is neither 'prompt' nor 'mean'"
mean "$at == \"mean\" then .at = 3 else . end" 20 "field 'at' is neither 'prompt' nor 'mean'"
mean "$at == \"mean\" then empty else . end" 20 "no mean comes after the prompt of 'r9'"
mean "$at == \"mean\" then .id = \"r8\" else . end" 20 "no mean comes after the prompt of 'r9'"
mean "$at == \"mean\" then del(.at) else . end" 20 "no mean comes after the prompt of 'r9'"
mean "$at == \"prompt\" then empty else . end" 19 "no prompt comes before the mean of 'r9'"
mean 'if .at == "prompt" then empty else . end' 1 "no prompt comes before the mean of 'r0'"
mean 'if .id == "r47" and .at == "mean" then empty else . end' '' "no mean comes after the prompt of 'r47'"
mean "$at == \"prompt\" then empty else . end | if .id == \"r9\" then del(.at) else . end" 19 \
	"only some records have the field 'at'"
mean 'if .id == "r0" and .at == "prompt" then empty else . end | if .id == "r0" then del(.at) else . end' 2 \
	"only some records have the field 'at'"

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
for S in -1 4294967296; do
	misuse "-S: '$S' is not in [0, 4294967295]" fitbarrier -S $S
done
misuse "-C: 'x' is not a number" fitbarrier -C x
misuse "--degree: '17' is not in [1, 16]" fitbarrier --degree 17
misuse "-f: 'nope' is not a field (-f help lists them)" fitbarrier -f nope
for o in '-C 2' '--coef0 1' '--components 8' '--degree 2' '--gamma 1' '--loss hinge' '--sigma 2' '--standardise'; do
	# shellcheck disable=SC2086 # two words
	misuse "${o%% *}: 'caa' does not use it" fitbarrier -f caa $o
done
for o in '--epochs 2' '--rate 1' '--layers 2'; do
	# shellcheck disable=SC2086 # two words
	misuse "${o%% *}: 'linear' does not use it" fitbarrier -f linear $o
done
misuse "--layers: 'hpr' does not use it" fitbarrier -f hpr --layers 2
misuse "--layers: '4' is not in [2, 3]" fitbarrier -f recontrol --layers 4
misuse "--epochs: '2001' is not in [1, 2000]" fitbarrier -f hpr --epochs 2001
misuse "--rate: '0' is not in [1e-12, 1e+12]" fitbarrier -f hpr --rate 0
misuse "--components: 'polykernel' does not use it" fitbarrier --components 8 -f polykernel
misuse "--gamma: 'rff' does not use it" fitbarrier -f rff --gamma 1
misuse "--standardise: 'iti' does not use it" fitbarrier -f iti --standardise
misuse "-p: 'worst' is neither paper nor best" fitbarrier -p worst
misuse "--loss: 'hinges' is none of logistic|hinge" fitbarrier --loss hinges
for x in 0 -1 1e13; do
	misuse "-C: '$x' is not in [1e-12, 1e+12]" fitbarrier -C $x
	misuse "--sigma: '$x' is not in [1e-12, 1e+12]" fitbarrier --sigma $x
done
misuse "--sigma: 'mean' is not a number" fitbarrier --sigma mean
for n in 0 1 1001; do
	misuse "--folds: '$n' is not in [2, 1000]" fitbarrier --folds $n
done
misuse "option '--standardise' takes no value" fitbarrier --standardise=yes
misuse "'import' needs --vector" fitbarrier -f import
misuse "--vector: 'caa' does not use it" fitbarrier -f caa --vector x
misuse "-C: 'import' does not use it" fitbarrier -f import --vector x -C 2
misuse "unknown option '-x'" fitbarrier -x
made >"$tmp/a.ods"
run sh -c 'fitbarrier -p paper --components 64 "$1" >/dev/full' sh "$tmp/a.ods"
is "$status $err" "1 fitbarrier: cannot write 'standard output': No space left on device" 'a full disk'
finish
