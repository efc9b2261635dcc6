#!/bin/sh
# pipelines/figure refuses wrong input, and draws a flow as it was computed.
. tests/tap.sh
. tests/made.sh

usage='usage: figure frontier report.json figure.svg | flow barrier activations [figure.svg]'
fails 2 "$usage" pipelines/figure
fails 2 "$usage" pipelines/figure nonsense a b
fails 2 "$usage" pipelines/figure flow a
fails 2 "$usage" pipelines/figure frontier a b c
command -v gnuplot >/dev/null || finish

# frontier
rows() { # adds lines of run, metric, value, low and high to the report
	jq -R '[splits("; ")] | [.[:2], (.[2:] | map(tonumber))] | flatten(1)
		| {run: .[0], metric: .[1], value: .[2], low: .[3], high: .[4]}' >>"$tmp/rows"
	jq -s . "$tmp/rows" >"$tmp/r.json"
}
rows </dev/null
fails 1 "figure: no run in '$tmp/r.json' has both True*Info and Perplexity" \
	pipelines/figure frontier "$tmp/r.json" "$tmp/r.svg"
printf '%s\n' 'a, "b"; True*Info; 0.5; 0.4; 0.6' 'a, "b"; Perplexity; 3; 2; 4' | rows
ok 'figure frontier' pipelines/figure frontier "$tmp/r.json" "$tmp/r.svg"
is "$(grep -c 'a, &quot;b&quot;\|a, "b"' "$tmp/r.svg")" 1 'the point has the name of the run'
printf '%s\n' 'caa 0.2nat; KL; 0.2; 0.1; 0.3' 'caa 0.2nat; mood; 2; 1; 3' 'caa 0.1nat; KL; 0.1; 0.1; 0.1' \
	'caa 0.1nat; mood; 1; 1; 1' 'best; KL; 0.3; 0.1; 0.4' 'best; mood; 1; 1; 1' | rows
ok 'against another column' env COLUMN=mood AGAINST=KL pipelines/figure frontier "$tmp/r.json" "$tmp/r.svg"
is "$(grep -o '<text>.*</text>' "$tmp/r.svg" | sed 's/<[^>]*>//g' | grep '^ *[a-z]' | xargs)" 'mood best caa' \
	'one label for the lengths of a method'
printf '%s\n' 'none; mood; 1.5; 1; 2' 'caa 0.2nat; h; 2; 1; 3' | rows
ok 'several columns' env COLUMN=mood/nothing/h AGAINST=KL pipelines/figure frontier "$tmp/r.json" "$tmp/r.svg"
is "$(grep -o '<text>.*</text>' "$tmp/r.svg" | sed 's/<[^>]*>//g' | grep '^ *[a-z]' | xargs)" \
	'mood best caa none h caa 0.2nat' 'have panels, if there is something to draw'
is "$(sed -n "s/.*	<use xlink:href='#gpPt6' .* color='rgb(\(.*\))'.*/\1/p" "$tmp/r.svg" | grep -v 187 | xargs)" \
	'213, 94, 0 0, 158, 115 0, 158, 115 204, 121, 167 204, 121, 167 0, 158, 115' \
	'a method has the same colour in each'
is "$(grep -o "<path stroke='rgb(204, 121, 167)'[^/]*" "$tmp/r.svg" |
	grep -c 'M[0-9.]*,\([0-9.]*\) L[0-9.]*,\1 ')" 1 'a run without divergence is a level line'

# flow
made >"$tmp/a.ods"
fitbarrier -p paper --components 64 -o "$tmp/b.ods" "$tmp/a.ods"
text() { # SVG: prints its texts, without the numbers of the axes
	sed -n 's/.*<text>\(.*\)<\/text>.*/\1/p' "$1" | sed 's/<[^>]*>//g; s/^ *//' | grep '[a-z]'
}
ok 'figure flow' env T=2 POSITIVE=kind NEGATIVE="it's_bad" TITLE='A <title>' pipelines/figure flow \
	"$tmp/b.ods" "$tmp/a.ods" "$tmp/f.svg"
for words in kind "it's_bad" 'A &lt;title>' 'ten Euler steps' 'one step of caa' 'difference of the means'; do
	is "$(text "$tmp/f.svg" | grep -cxF "$words")" 1 "it says: $words"
done
# 24 negatives, 24 positives, five starts, and five paths of 11 points; each mark is also in the
# definitions, and each but that of the starts in the legend
is "$(grep -o '#gpPt[568]' "$tmp/f.svg" | sort | uniq -c | tr -s ' \n' ' ')" ' 6 #gpPt5 81 #gpPt6 25 #gpPt8 ' \
	'it has all points'
is "$(grep "^	<path stroke='rgb(193,  39,  45)'" "$tmp/f.svg" |
	grep -o "d='M[0-9.]*,[0-9.]* L[0-9.]*,[0-9.]* *'" |
	sed "s/^d='M[0-9.]*,\([0-9.]*\) L[0-9.]*,\1 *'\$/level/" | sort | uniq -c | tr -s ' \n' ' ')" ' 6 level ' \
	'a step of caa goes along the difference of the means'
ok 'it states the length' sh -c "grep -q 'paths of length 2, ' '$tmp/f.svg'"
cp "$tmp/f.svg" "$tmp/first.svg"
env T=2 POSITIVE=kind NEGATIVE="it's_bad" TITLE='A <title>' pipelines/figure flow "$tmp/b.ods" "$tmp/a.ods" "$tmp/f.svg"
ok 'the second time it is the same' cmp "$tmp/first.svg" "$tmp/f.svg"
ok 'a negative length' env T=-2 pipelines/figure flow "$tmp/b.ods" "$tmp/a.ods" "$tmp/g.svg"
fitbarrier -f caa -o "$tmp/v.ods" "$tmp/a.ods"
ok 'a vector' env T=1 pipelines/figure flow "$tmp/v.ods" "$tmp/a.ods" "$tmp/v.svg"
(cd "$tmp" && T=0.1r "$OLDPWD/pipelines/figure" flow b.ods a.ods)
ok 'the default name is flow.svg' test -s "$tmp/flow.svg"

# what cannot be drawn
fails 1 "figure: '$tmp/a.ods' is not a barrier" pipelines/figure flow "$tmp/a.ods" "$tmp/a.ods" "$tmp/n.svg"
fails 1 "figure: '$tmp/b.ods' holds no activations" pipelines/figure flow "$tmp/b.ods" "$tmp/b.ods" "$tmp/n.svg"
fitbarrier -f linact -o "$tmp/m.ods" "$tmp/a.ods"
fails 1 "figure: '$tmp/m.ods' is a map (linact), which has no field to draw" \
	pipelines/figure flow "$tmp/m.ods" "$tmp/a.ods" "$tmp/n.svg"
made 'select(.odesteer or .label == 1)' >"$tmp/one.ods"
fails 1 "figure: '$tmp/one.ods' needs activations of block 3 with label 1 and with label 0" \
	pipelines/figure flow "$tmp/b.ods" "$tmp/one.ods" "$tmp/n.svg"
fails 1 "view: cannot open '$tmp/nope': No such file or directory" \
	pipelines/figure flow "$tmp/nope" "$tmp/a.ods" "$tmp/n.svg"
fails 2 "integrate: -T: 'x' is neither a length such as 5, 0.03r or 0.2nat nor auto
try 'integrate -h'" env T=x pipelines/figure flow "$tmp/b.ods" "$tmp/a.ods" "$tmp/n.svg"
is "$(find "$tmp" -name 'n.svg*' | wc -l)" 0 'no file is left'
finish
