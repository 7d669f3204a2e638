#!/bin/sh
# Runs all tests except the long ones, or only the given files. Tests that measure times run last and alone.
set -eu
cd "$(dirname "$0")/.."
[ $# -eq 0 ] || exec vitest run "$@"
vitest run --project unit --project servers
exec vitest run --project alone
