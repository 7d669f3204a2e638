#!/bin/sh
# Makes a checkout ready to run: installs npm packages, generates sources, builds the web page. Every npm script begins
# with it, so it prints nothing and takes no time if everything is current.
#
#   sh scripts/setup.sh                       for running Mailtide
#   sh scripts/setup.sh --servers [--bench]   also installs the servers that tests and benchmarks use
#   sh scripts/setup.sh --installed           only records that the packages are installed: npm runs it after an install
#
# Each step stores a checksum of its inputs, which it writes last and removes first, so that an interrupted step is
# repeated.
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
  # Once the packages are installed, node_modules/.bin contains the Node that the tools need.
  outer_path=$PATH
  PATH=$PWD/node_modules/.bin:$PATH
  # Otherwise Prisma leaves a process behind that checks for new versions.
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

# Prints a checksum of all inputs of the step with this stamp, including the version of its generator.
checksum() {
  case $1 in
    "$packages") uname -sm && cat package-lock.json && sed '/"scripts": {/,/}/d' package.json ;;
    "$prisma") cat "$packages" prisma.config.ts prisma/schema.prisma ;;
    "$documents") cat "$packages" codegen.ts schema.graphql src/ui/operations/*.graphql ;;
    "$page") cat "$documents" vite.config.ts && find src/ui -type f ! -name '*.graphql' -print0 | sort -z | xargs -0 cat ;;
  esac | cksum
}

install_packages() {
  say 'Installing the npm packages. This takes a minute or two, once.'
  sum=$(checksum "$packages")
  rm -f "$packages"
  # Not with the Node in node_modules, which npm is about to replace. All packages are needed, whatever the environment
  # sets: the generators are development packages, and Node's binaries are optional packages, one for each platform. No
  # package may run scripts.
  (
    PATH=$(without_local_bin)
    quietly npm ci --loglevel=error --include=dev --include=optional --ignore-scripts
  )
  echo "$sum" >"$packages"
}

# An install without development packages or scripts is incomplete.
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

# Lets one set-up at a time run in a checkout. The lock ends with this process, so no child may inherit it.
lock() {
  mkdir -p .cache
  if command -v flock >/dev/null; then
    exec 9>.cache/setup.lock
    flock -n 9 || { say 'Waiting for another set-up to finish.' && flock 9; }
  else
    until mkdir .cache/setup.locked 2>/dev/null; do
      say 'Waiting for another set-up to finish. If none is running, remove .cache/setup.locked.'
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
