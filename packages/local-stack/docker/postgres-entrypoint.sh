#!/bin/sh
# Starts Postgres as the official image does, as far as POSTGRES_USER, POSTGRES_PASSWORD, POSTGRES_DB,
# POSTGRES_INITDB_ARGS and POSTGRES_HOST_AUTH_METHOD go. Scripts in /docker-entrypoint-initdb.d are
# not run.
set -eu

case "${1:-postgres}" in
  postgres) ;;
  -*) set -- postgres "$@" ;;
  *) exec "$@" ;;
esac

user=${POSTGRES_USER:-postgres}
database=${POSTGRES_DB:-$user}
method=${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}

if [ ! -s "$PGDATA/PG_VERSION" ]; then
  if [ -z "${POSTGRES_PASSWORD:-}" ] && [ "$method" != trust ]; then
    echo 'Set POSTGRES_PASSWORD, or POSTGRES_HOST_AUTH_METHOD=trust for a server that asks for no password.' >&2
    exit 1
  fi
  password_file=$(mktemp)
  printf '%s\n' "${POSTGRES_PASSWORD:-}" >"$password_file"
  # shellcheck disable=SC2086  # POSTGRES_INITDB_ARGS is a list of words.
  if [ -n "${POSTGRES_PASSWORD:-}" ]; then
    initdb --pgdata="$PGDATA" --username="$user" --pwfile="$password_file" --encoding=UTF8 --locale=C.UTF-8 \
      --auth-local=trust --auth-host="$method" --no-sync ${POSTGRES_INITDB_ARGS:-} >/dev/null
  else
    initdb --pgdata="$PGDATA" --username="$user" --encoding=UTF8 --locale=C.UTF-8 \
      --auth=trust --no-sync ${POSTGRES_INITDB_ARGS:-} >/dev/null
  fi
  rm -f "$password_file"
  echo "host all all all $method" >>"$PGDATA/pg_hba.conf"
  # Single-user mode creates the database without a second server that could be taken for the real one.
  if [ "$database" != postgres ]; then
    printf 'CREATE DATABASE "%s";\n' "$(printf %s "$database" | sed 's/"/""/g')" | postgres --single -D "$PGDATA" postgres >/dev/null
  fi
fi

shift
# The image carries no LLVM.
exec postgres -D "$PGDATA" -c listen_addresses='*' -c jit=off "$@"
