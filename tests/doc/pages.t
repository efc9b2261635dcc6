#!/bin/sh
# The EXAMPLES of the manual pages run, and so do the commands of the tutorial and the README.
. tests/tap.sh

[ -e "$ODESTEER_MODEL" ] || skip_all 'no model here'

root=$PWD
runs() { # NAME: the commands in $tmp/script succeed in a folder that has datasets/
	rm -rf "$tmp/work"
	mkdir "$tmp/work"
	ln -s "$root/datasets" "$tmp/work/datasets"
	ok "$1" sh -c "cd '$tmp/work' && sh -eu '$tmp/script'"
}

examples() { # PAGE: prints the displays of its EXAMPLES
	awk '/^\.Sh /{ inside = ($2 == "EXAMPLES") } !inside { next }
		/^\.Bd -literal/{ on = 1; next } /^\.Ed/{ on = 0 } on' "$1" |
		sed 's/^\\&//; s/\\e/\\/g; s/\\(aq/'"'"'/g; s/\\-/-/g'
}
for page in man/*.[157]; do
	examples "$page" >"$tmp/script"
	[ ! -s "$tmp/script" ] || runs "$page: its examples run"
done

# The tutorial also shows output: commands begin with "$ ", and go on after | or \ at the end.
sed 's/^\\&//; s/\\e/\\/g' man/odesteer-tutorial.7 | awk '
	/^\$ / { print substr($0, 3); on = /[\\|]$/; next }
	on { print; on = /[\\|]$/ }' >"$tmp/script"
runs 'man/odesteer-tutorial.7: its commands run'

# make, which runs this test, and what needs an installation are left out of the README's.
awk '/^```sh/{ on = 1; next } /^```/{ on = 0 } on' README.md |
	grep -v '^make \|^MANPATH' >"$tmp/script"
runs 'README.md: its commands run'
is "$(ls "$tmp/work" | tr '\n' ' ')" 'datasets out ' 'and leave nothing outside out/'
finish
