#!/bin/sh
# What can be said about the code without running it: format, lint, types, prose.
set -eu

echo 'format and lint'
biome ci --error-on-warnings .
oxlint --deny-warnings src test lab bench demo scripts *.config.ts codegen.ts

echo 'types'
tsc --noEmit
tsc --noEmit -p src/ui

echo 'prose'
node scripts/check-prose.mjs
