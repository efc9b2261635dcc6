#!/bin/sh
# Every tool says so when a system call fails, whichever it is, and leaves nothing half-written; nor does it if a signal
# ends it in any of them. Without FULL only some calls are tried.
# shellcheck disable=SC2317 # each_run calls the functions
. tests/tap.sh
. tests/fault/runs.sh
command -v strace >/dev/null || skip_all 'strace is not installed'
strace -o "$tmp/log" -e inject=getpid:error=EPERM true 2>/dev/null || skip_all 'strace is not allowed here'

ldd "$(command -v view)" | grep -q asan && skip_all 'a sanitiser has messages of its own'
make_inputs
each_run make_good
step=5
[ -z "${FULL-}" ] || step=1

# Prints "CALL FIRST LAST" for each system call of a run's main: those before belong to the loader and to OpenBLAS.
# strace counts the calls of each thread; those of the first are tried.
calls() { # LINE
	try none "$1" "strace -f -qq -o '$tmp/log'"
	awk '
		NR == 1 { pid = $1 }
		$1 != pid { next }
		{ sub(/^[0-9]* */, ""); call = $0; sub(/\(.*/, "", call) }
		/^fcntl\(0, F_GETFD/ { main = 1 }
		/^[a-z]/ { n[call]++; if (!main) before[call]++ }
		END { for (c in n) if (n[c] > before[c]) print c, before[c] + 1, n[c] }' "$tmp/log" | sort
}
inject() { # NAME LINE CALL K WHAT: fails if the run did not come to this call
	try "$1" "$2" "strace -f -qq -o '$tmp/log' -e trace=$3 -e inject=$3:$5:when=$4"
	grep -q INJECTED "$tmp/log" || [ "$status" -gt 128 ] || return
	tries=$((tries + 1))
}
fail_each() { # NAME LINE
	tries=0
	bad=
	calls "$2" >"$tmp/calls"
	for c in read:EIO pread64:EIO write:ENOSPC fsync:EIO rename:EIO renameat:EIO close:EIO lseek:EIO fchmod:EPERM \
		getrandom:ENOSYS openat:EMFILE mmap:ENOMEM clone3:EAGAIN; do
		read -r k n <<-END
			$(sed -n "s/^${c%:*} //p" "$tmp/calls")
		END
		while [ "${k:-1}" -le "${n:-0}" ]; do
			if inject "$1" "$2" "${c%:*}" "$k" "error=${c#*:}" && [ -n "$complaint" ]; then
				bad="$bad
${c%:*} $k: $complaint"
			fi
			k=$((k + step))
		done
	done
	[ "$tries" != 0 ] || bad='no call was tried'
	is "$bad" '' "$1: $tries system calls fail, one in each run"
}
# The output must be whole or as before; a signal that can be caught leaves nothing else.
end_in_each() { # NAME LINE SIGNAL
	tries=0
	bad=
	while read -r call k n; do
		while [ "$k" -le "$n" ]; do
			inject "$1" "$2" "$call" "$k" "signal=$3"
			if [ "$status" = 0 ]; then
				[ -z "$complaint" ] || bad="$bad
$call $k: $complaint"
				rm -f "$tmp/work/out"
			fi
			forget_rest "$2"
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
if [ -n "${FULL-}" ]; then
	step=31
	make_model_inputs
	each_model_run make_good
	each_model_run fail_each
	each_model_run end_each
fi
finish
