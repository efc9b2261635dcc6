#!/bin/sh
# A tool sets GOMP_SPINCOUNT for itself if the user has set neither it nor a policy.
. tests/tap.sh

[ -r /proc/self/environ ] || skip_all 'no /proc here'

# Sets environ, name and arguments of a tool that waits for its input, once its environment is WANTED, or
# after 10 s.
start() { # WANTED SETTING...
	wanted=$1
	shift
	rm -f "$tmp/fifo"
	mkfifo "$tmp/fifo"
	env -u GOMP_SPINCOUNT -u OMP_WAIT_POLICY "$@" view --header <"$tmp/fifo" >"$tmp/out" 2>&1 &
	exec 3>"$tmp/fifo"
	tries=100
	while environ=$(tr '\0' '\n' <"/proc/$!/environ" | grep -E '^(GOMP_SPINCOUNT|OMP_WAIT_POLICY)=')
		name=$(cat "/proc/$!/comm" 2>/dev/null)
		[ "$environ $name" != "$wanted view" ] && [ $tries -gt 0 ]; do
		tries=$((tries - 1))
		sleep 0.1
	done
	arguments=$(tr '\0' ' ' <"/proc/$!/cmdline")
	exec 3>&-
	wait $!
}
start GOMP_SPINCOUNT=1000
is "$environ, $name: $arguments" 'GOMP_SPINCOUNT=1000, view: view --header ' 'by default threads do not spin for long'
start GOMP_SPINCOUNT=7 GOMP_SPINCOUNT=7
is "$environ, $name: $arguments" 'GOMP_SPINCOUNT=7, view: view --header ' 'the variable is respected'
start OMP_WAIT_POLICY=active OMP_WAIT_POLICY=active
is "$environ, $name: $arguments" 'OMP_WAIT_POLICY=active, view: view --header ' 'and so is a policy'
finish
