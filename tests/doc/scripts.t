#!/bin/sh
# The scripts pass shellcheck. The manual pages pass mandoc -T lint, and groff if it is there.
. tests/tap.sh

scripts() { # of the tree, but for the tests
	find pipelines -type f \( ! -name '*.*' -o -name '*.sh' \) ! -path '*/presets/*'
	echo datasets/fetch.sh datasets/truthfulqa datasets/ultrafeedback datasets/realtoxicity
	echo tools/odesteer tools/setup/packages tools/setup/engine tools/setup/model
	echo tests/kernels tests/lint tests/bench/setup tests/bench/run tests/bench/plots .ci/run
}
if command -v shellcheck >/dev/null; then
	for f in $(scripts); do
		ok "$f" shellcheck -x -P pipelines -P pipelines/studies -P tests/bench -e SC2016,SC2119 "$f"
	done
	ok tests/tap.sh shellcheck -s sh -e SC2034 tests/tap.sh
	for f in tests/*/*.t; do
		ok "$f" shellcheck -s sh -e SC1091,SC2154,SC2016,SC2012,SC2086 "$f"
	done
else
	echo '# no shellcheck here: scripts are not checked'
fi
for page in man/*.[157]; do
	ok "$page" sh -c "! mandoc -T lint -W style '$page' | grep -v 'referenced manual not found'"
	if command -v groff >/dev/null; then
		is "$(groff -W break -mandoc -T utf8 -z "$page" 2>&1)" '' "$page: groff"
	fi
done
command -v groff >/dev/null || echo '# no groff here: it may print the pages otherwise than mandoc'
finish
