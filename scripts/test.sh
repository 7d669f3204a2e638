#!/bin/sh
# All tests but those that take long, or only the files that are named. What is measured by the clock comes last, with
# nothing else beside it.
set -eu
cd "$(dirname "$0")/.."
[ $# -eq 0 ] || exec vitest run "$@"
vitest run --exclude 'test/{long,alone}/**'
exec vitest run test/alone
