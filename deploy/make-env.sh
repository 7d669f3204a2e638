#!/bin/sh
# Makes the keys of a new installation and writes them to an env file that only its owner can read: `sh deploy/make-env.sh`
# writes .env, `sh deploy/make-env.sh FILE` another one. A file that is there stays as it is. Keep it: mailbox passwords are
# sealed with the ENCRYPTION_KEY in it.
set -eu
umask 077
file=${1:-.env}

random() {
  openssl rand -hex "$1"
}

# noclobber: the shell refuses to write to a file that is there.
set -C
cat >"$file" <<END
API_KEY=mt_$(random 6)_$(random 24)
ENCRYPTION_KEY=$(openssl rand -base64 32)
ADMIN_KEY=$(random 24)
POSTGRES_PASSWORD=$(random 24)
REDIS_PASSWORD=$(random 24)
END
echo "The keys are in $file." >&2
