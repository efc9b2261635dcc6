# made.sh - activations for tests that need no model.
#
# made [JQ FILTER] writes a stream of 48 records of dim 6 at block 3, in 12 groups of two true and two false
# answers. The filter is applied to each line; the header is the first.
made() {
	jq -n -c '
		def act($i; $y): [range(6)
			| (((($i * 7 + . * 13) % 19) - 9.3) * 0.4 + (if . < 3 then $y * 2.385 else -$y end))];
		{odesteer: "stream", version: 1, kind: "activations", model: "made", digest: "00000000000000aa",
		 block: [3], dim: 6, dtype: "float32", chain: []},
		(range(48) | . as $i | ($i % 2) as $y
		 | {id: "r\($i)", group: "g\($i / 4 | floor)", label: $y, block: 3, act: act($i; $y)})' |
		jq -c "${1-.}" | view --pack
}
