#!/bin/sh
# Runs the long tests. Those that compare with a quiet service run last and alone.
set -eu
cd "$(dirname "$0")/.."
vitest run --project long
exec vitest run --project long-alone --maxWorkers=1
