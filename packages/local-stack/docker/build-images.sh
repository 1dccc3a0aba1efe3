#!/usr/bin/env bash
# Makes the Postgres and Redis images that the tests start, for a machine whose engine cannot reach
# an image registry: a root file system is unpacked from Debian's packages and imported.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
postgres_image=${TEST_POSTGRES_IMAGE:-postgres:18-alpine}
redis_image=${TEST_REDIS_IMAGE:-redis:8-alpine}
pull=yes
force=no

usage() {
  cat <<HELP
Usage: build-images.sh [--no-pull] [--force] [--help]

Makes sure that the engine has the two images that the tests ask for:
  TEST_POSTGRES_IMAGE  (default postgres:18-alpine)
  TEST_REDIS_IMAGE     (default redis:8-alpine)

An image that exists under its name is left alone. Otherwise it is pulled; where no registry answers,
it is built from the packages of the Debian release that this script runs on, under the same name and
with the label reconfirm.built-from. "docker rmi <name>" removes such an image again.

  --no-pull   build without asking a registry first
  --force     build even if an image of that name exists
  --help      print this text

Needs: docker with a running engine, and apt-get, dpkg-deb and tar (Debian or Ubuntu). No root.
HELP
}

for argument in "$@"; do
  case $argument in
    --no-pull) pull=no ;;
    --force) force=yes ;;
    --help | -h) usage; exit 0 ;;
    *) echo "build-images.sh: unknown option $argument (see --help)" >&2; exit 64 ;;
  esac
done

say() { printf '%s  images: %s\n' "$(date +%H:%M:%S)" "$*"; }

exists() { docker image inspect "$1" >/dev/null 2>&1; }

# An engine without a route to a registry answers at once or after its own dial timeout of 15 s;
# the limit here is for a network that swallows packets.
pulled() {
  [ "$pull" = yes ] || return 1
  say "pulling $1"
  timeout --kill-after=5 "${PULL_TIMEOUT_SECONDS:-120}" docker pull --quiet "$1" >/dev/null 2>"$work/pull.log" && return 0
  say "cannot pull $1: $(tail -n 1 "$work/pull.log" | cut -c 1-160)"
  return 1
}

# Downloads the named packages and everything they depend on. The empty status file makes apt count
# nothing as installed; the private cache makes it work without root.
download_packages() {
  local folder=$1
  shift
  mkdir -p "$folder/partial"
  apt-get -qq --yes --download-only \
    -o Dir::State::status=/dev/null -o Dir::Cache::archives="$folder" -o Debug::NoLocking=1 \
    -o APT::Sandbox::User="$(id -un)" -o APT::Install-Recommends=false \
    install "$@" >"$work/apt.log" 2>&1 || { tail -n 20 "$work/apt.log" >&2; return 1; }
}

# Unpacks without running any maintainer script: the entry points need only files, two users and /tmp.
unpack_packages() {
  local folder=$1 root=$2 archive name
  mkdir -p "$root"/usr/{bin,sbin,lib,lib64} "$root"/{etc,proc,sys,dev,run,var,root} "$root"/tmp
  ln -s usr/bin usr/sbin usr/lib usr/lib64 "$root"
  ln -s ../run "$root/var/run"
  chmod 1777 "$root/tmp"
  for archive in "$folder"/*.deb; do
    name=$(basename "$archive")
    case ${name%%_*} in
      # 110 MB for a JIT that is switched off, translations, and what only maintainer scripts call.
      libllvm* | libz3-* | locales | libc-l10n | perl* | libjson-perl | dpkg | adduser | debconf | usrmerge | ssl-cert) continue ;;
    esac
    # dpkg-deb --extract would replace the links (bin -> usr/bin) by folders.
    dpkg-deb --fsys-tarfile "$archive" | tar -x --keep-directory-symlink --no-same-owner -C "$root"
  done
  rm -rf "$root"/usr/share/{doc,man,locale,info,lintian,bug} "$root"/usr/lib/postgresql/*/lib/bitcode
  printf '%s\n' 'root:x:0:0:root:/root:/bin/sh' 'postgres:x:999:999::/var/lib/postgresql:/bin/sh' 'redis:x:998:998::/data:/bin/sh' >"$root/etc/passwd"
  printf '%s\n' 'root:x:0:' 'postgres:x:999:' 'redis:x:998:' >"$root/etc/group"
}

import_image() {
  local root=$1 image=$2 owned=$3 owner=$4
  shift 4
  local -a changes=() packed
  local change
  for change in "$@" "LABEL reconfirm.built-from=debian-packages"; do changes+=(--change "$change"); done
  # The data folder must belong to the server's user, without this script being root: it goes in by a
  # second archive that names the owner.
  packed=(--numeric-owner --owner=0 --group=0)
  tar -C "$root" "${packed[@]}" --exclude="./$owned" -cf "$work/image.tar" .
  mkdir -p "$root/$owned"
  tar -C "$root" --numeric-owner --owner="$owner" --group="$owner" -rf "$work/image.tar" "./$owned"
  docker import "${changes[@]}" "$work/image.tar" "$image" >/dev/null
  rm -f "$work/image.tar"
}

build_postgres() {
  local root=$work/postgres-root version
  say "building $postgres_image from Debian's packages"
  download_packages "$work/postgres-packages" postgresql bash coreutils dash sed libc-bin
  unpack_packages "$work/postgres-packages" "$root"
  version=$(basename "$root"/usr/lib/postgresql/*)
  install -m 0755 "$here/postgres-entrypoint.sh" "$root/usr/bin/docker-entrypoint.sh"
  mkdir -p "$root/run/postgresql" && chmod 1777 "$root/run/postgresql"
  import_image "$root" "$postgres_image" var/lib/postgresql 999 \
    "ENV PATH=/usr/lib/postgresql/$version/bin:/usr/bin:/usr/sbin" 'ENV LANG=C.UTF-8' \
    'ENV PGDATA=/var/lib/postgresql/data' 'USER postgres' 'EXPOSE 5432' \
    'ENTRYPOINT ["docker-entrypoint.sh"]' 'CMD ["postgres"]'
  say "built $postgres_image (PostgreSQL $version)"
}

build_redis() {
  local root=$work/redis-root
  say "building $redis_image from Debian's packages"
  download_packages "$work/redis-packages" redis-server bash coreutils dash libc-bin
  unpack_packages "$work/redis-packages" "$root"
  install -m 0755 "$here/redis-entrypoint.sh" "$root/usr/bin/docker-entrypoint.sh"
  import_image "$root" "$redis_image" data 998 \
    'ENV PATH=/usr/bin:/usr/sbin' 'ENV LANG=C.UTF-8' 'USER redis' 'WORKDIR /data' 'EXPOSE 6379' \
    'ENTRYPOINT ["docker-entrypoint.sh"]' 'CMD ["redis-server"]'
  say "built $redis_image"
}

provide() {
  local image=$1 build=$2
  if [ "$force" = no ]; then
    if exists "$image"; then say "$image is there"; return; fi
    if pulled "$image"; then say "pulled $image"; return; fi
  fi
  "$build"
}

docker info >/dev/null 2>&1 || { echo 'build-images.sh: no container engine answers; start one (for example "dockerd") and run this again' >&2; exit 69; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
provide "$postgres_image" build_postgres
provide "$redis_image" build_redis
