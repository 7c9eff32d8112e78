#!/bin/sh
# Starts two PostgreSQL servers in a new folder, says where it is, and stops them and removes the folder when standard input ends.
# Arguments: the folder of PostgreSQL's programs, the port of the first server, the port of the second.
set -eu
bin=$1 port=$2 self_port=$3
dir=$(mktemp -d /tmp/tidegate-pg.XXXXXX)
cd "$dir"
trap 'kill -INT $first $second 2>/dev/null || true; wait; rm -rf "$dir"' EXIT
first= second=

authority() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj "/CN=$1" -keyout "$1.key" -out "$1.crt"
}
signed() {
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=$1" -keyout "$1.key" -out "$1.csr"
    printf 'basicConstraints=CA:FALSE\n%s\n' "$2" >"$1.ext"
    openssl x509 -req -in "$1.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile "$1.ext" -out "$1.crt"
}
{
    authority ca
    authority stranger
    signed server subjectAltName=DNS:localhost
    signed ann keyUsage=digitalSignature
    openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=self -addext subjectAltName=DNS:localhost -keyout self.key -out self.crt
    chmod 600 ./*.key
    "$bin/initdb" -D data -U postgres -E UTF8 --locale=C --no-sync --auth=trust
} >setup.log 2>&1

cat >data/pg_hba.conf <<'HBA'
local     all   postgres              trust
local     all   all                   scram-sha-256
hostssl   tls   all      127.0.0.1/32 scram-sha-256
hostnossl plain all      127.0.0.1/32 scram-sha-256
hostssl   cert  all      127.0.0.1/32 cert
host      both  all      127.0.0.1/32 scram-sha-256
host      none  all      127.0.0.1/32 scram-sha-256
HBA
cat >>data/postgresql.conf <<CONF
listen_addresses = '127.0.0.1'
unix_socket_directories = '$dir'
fsync = off
ssl = on
ssl_ca_file = '$dir/ca.crt'
CONF
start() {
    "$bin/postgres" -D "$1" -p "$2" -c "ssl_cert_file=$dir/$3.crt" -c "ssl_key_file=$dir/$3.key" >"$1.log" 2>&1 </dev/null &
}
ready() {
    until "$bin/pg_isready" -q -h "$dir" -p "$1"; do sleep 0.1; done
}
start data "$port" server
first=$!
ready "$port"
"$bin/psql" -q -h "$dir" -p "$port" -U postgres -v ON_ERROR_STOP=1 <<'SQL'
CREATE ROLE ann LOGIN PASSWORD 'p@ss/w:r d%?''#';
CREATE DATABASE tls;
CREATE DATABASE plain;
CREATE DATABASE cert;
CREATE DATABASE "both";
SQL
"$bin/pg_ctl" -D data -m fast -s stop
cp -r data self
start data "$port" server
first=$!
start self "$self_port" self
second=$!
ready "$port"
ready "$self_port"
echo "$dir"
read -r _ || true
