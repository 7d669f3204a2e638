#!/bin/sh
# Runs a part of the service: `sh scripts/service.sh src/main.ts`. Ends in exec, so that signals reach the program.
#
# The settings keep it small (docs/benchmarks.md has what each is worth):
# - V8 lets the young generation grow to 100 MB before it collects, here to 24 (the threads have limits of their own);
# - V8 takes objects that lived long once for objects that will live long, and puts the next ones of their kind where only
#   a full collection finds them, with all that they refer to: nearly all of what Node's streams are made of;
# - V8 collects a small heap fully when it has grown by a third, ten times a second in the middle of a sync, here when it
#   has doubled;
# - glibc gives each thread a pool of memory of its own, and never gives it back: here they share one.
set -eu
# What the service writes, the database above all, is for its own user only.
umask 077
exec env MALLOC_ARENA_MAX=1 node --disable-warning=ExperimentalWarning --max-semi-space-size=8 --heap-growing-percent=100 --no-allocation-site-pretenuring "$@"
