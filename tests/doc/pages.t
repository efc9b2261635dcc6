#!/bin/sh
# The EXAMPLES of the manual pages run, and so do the commands of the README.
. tests/tap.sh

examples() { # PAGE: the commands of its EXAMPLES
	awk '/^\.Sh /{ inside = ($2 == "EXAMPLES") } !inside { next }
		/^\.Bd -literal/{ on = 1; next } /^\.Ed/{ on = 0 } on' "$1" | sed 's/^\\&//; s/\\e/\\/g; s/\\(aq/'"'"'/g; s/\\-/-/g'
}
[ -e "$ODESTEER_MODEL" ] || { echo "# no model: examples are not run"; finish; }
root=$PWD
for page in man/*.[157]; do
	examples "$page" >"$tmp/script"
	[ -s "$tmp/script" ] || continue
	mkdir "$tmp/work"
	ln -s "$root/datasets" "$tmp/work/datasets"
	ok "$page: its examples run" sh -c "cd '$tmp/work' && sh -eu '$tmp/script'"
	rm -r "$tmp/work"
done
# the README's, but for make, which runs this, and what is installed
awk '/^```sh/{ on = 1; next } /^```/{ on = 0 } on' README.md | grep -v '^make \|^MANPATH' >"$tmp/script"
mkdir "$tmp/work"
ln -s "$root/datasets" "$tmp/work/datasets"
ok 'the commands of README.md run' sh -c "cd '$tmp/work' && sh -eu '$tmp/script'"
is "$(ls "$tmp/work" | tr '\n' ' ')" 'datasets out ' 'and leave nothing outside out/'
finish
