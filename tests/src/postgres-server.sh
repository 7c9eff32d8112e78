#!/bin/sh
# Starts a private PostgreSQL in a new folder, says where it is, and stops it and removes the folder when standard input ends.
# Arguments: the folder of PostgreSQL's programs, the port.
set -eu
bin=$1 port=$2
dir=$(mktemp -d "${TMPDIR:-/tmp}/tidegate-pg.XXXXXX")
cd "$dir"
trap '"$bin/pg_ctl" -D "$dir/data" -m immediate -s stop >/dev/null 2>&1 || true; cd /; rm -rf "$dir"' EXIT
"$bin/initdb" -D "$dir/data" -U postgres -E UTF8 --locale=C --no-sync --auth=trust >setup.log 2>&1
cat >>data/postgresql.conf <<CONF
listen_addresses = '127.0.0.1'
port = $port
unix_socket_directories = '$dir'
shared_buffers = 256MB
max_connections = 40
# A server that is killed must find all that it had promised, also in tests: fsync stays on.
CONF
"$bin/pg_ctl" -D "$dir/data" -w -s -l server.log start
echo "$dir"
read -r _ || true
