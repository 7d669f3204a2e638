#!/bin/sh
# Runs the long tests. Those that compare with a quiet service run last and alone.
set -eu
cd "$(dirname "$0")/.."
vitest run test/long --exclude 'test/long/alone/**'
exec vitest run --maxWorkers=1 test/long/alone
