#!/bin/sh
# Runs a part of the service: `sh scripts/service.sh src/main.ts`. Ends in exec, so that signals reach the program.
#
# The settings limit its memory (docs/benchmarks.md has the gain of each):
# - By default V8's young generation grows to 100 MB before a collection; here to 24. Threads have their own limits.
# - V8 places new objects in the old generation if earlier ones of their kind lived long. There, only a full collection
#   frees them and all that they refer to, which is nearly everything in Node's streams. Here this is off.
# - V8 collects a small heap fully when it has grown by a third, ten times a second during a sync; here when it has
#   doubled.
# - glibc gives each thread its own memory pool and never returns it to the system; here all threads share one.
set -eu
# Files of the service, above all the database, are readable by its own user only.
umask 077
exec env MALLOC_ARENA_MAX=1 node --disable-warning=ExperimentalWarning --max-semi-space-size=8 --heap-growing-percent=100 --no-allocation-site-pretenuring "$@"
