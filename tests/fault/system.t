#!/bin/sh
# Every tool says so when a system call fails, whichever it is, and leaves nothing half-written; nor does it if a signal
# ends it in any of them. Without FULL only some calls are tried.
# shellcheck disable=SC2317 # each_run calls the functions
. tests/tap.sh
. tests/fault/runs.sh
command -v strace >/dev/null || skip_all 'strace is not installed'
strace -o "$tmp/log" -e inject=getpid:error=EPERM true 2>/dev/null || skip_all 'strace is not allowed here'

make_inputs
each_run make_good
step=5
[ -z "${FULL-}" ] || step=1

# Prints "CALL FIRST LAST" for each system call of a run's main: those before belong to the loader and to OpenBLAS.
calls() { # LINE
	try none "$1" "strace -f -qq -o '$tmp/log'"
	sed 's/^[0-9]* *//' "$tmp/log" | awk -F'(' '
		/^fcntl\(0, F_GETFD/ { main = 1 }
		/^[a-z]/ { n[$1]++; if (!main) before[$1]++ }
		END { for (c in n) if (n[c] > before[c]) print c, before[c] + 1, n[c] }' | sort
}
inject() { # NAME LINE CALL K WHAT
	try "$1" "$2" "strace -f -qq -o /dev/null -e trace=$3 -e inject=$3:$5:when=$4"
}
fail_each() { # NAME LINE
	tries=0
	bad=
	calls "$2" >"$tmp/calls"
	for c in read:EIO pread64:EIO write:ENOSPC fsync:EIO fdatasync:EIO rename:EIO close:EIO lseek:EIO \
		openat:EMFILE mmap:ENOMEM clone3:EAGAIN; do
		read -r k n <<-END
			$(sed -n "s/^${c%:*} //p" "$tmp/calls")
		END
		while [ "${k:-1}" -le "${n:-0}" ]; do
			inject "$1" "$2" "${c%:*}" "$k" "error=${c#*:}"
			tries=$((tries + 1))
			[ -z "$complaint" ] || bad="$bad
${c%:*} $k: $complaint"
			k=$((k + step))
		done
	done
	[ "$tries" != 0 ] || bad='no call was tried'
	is "$bad" '' "$1: $tries system calls fail, one in each run"
}
# The output must be whole or absent; a signal that can be caught leaves nothing else.
end_in_each() { # NAME LINE SIGNAL
	tries=0
	bad=
	while read -r call k n; do
		while [ "$k" -le "$n" ]; do
			inject "$1" "$2" "$call" "$k" "signal=$3"
			tries=$((tries + 1))
			case $2 in
			*'>out'*) [ "$status" = 0 ] || rm -f "$tmp/work/out" ;;
			esac
			if [ -e "$tmp/work/out" ] && ! cmp -s "$tmp/work/out" "$tmp/good/$1"; then
				bad="$bad
$call $k: its output is broken"
			fi
			rm -f "$tmp/work/out"
			[ "$3" = KILL ] || [ -z "$(ls "$tmp/work")" ] || bad="$bad
$call $k: it leaves $(ls "$tmp/work")"
			k=$((k + step))
		done
	done <"$tmp/calls"
	[ "$tries" != 0 ] || bad='no call was tried'
	is "$bad" '' "$1: SIG$3 ends it in $tries system calls"
}
end_each() {
	calls "$2" | grep -v sched_yield >"$tmp/calls"
	end_in_each "$1" "$2" TERM
	end_in_each "$1" "$2" KILL
}
each_run fail_each
each_run end_each
finish
