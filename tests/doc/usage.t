#!/bin/sh
# -h, the SYNOPSIS of the page and the options described there agree.
. tests/tap.sh

words() { # prints the words of usage lines, with brackets and bars as words of their own
	tr -s '[:space:]' '\n' | sed 's/\([][|]\)/\n\1\n/g' | grep -v '^$' | tr '\n' ' '
}
for t in collect fitbarrier integrate generate score view; do
	page=man/$t.1
	run "$t" -h
	is "$status$err" 0 "$t -h writes to standard output"
	synopsis=$(mandoc -T ascii "$page" | sed "s/.$(printf '\b')//g" |
			sed -n '/^SYNOPSIS/,/^DESCRIPTION/p' | sed '1d;$d' | words)
	usage=$(printf '%s\n' "$out" | sed -n '/^usage:/,/^  -\|^  [a-z][a-z]*  /p' |
		grep '^usage:\|^       ' | sed 's/^usage: //' | words)
	is "$usage" "$synopsis" "$t -h agrees with the SYNOPSIS of its page"
	for o in $(printf '%s\n' "$out" | grep -o '^  --*[A-Za-z0-9-]*' | sort -u); do
		ok "$t $o is described in its page" grep -q \
			"^\\.It .*Fl .*$(printf '%s' "$o" | sed 's/^-//; s/-/.*/g')" "$page"
	done
	run "$t" --nonsense
	is "$status $err" "2 $t: unknown option '--nonsense'
try '$t -h'" "$t --nonsense"
	run "$t" -V
	is "$status $out" "0 $t $(odesteer -V | cut -d' ' -f2)" "$t -V"
done
list() { # TABLE: prints the names that a user can type
	case $1 in
	field) fitbarrier -f help | cut -d' ' -f1 ;;
	solver) integrate -s help | cut -d' ' -f1 ;;
	metric)
		score -h | sed -n 's/^usage: //; s/^ *score \([a-z0-9-]*\) .*/\1/p' |
			grep -v '^report$' | sort -u
		;;
	esac
}
# Besides its own file, only two lines know a method, solver or metric.
for table in field solver metric; do
	file=lib/$([ $table = solver ] && echo flow || echo $table)/$table.c
	names=$(sed -n "s/^extern const struct .* \(${table}_[a-z0-9_]*\);/\1/p" "$file")
	is "$(echo "$names" | wc -l)" "$(list "$table" | wc -l)" "$file declares each $table that is listed"
	for name in $names; do
		own=$(grep -rl "^const struct .* $name = {" lib)
		is "$(grep -rw --include='*.[ch]' "$name" lib tools | cut -d: -f1 | grep -vx "$own" |
				uniq -c | tr -s ' ')" " 2 $file" \
			"$name: two lines in $file"
	done
done

# Every method, solver and metric is described.
for name in $(list field); do
	ok "-f $name is in fitbarrier.1" grep -q "^\.It Cm \(.* \)*$name\( \|\$\)" man/fitbarrier.1
	ok "and its file in odesteer-stream.5" grep -q "^\.Ss \(.* \)*$name\(,\|\$\)" man/odesteer-stream.5
done
for name in $(list solver); do
	ok "-s $name is in integrate.1" grep -q "^\.It Cm \(.* \)*$name\( \|\$\)" man/integrate.1
done
for name in $(list metric); do
	ok "score $name is in score.1" grep -q "^\.It Cm \(.* \)*$name\( \|\$\)" man/score.1
done

run odesteer
is "$status $err" '2 ' 'odesteer alone is wrong usage, but prints the usage'
list=$out
page() { # [TOOL]: prints the name in the page that odesteer help shows
	odesteer help "$@" | sed "s/.$(printf '\b')//g" | sed -n '/^NAME/{n;p;}' | sed 's/^ *//; s/ .*//'
}
run odesteer -h
is "$status $err$out" "0 $list" 'odesteer -h prints the same'
for t in collect fitbarrier integrate generate score view; do
	ok "it lists $t as its page does" sh -c \
		"printf '%s\n' \"\$1\" | grep -q \"^  $t  *\$(sed -n 's/^\.Nd //p' man/$t.1)\$\"" sh "$list"
	is "$(page $t)" $t "odesteer help $t"
done
is "$(page)" odesteer 'odesteer help'
is "$(page tutorial) $(page stream)" 'odesteer-tutorial odesteer-stream' 'odesteer help tutorial, stream'
misuse "'nope' is not a tool" odesteer help nope
run odesteer nope
is "$status $(echo "$err" | head -n 1)" "2 odesteer: 'nope' is not a tool" 'odesteer nope'
is "$(odesteer view -V)" "$(view -V)" 'odesteer view is view'
finish
