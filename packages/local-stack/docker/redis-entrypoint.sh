#!/bin/sh
# Starts Redis as the official image does: arguments go to redis-server, any other command runs as it is.
set -eu

case "${1:-redis-server}" in
  redis-server) ;;
  -* | *.conf) set -- redis-server "$@" ;;
  *) exec "$@" ;;
esac

shift
exec redis-server --bind '*' --protected-mode no --dir /data "$@"
