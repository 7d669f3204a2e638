#!/bin/sh
# Makes a checkout ready to run: npm packages, the sources that are generated, the web page. Every npm script begins with it, so
# it says nothing and takes no time when all is as it should be.
#
#   sh scripts/setup.sh                       for running Mailtide
#   sh scripts/setup.sh --servers [--bench]   also the servers that tests and benchmarks talk to
#   sh scripts/setup.sh --installed           only notes that the packages are there: npm runs it behind each install
#
# What was done is remembered as a checksum of what it was done from. A checksum is written last and removed first, so
# that an interrupted step is done again.
set -eu
cd "$(dirname "$0")/.."

packages=node_modules/.setup
prisma=src/generated/.setup-prisma
documents=src/generated/.setup-documents
page=dist/.setup-page

main() {
  case " $* " in
    *' --installed '*)
      note_packages
      return
      ;;
    *' --servers '* | *' --bench '*) sh scripts/install-servers.sh "$@" ;;
  esac
  if all_current; then return; fi
  lock
  # node_modules/.bin holds the Node that the tools need, once the packages are there.
  outer_path=$PATH
  PATH=$PWD/node_modules/.bin:$PATH
  # Or Prisma would leave a process behind that asks its maker for news.
  export CHECKPOINT_DISABLE=1
  is_current "$packages" || install_packages
  is_current "$prisma" || generate "$prisma" prisma generate
  is_current "$documents" || generate "$documents" graphql-codegen
  is_current "$page" || generate "$page" vite build --logLevel warn
}

all_current() {
  is_current "$packages" && is_current "$prisma" && is_current "$documents" && is_current "$page"
}

is_current() {
  [ -f "$1" ] && [ "$(cat "$1")" = "$(checksum "$1")" ]
}

# Of everything that the step with this stamp depends on. What is generated depends on its generator's version too.
checksum() {
  case $1 in
    "$packages") uname -sm && cat package-lock.json && sed '/"scripts": {/,/}/d' package.json ;;
    "$prisma") cat "$packages" prisma.config.ts prisma/schema.prisma ;;
    "$documents") cat "$packages" codegen.ts schema.graphql src/ui/operations/*.graphql ;;
    "$page") cat "$documents" vite.config.ts && find src/ui -type f ! -name '*.graphql' -print0 | sort -z | xargs -0 cat ;;
  esac | cksum
}

install_packages() {
  say 'Installing the npm packages; this takes a minute or two, once.'
  sum=$(checksum "$packages")
  rm -f "$packages"
  # Not by the Node in node_modules, which npm is about to replace. Everything is needed, whatever the environment
  # says: the generators are development packages, and a binary of Node is an optional one for each platform. No
  # package runs a script of its own.
  (
    PATH=$(without_local_bin)
    quietly npm ci --loglevel=error --include=dev --include=optional --ignore-scripts
  )
  echo "$sum" >"$packages"
}

# An install that left out the development packages or the scripts is not all that is needed.
note_packages() {
  if [ -x node_modules/.bin/vite ] && node_modules/.bin/node --version >/dev/null 2>&1; then
    checksum "$packages" >"$packages"
  else
    rm -f "$packages"
  fi
}

without_local_bin() {
  printf '%s' "$outer_path" | tr ':' '\n' | grep -v 'node_modules/\.bin/*$' | paste -sd: -
}

generate() {
  stamp=$1
  shift
  say "Generating: $*"
  sum=$(checksum "$stamp")
  rm -f "$stamp"
  quietly "$@"
  mkdir -p "${stamp%/*}"
  echo "$sum" >"$stamp"
}

# Two set-ups in one checkout wait for each other. The lock ends with this process, and no child may inherit it.
lock() {
  mkdir -p .cache
  if command -v flock >/dev/null; then
    exec 9>.cache/setup.lock
    flock -n 9 || { say 'Waiting for another set-up to finish.' && flock 9; }
  else
    until mkdir .cache/setup.locked 2>/dev/null; do
      say 'Waiting for another set-up to finish; if there is none, remove .cache/setup.locked.'
      sleep 5
    done
    trap 'rmdir .cache/setup.locked' EXIT
    trap 'exit 130' HUP INT TERM
  fi
}

quietly() {
  output=$("$@" 2>&1 9>&-) || { printf '%s\n' "$output" >&2 && return 1; }
}

say() {
  printf '%s\n' "$*" >&2
}

main "$@"
