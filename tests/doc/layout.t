#!/bin/sh
# Each folder of lib/ uses only those before it, and the library neither prints nor exits.
. tests/tap.sh

folders='base stream model fit field flow steer metric'

is "$(cd lib && echo */ | tr -d / | tr ' ' '\n' | sort)" "$(echo "$folders" | tr ' ' '\n' | sort)" \
	'lib/ has the folders that this test orders'

includes() { # FILE...: lines "FILE INCLUDED", both as an include names them
	awk '/^[ \t]*#[ \t]*include[ \t]*"/ { split($0, part, "\""); print FILENAME, part[2] }' "$@"
}
includes lib/*/*.[ch] | sed 's|^lib/||' >"$tmp/lib"
allowed=' '
for folder in $folders; do
	allowed="$allowed$folder "
	is "$(awk -v folder="$folder" -v allowed="$allowed" '
		index($1, folder "/") == 1 {
			split($2, part, "/")
			if (!index(allowed, " " part[1] " ")) print $1 " includes " $2
		}' "$tmp/lib")" '' "lib/$folder includes only:$allowed"
done
is "$(grep '\.h ' "$tmp/lib" | tsort 2>&1 >/dev/null)" '' 'no header of lib/ includes itself through others'

includes tools/*.[ch] tools/setup/*.c |
	while read -r file header; do
		if [ -e "lib/$header" ] || [ -e "tools/$header" ]; then
			case $header in
			*..*) ;;
			*) continue ;;
			esac
		fi
		echo "$file includes $header"
	done >"$tmp/tools"
is "$(cat "$tmp/tools")" '' 'tools/ includes only lib/ and tools/'

# One method, solver or score is reached through its table and needs no header.
behind_table='^[[:space:]]*const struct \(field_type\|solver\|metric\) .* = {'
for c in lib/*/*.c; do
	h=${c%.c}.h
	if [ ! -e "$h" ]; then
		grep -q "$behind_table" "$c" || echo "$c has no $h"
	fi
done >"$tmp/headers"
is "$(cat "$tmp/headers")" '' 'each .c of lib/ has a header, or a table leads to it'

# ODESTEER_FUZZ is the folder of the test programs, one below that of the library
lib=${ODESTEER_FUZZ:-build/tests}/../libodesteer.a
ok 'the library is there' nm "$lib"
undefined() { # PATTERN: lines "OBJECT SYMBOL" of symbols that match it as a whole
	nm -A -u "$lib" | awk -v pattern="^($1)\$" '$NF ~ pattern { split($1, part, ":"); print part[2], $NF }'
}
is "$(undefined 'malloc' | head -n 1 | cut -d' ' -f2)" malloc 'nm shows what the library uses'
# A call with a format that needs none may be compiled to puts, and a fortified one to __printf_chk.
is "$(undefined 'stdout|stderr|v?d?printf|__v?d?printf_chk|puts|putchar|perror|psignal|v?syslog|v?(err|warn)x?')" '' \
	'lib/ prints nothing'
is "$(undefined '_?exit|_Exit|quick_exit|abort|__assert_fail')" '' 'lib/ exits nowhere'
is "$(undefined 'getopt(_long)?(_only)?|optarg|optind')" '' 'lib/ parses no command line'

# Exceptions, because a signal handler reads them:
# running, changing  the program that a signal ends, too (lib/steer/coprocess.c)
# pending            the unfinished output that a signal removes (lib/stream/output.c)
state=$(nm -f sysv "$lib" | awk -F'|' '$4 ~ /OBJECT|TLS|COMMON/ && $7 !~ /rodata|rel\.ro/ { print $1 }' |
	grep -v -x ' *\(running\|changing\|pending\|starved\) *' | tr -d ' ')
if [ -n "$(undefined '__asan_init')" ]; then
	echo '# state is not looked for: this build has that of AddressSanitizer'
else
	is "$state" '' 'lib/ has no state of its own'
fi
finish
