#!/bin/sh
# The tests that take long. What compares with a quiet service comes last, with nothing else beside it.
set -eu
cd "$(dirname "$0")/.."
vitest run test/long --exclude 'test/long/alone/**'
exec vitest run --maxWorkers=1 test/long/alone
