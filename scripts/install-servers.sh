#!/bin/sh
# Installs the programs that tests use: Dovecot, Cyrus, Courier, PostgreSQL, Redis, Chromium, Python and, with --bench,
# the tools that benchmarks compare with. Tests start their own servers, so this starts nothing, registers no service
# and creates no database cluster. Existing ones are left alone.
set -eu

oldest_postgres=15
# Debian allows only one IMAP server to be installed. The others are unpacked here, which is enough for the tests;
# lab/servers/mail-servers.ts uses them. The directory is below /var, because their user cannot read /root.
unpacked=/var/cache/mailtide-test-servers
unpacked_packages='cyrus-imapd cyrus-common courier-imap courier-base courier-authlib'
policy=/usr/sbin/policy-rc.d
clusters=/etc/postgresql-common/createcluster.conf

main() {
  find_missing "$@"
  [ -n "$missing" ] || return 0
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    explain "$@"
    exit 1
  fi
  exec 9>/run/lock/mailtide-servers
  flock 9
  find_missing "$@"
  # shellcheck disable=SC2086 # a list of words
  [ -z "$missing" ] || install $missing
}

find_missing() {
  missing=
  [ -x /usr/lib/dovecot/imap ] || missing="$missing dovecot-imapd"
  has_postgres || missing="$missing postgresql"
  command -v redis-server >/dev/null || missing="$missing redis-server"
  command -v openssl >/dev/null || missing="$missing openssl"
  command -v chromium >/dev/null || missing="$missing chromium"
  python3 -c 'import email, html.parser, json' 2>/dev/null || missing="$missing python3"
  [ -x "$unpacked/usr/lib/cyrus/bin/master" ] && [ -x "$unpacked/usr/bin/imapd" ] || missing="$missing $unpacked_packages"
  case " $* " in
    *' --bench '*) command -v mbsync >/dev/null || missing="$missing isync" ;;
  esac
}

has_postgres() {
  for program in /usr/lib/postgresql/*/bin/postgres; do
    version=${program#/usr/lib/postgresql/}
    if [ -x "$program" ] && [ "${version%%/*}" -ge "$oldest_postgres" ]; then return 0; fi
  done
  return 1
}

explain() {
  echo "These Debian packages are missing:$missing" >&2
  echo "To install them, or to unpack Cyrus and Courier into $unpacked, without starting any service, run on Debian 12:" >&2
  echo "  sudo sh $0 $*" >&2
}

install() {
  echo "Installing Debian packages: $*" >&2
  export DEBIAN_FRONTEND=noninteractive
  new_units=$(units_not_there_yet)
  trap restore EXIT
  trap 'exit 130' HUP INT TERM
  forbid_starting
  get update
  case " $* " in
    # The common package first: its settings decide whether the server package creates a cluster.
    *' postgresql '*)
      get install postgresql-common
      forbid_cluster
      ;;
  esac
  case " $* " in
    *' cyrus-imapd '*) unpack ;;
  esac
  # shellcheck disable=SC2046 # words
  get install $(installable "$@")
  for unit in $new_units; do
    if has_unit "$unit" && command -v systemctl >/dev/null; then systemctl --quiet disable "$unit"; fi
  done
}

installable() {
  for package in "$@"; do
    case " $unpacked_packages " in
      *" $package "*) ;;
      *) echo "$package" ;;
    esac
  done
}

# Their libraries conflict with nothing, so these are installed.
unpack() {
  # shellcheck disable=SC2046,SC2086 # lists of words
  get install $(apt-cache depends --important $unpacked_packages |
    sed -n 's/^ *|\{0,1\}Depends: \(lib[^ ]*\)$/\1/p' | grep -v -e libfam -e libclamav | sort -u) libsasl2-modules
  rm -rf "$unpacked" "$unpacked.new"
  mkdir -p "$unpacked.new"
  # shellcheck disable=SC2086
  (cd "$unpacked.new" && get download $unpacked_packages)
  for package in "$unpacked.new"/*.deb; do
    dpkg-deb -x "$package" "$unpacked.new"
    rm "$package"
  done
  chmod 755 "$unpacked.new"
  mv "$unpacked.new" "$unpacked"
}

get() {
  output=$(apt-get -y -o DPkg::Lock::Timeout=300 --no-install-recommends "$@" 2>&1 9>&-) || {
    printf '%s\n' "$output" >&2
    return 1
  }
}

units_not_there_yet() {
  for unit in dovecot.service postgresql.service redis-server.service; do
    has_unit "$unit" || echo "$unit"
  done
}

has_unit() {
  [ -e "/lib/systemd/system/$1" ]
}

# Debian's packages call this program before they start a service (invoke-rc.d(8)).
forbid_starting() {
  [ ! -e "$policy" ] || mv "$policy" "$policy.before"
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
}

forbid_cluster() {
  cp -p "$clusters" "$clusters.before"
  echo 'create_main_cluster = false' >>"$clusters"
}

restore() {
  rm -f "$policy"
  for file in "$policy" "$clusters"; do
    [ ! -e "$file.before" ] || mv "$file.before" "$file"
  done
}

main "$@"
