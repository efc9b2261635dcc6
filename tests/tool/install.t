#!/bin/sh
. tests/tap.sh

ok 'make install' make -s install DESTDIR="$tmp/root" PREFIX=/usr
is "$(cd "$tmp/root/usr" && find . -type f | sort | tr '\n' ' ')" \
	'./bin/odesteer ./libexec/odesteer/collect ./libexec/odesteer/fitbarrier ./libexec/odesteer/generate ./libexec/odesteer/integrate ./libexec/odesteer/score ./libexec/odesteer/view ./share/man/man1/odesteer-collect.1 ./share/man/man1/odesteer-fitbarrier.1 ./share/man/man1/odesteer-generate.1 ./share/man/man1/odesteer-integrate.1 ./share/man/man1/odesteer-score.1 ./share/man/man1/odesteer-view.1 ./share/man/man5/odesteer-stream.5 ./share/man/man7/odesteer.7 ' \
	'what it installs'
# under its final name the front command finds the tools where PREFIX put them
sed "s|^libexec=|&$tmp/root|" "$tmp/root/usr/bin/odesteer" >"$tmp/odesteer"
is "$(echo '{"id":1}' | sh "$tmp/odesteer" view)" '{"id":1}' 'odesteer view'
finish
