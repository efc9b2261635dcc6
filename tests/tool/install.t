#!/bin/sh
. tests/tap.sh

ok 'make install' make -s install DESTDIR="$tmp/root" PREFIX=/usr
is "$(cd "$tmp/root/usr" && find . -type f | sort | tr '\n' ' ')" \
	'./bin/odesteer ./libexec/odesteer/collect ./libexec/odesteer/fitbarrier ./libexec/odesteer/generate ./libexec/odesteer/integrate ./libexec/odesteer/score ./libexec/odesteer/view ./share/man/man1/odesteer-collect.1 ./share/man/man1/odesteer-fitbarrier.1 ./share/man/man1/odesteer-generate.1 ./share/man/man1/odesteer-integrate.1 ./share/man/man1/odesteer-score.1 ./share/man/man1/odesteer-view.1 ./share/man/man5/odesteer-stream.5 ./share/man/man7/odesteer.7 ' \
	'what it installs'
# under its final name the front command finds the tools where PREFIX put them
sed "s|^libexec=|&$tmp/root|" "$tmp/root/usr/bin/odesteer" >"$tmp/odesteer"
is "$(echo '{"id":1}' | sh "$tmp/odesteer" view)" '{"id":1}' 'odesteer view'
sed "s|^pages=|&$tmp/root|" "$tmp/root/usr/bin/odesteer" >"$tmp/odesteer"
for page in odesteer stream collect fitbarrier integrate generate score view; do
	is "$(sh "$tmp/odesteer" help $page)" "$(odesteer help $page)" "odesteer help $page, installed or not"
done

echo kept >"$tmp/root/usr/libexec/odesteer/other"
ok 'make uninstall' make -s uninstall DESTDIR="$tmp/root" PREFIX=/usr
is "$(cd "$tmp/root/usr" && find . -type f)" ./libexec/odesteer/other 'removes all that it installed, and nothing else'
rm "$tmp/root/usr/libexec/odesteer/other"
ok 'again' make -s uninstall DESTDIR="$tmp/root" PREFIX=/usr
is "$(find "$tmp/root" -name odesteer)" '' 'the folder of its own goes too'
run make help
is "$status $err $(echo "$out" | grep -c '^make [a-z]')" "0  $(grep -c '^#   make [a-z]' Makefile)" 'make help has the targets of the first comment'
make -n -p help | sed -n 's/^\.PHONY: //p' | tr ' ' '\n' >"$tmp/targets"
for t in $(echo "$out" | sed -n 's/^make \(\([a-z-]*, \)*[a-z-]*\).*/\1/p' | tr -d ,); do
	ok "make $t is a target" grep -qx "$t" "$tmp/targets"
done
finish
