#!/bin/sh
# Generates the keys of a new installation and writes them to an env file that only its owner can read:
# `sh deploy/make-env.sh` writes .env, `sh deploy/make-env.sh FILE` another one. It never overwrites a file. Keep it:
# its ENCRYPTION_KEY encrypts the mailbox passwords.
set -eu
umask 077
file=${1:-.env}

random() {
  openssl rand -hex "$1"
}

# noclobber: the shell refuses to overwrite a file.
set -C
cat >"$file" <<END
API_KEY=mt_$(random 6)_$(random 24)
ENCRYPTION_KEY=$(openssl rand -base64 32)
ADMIN_KEY=$(random 24)
POSTGRES_PASSWORD=$(random 24)
REDIS_PASSWORD=$(random 24)
END
echo "The keys are in $file." >&2
