#!/bin/sh
# make install, make uninstall and make help.
. tests/tap.sh

ok 'make install' make -s install DESTDIR="$tmp/root" PREFIX=/usr
tools='collect fitbarrier generate integrate score view'
{
	echo ./bin/odesteer ./share/man/man5/odesteer-stream.5
	echo ./share/man/man7/odesteer.7 ./share/man/man7/odesteer-tutorial.7
	for t in $tools; do echo "./libexec/odesteer/$t ./share/man/man1/odesteer-$t.1"; done
} | tr ' ' '\n' | sort >"$tmp/files"
is "$(cd "$tmp/root/usr" && find . -type f ! -name 'lib*.so.*' | sort)" "$(cat "$tmp/files")" \
	'it installs the tools and their pages'
# An engine of the cache is installed, too, for other users and for when the cache is gone.
if grep -sq '^ENGINE_FILES = .' build/engine.mk; then
	is "$(ldd "$tmp/root/usr/libexec/odesteer/view" |
			sed -n 's/.*=> \(.*\)\/lib\(llama\|ggml[a-z-]*\)\.so.*/\1/p' | sort -u)" \
		"$tmp/root/usr/libexec/odesteer" 'the tools use the engine beside them'
fi
# The installed odesteer finds the tools and pages below PREFIX.
sed "s|^libexec=|&$tmp/root|" "$tmp/root/usr/bin/odesteer" >"$tmp/odesteer"
is "$(echo '{"id":1}' | sh "$tmp/odesteer" view)" '{"id":1}' 'odesteer view'
sed "s|^pages=|&$tmp/root|" "$tmp/root/usr/bin/odesteer" >"$tmp/odesteer"
for page in odesteer tutorial stream $tools; do
	is "$(sh "$tmp/odesteer" help $page)" "$(odesteer help $page)" \
		"odesteer help $page is the same before and after installation"
done

ln -s "$(command -v odesteer)" "$tmp/link"
is "$(echo '{"id":1}' | "$tmp/link" view)" '{"id":1}' 'through a symbolic link'

echo kept >"$tmp/root/usr/libexec/odesteer/other"
ok 'make uninstall' make -s uninstall DESTDIR="$tmp/root" PREFIX=/usr
is "$(cd "$tmp/root/usr" && find . -type f)" ./libexec/odesteer/other 'it removes the installed files, and no others'
rm "$tmp/root/usr/libexec/odesteer/other"
ok 'make uninstall again' make -s uninstall DESTDIR="$tmp/root" PREFIX=/usr
is "$(find "$tmp/root" -name odesteer)" '' 'it removes its folder as well'
run make help
is "$status $err $(echo "$out" | grep -c '^make [a-z]')" "0  $(grep -c '^#   make [a-z]' Makefile)" \
	'make help lists the targets of the first comment'
make -n -p help | sed -n 's/^\.PHONY: //p' | tr ' ' '\n' >"$tmp/targets"
for t in $(echo "$out" | sed -n 's/^make \(\([a-z-]*, \)*[a-z-]*\).*/\1/p' | tr -d ,); do
	ok "make $t is a target" grep -qx "$t" "$tmp/targets"
done
finish
