#!/bin/sh
. tests/tap.sh

command -v shellcheck >/dev/null || skip_all 'no shellcheck here'
for f in $(find pipelines -type f \( ! -name '*.*' -o -name '*.sh' \) ! -path '*/presets/*') datasets/truthfulqa tools/setup/packages tools/setup/engine tools/setup/model tools/odesteer tests/bench/setup tests/bench/run tests/bench/plots tests/kernels .ci/run; do
	ok "$f" shellcheck -x -P pipelines -P pipelines/studies -P tests/bench -e SC2016,SC2119 "$f"
done
ok tests/tap.sh shellcheck -s sh -e SC2034 tests/tap.sh
for f in tests/*/*.t; do
	ok "$f" shellcheck -s sh -e SC1091,SC2154,SC2016,SC2012,SC2086 "$f"
done
finish
