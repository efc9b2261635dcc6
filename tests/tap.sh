# tap.sh - a minimal Test Anything Protocol, for tests in POSIX sh.
#
#   . tests/tap.sh
#   is  "$got" "$wanted" 'name'          compares two strings
#   ok  'name' command args...           the command must succeed
#   run command args...                  runs it and sets $status, $out (stdout) and $err (stderr)
#   fails STATUS 'message' command ...   the command must exit with STATUS, with exactly that message on stderr
#   misuse 'message' TOOL args...        a tool must refuse its arguments with this message
#   has_terminal                         succeeds if script(1) can give a command a terminal
#   skip_all 'reason'                    ends the test without a result
#   finish                               prints the plan; the last line of every test
#
# $tmp is a folder for the test, removed at the end.
set -u
LC_ALL=C
ASAN_OPTIONS=detect_leaks=0 # tools do not free all memory before they exit
SHELL=/bin/sh # script(1) runs commands with it
export LC_ALL ASAN_OPTIONS SHELL
tap_n=0
tap_bad=0
tmp=$(mktemp -d "${TMPDIR:-/tmp}/odesteer-test.XXXXXX") || exit 1
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' INT TERM

tap_result() { # PASSED NAME
	tap_n=$((tap_n + 1))
	if [ "$1" = 1 ]; then
		echo "ok $tap_n - $2"
	else
		tap_bad=$((tap_bad + 1))
		echo "not ok $tap_n - $2"
	fi
}

has_terminal() {
	command -v script >/dev/null && script -qec true /dev/null </dev/null >/dev/null 2>&1
}

is() {
	if [ "$1" = "$2" ]; then
		tap_result 1 "$3"
	else
		tap_result 0 "$3"
		printf '%s\n' "     got: $1" "  wanted: $2" | sed 's/^/# /'
	fi
}

ok() {
	tap_name=$1
	shift
	if "$@" >"$tmp/tap.out" 2>&1; then
		tap_result 1 "$tap_name"
	else
		tap_result 0 "$tap_name"
		sed 's/^/# /' "$tmp/tap.out"
	fi
}

run() {
	status=0
	"$@" >"$tmp/tap.out" 2>"$tmp/tap.err" </dev/null || status=$?
	out=$(cat "$tmp/tap.out")
	err=$(cat "$tmp/tap.err")
}

fails() {
	tap_status=$1
	tap_message=$2
	shift 2
	run "$@"
	is "$status: $err" "$tap_status: $tap_message" "exit $tap_status: $(printf '%s\n' "$tap_message" | head -n 1)"
}

misuse() {
	tap_misuse=$1
	shift
	fails 2 "$1: $tap_misuse
try '$1 -h'" "$@"
}

skip_all() { # REASON
	echo "1..0 # skip $1"
	exit 0
}

finish() {
	echo "1..$tap_n"
	[ "$tap_bad" = 0 ]
	exit
}
