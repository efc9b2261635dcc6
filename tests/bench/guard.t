#!/bin/sh
# Counts the instructions that a few small fixed inputs need, and fails if one needs a tenth more than its
# budget (tests/bench/budgets).
#
# valgrind's callgrind counts what main() does, with one thread. OpenBLAS uses kernels that every x86-64
# processor has; this project's and FFTW's need AVX2. So counts are nearly the same on any machine with AVX2.
# They depend on the compiler and its flags, so only `make check' counts. `make bench-budget' rewrites the
# budgets.
. tests/tap.sh

budgets=tests/bench/budgets
[ -n "${ODESTEER_BUDGET-}" ] || skip_all 'budgets are for the compiler and flags of make check'
[ "$(uname -m)" = x86_64 ] || skip_all 'budgets are for x86-64'
grep -qw avx2 /proc/cpuinfo || skip_all 'budgets are for processors with AVX2'
command -v valgrind >/dev/null || skip_all 'no valgrind here'

acts() { # ROWS DIM: writes pseudorandom activations in groups of 4, with positives shifted
	jq -n -c --argjson n "$1" --argjson dim "$2" '
		{odesteer: "stream", version: 1, kind: "activations", model: "made", digest: "00000000000000aa",
		 block: [3], dim: $dim, dtype: "float32", chain: []},
		(range($n) | . as $i | ($i % 2) as $y
		 | {id: "r\($i)", group: "g\($i / 4 | floor)", label: $y, block: 3,
		act: [range($dim) | . as $k |
			(((($i * 7919 + $k * 104729) * 7 + $i * $k * 31) % 2003) / 250 - 4) * (1 + $k % 7)
			+ (if $y == 1 then 2 - $k % 5 else 0 end)]})' | view --pack
}
texts() { # writes 200 completions of 40 words
	jq -n -c '("the tide comes in twice a day because moon pulls water and earth turns" / " ") as $w
		| range(200) | . as $i
		| [range(40) | $w[($i * 31 + . * . * 7 + . * 3) % 14]] as $words
		| {id: "t\($i)", group: "g\($i / 5 | floor)", label: ($i % 2), prompt: "Q: why?\nA:",
			completion: ($words | join(" "))}'
}
acts 120 48 >"$tmp/acts.ods"
# too many rows for inner products, and enough dimensions for steps in a Krylov space
acts 280 160 >"$tmp/many.ods"
texts | view --pack >"$tmp/texts.ods"
fitbarrier -j 1 -p paper -o "$tmp/paper.ods" "$tmp/acts.ods"
fitbarrier -j 1 -p paper --folds 2 -o "$tmp/many-paper.ods" "$tmp/many.ods"
fitbarrier -j 1 -p best -C 1 -o "$tmp/best.ods" "$tmp/acts.ods"
score distinct -o "$tmp/scored.ods" "$tmp/texts.ods"

count() { # COMMAND...: prints the instructions in main
	GOMP_SPINCOUNT=1000 OPENBLAS_CORETYPE=Nehalem OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 \
		valgrind --tool=callgrind --toggle-collect=main --callgrind-out-file=/dev/null "$@" \
		>/dev/null 2>"$tmp/count" &&
		sed -n 's/.*Collected : \([0-9]*\).*/\1/p' "$tmp/count"
}
guard() { # NAME COMMAND...: compares its count with the budget
	name=$1
	shift
	n=$(count "$@")
	echo "$name $n" >>"$tmp/counts"
	budget=$(sed -n "s/^$name //p" "$budgets" 2>/dev/null)
	if [ "$ODESTEER_BUDGET" != write ]; then
		is "$(jq -n --argjson n "${n:-0}" --argjson budget "${budget:-0}" '$n > 0 and $n <= 1.1 * $budget')" \
			true "$name: ${n:-no} instructions, budget ${budget:-none}"
	fi
}
guard fit-paper fitbarrier -j 1 -p paper "$tmp/acts.ods"
guard fit-best fitbarrier -j 1 -p best "$tmp/acts.ods"
guard fit-rows fitbarrier -j 1 -p paper --folds 2 "$tmp/many.ods"
guard fit-choice fitbarrier -j 1 -p paper -C auto "$tmp/acts.ods"
guard integrate-paper integrate -j 1 -b "$tmp/paper.ods" -T 2 "$tmp/acts.ods"
guard integrate-best integrate -j 1 -b "$tmp/best.ods" -T 2 "$tmp/acts.ods"
guard integrate-krylov integrate -j 1 -b "$tmp/many-paper.ods" -T 2 "$tmp/many.ods"
guard density score density -b "$tmp/paper.ods" "$tmp/acts.ods"
guard view view "$tmp/acts.ods"
guard view-pack view --pack "$tmp/acts.ods"
guard distinct score distinct "$tmp/texts.ods"
guard toxicity score toxicity "$tmp/texts.ods"
guard report score report "$tmp/scored.ods"

if [ "$ODESTEER_BUDGET" = write ]; then
	cp "$tmp/counts" "$budgets"
	cat "$budgets"
	exit 0
fi
finish
