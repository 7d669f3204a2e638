#!/bin/sh
# Prints the keys of a new installation, as an env file: `sh deploy/make-env.sh > .env`. Keep that file: mailbox passwords
# are sealed with the ENCRYPTION_KEY in it.
set -eu
umask 077
[ -t 1 ] && echo 'To keep them: sh deploy/make-env.sh > .env' >&2

random() {
  openssl rand -hex "$1"
}

cat <<END
API_KEY=mt_$(random 6)_$(random 24)
ENCRYPTION_KEY=$(openssl rand -base64 32)
ADMIN_KEY=$(random 24)
POSTGRES_PASSWORD=$(random 24)
REDIS_PASSWORD=$(random 24)
END
