#!/bin/sh
# tools/setup/engine shows its progress, and how a build fails. Python and pip are replaced by scripts.
. tests/tap.sh

pkg-config --exists llama 2>/dev/null && skip_all 'pkg-config knows a libllama: none is built'
libs=$(sed -n "s/^ENGINE_LIBS = -L\(.*\) '-Wl,.*/\1/p" build/engine.mk 2>/dev/null)
libs=$(eval "printf %s $libs") # it is quoted where it has a space
[ -n "$libs" ] || skip_all 'no libllama to present as the built one'

mkdir "$tmp/bin"
cat >"$tmp/bin/python3" <<EOF
#!/bin/sh
mkdir -p "\$3/bin"
cat >"\$3/bin/pip" <<'PIP'
#!/bin/sh
# each line waits until the one before it was shown in the file SEEN, for 30 s at most
for step in '3 25' '8 [56][06]' '9 75' '12 100'; do
	echo "  [\${step% *}/12] c++ -o \${step% *}.o"
	tries=60
	while ! grep -q " \${step#* } %" "\$SEEN" && [ \$tries -gt 0 ]; do
		tries=\$((tries - 1))
		sleep 0.5
	done
done
[ ! -e "$tmp/broken" ] || { echo 'no such compiler'; exit 1; }
while [ "\$1" != --target ]; do shift; done
mkdir "\$2"
cp -R "${libs%/lib}/include" "$libs" "\$2"
PIP
chmod 755 "\$3/bin/pip"
EOF
chmod 755 "$tmp/bin/python3"
engine() {
	SEEN="$tmp/tap.err" PATH="$tmp/bin:$PATH" XDG_CACHE_HOME="$tmp/a cache" TMPDIR="$tmp" tools/setup/engine
}
version=$(sed -n 's/^version=\([0-9.]*\).*/\1/p' tools/setup/engine)
building="setup: building libllama from the PyPI package llama-cpp-python $version (some minutes, once)"

touch "$tmp/broken"
fails 1 "$building
setup: building libllama 25 %
setup: building libllama 50 %
setup: building libllama 75 %
setup: building libllama 100 %
  [3/12] c++ -o 3.o
  [8/12] c++ -o 8.o
  [9/12] c++ -o 9.o
  [12/12] c++ -o 12.o
no such compiler
setup: building libllama failed" engine
rm "$tmp/broken"
run engine
is "$status $err" "0 $building
setup: building libllama 25 %
setup: building libllama 50 %
setup: building libllama 75 %
setup: building libllama 100 %" 'it builds and shows its progress'
run engine
is "$status $err $(echo "$out" | grep -c "^ENGINE.*'$tmp/a cache/")" '0  3' \
	'the next run finds the build, in a folder with a space in its name'
if has_terminal; then
	engine='SEEN="$tmp/typescript" XDG_CACHE_HOME="$tmp/other" TMPDIR="$tmp" PATH="$tmp/bin:$PATH"'
	engine="$engine"' tools/setup/engine >"$tmp/engine.mk"'
	(export tmp; script -qefc "$engine" "$tmp/typescript" </dev/null >"$tmp/script.out" 2>&1)
	is "$(grep -v '^Script ' "$tmp/typescript" | tr '\r' '\n' | grep . | uniq)" "$building
setup: building libllama 25 %
setup: building libllama 66 %
setup: building libllama 75 %
setup: building libllama 100 %" 'on a terminal it updates one line'
	is "$(grep -c "$tmp/other" "$tmp/engine.mk")" 3 'which is not part of its output'
fi
is "$(find "$tmp" -name 'odesteer-engine.*')" '' 'no folder is left'
finish
