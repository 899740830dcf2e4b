#!/usr/bin/env bash
# The contract of the store against Debian's PostgreSQL, which is older than the one in node_modules; then again through Debian's
# PgBouncer, which gives each transaction another connection and brings no notifications, and with it a run that one machine makes
# for another. Both run in a temporary directory, on ports of their own; those of the
# system are not touched. Says what is skipped because it is not installed and cannot be.
set -euo pipefail
cd "$(dirname "$0")/../.."

newest() { ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1; }
if [ -z "$(newest)" ] && [ "${CI:-}" != '' ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  # The package makes no cluster, and starts nothing.
  mkdir -p /etc/postgresql-common
  [ -e /etc/postgresql-common/createcluster.conf ] || echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf
  (apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends -o Dpkg::Options::=--force-confold postgresql pgbouncer) \
    >/dev/null 2>&1 || true
fi
bin=$(newest)
if [ -z "$bin" ]; then
  echo "postgres: skipped, for Debian's is not installed (apt-get install postgresql)"
  exit 0
fi

place=$(mktemp -d /tmp/alibi-postgresql-XXXXXX)
# PostgreSQL refuses to run as root.
plain=()
if [ "$(id -u)" = 0 ]; then
  chown nobody "$place"
  plain=(setpriv --reuid=65534 --regid=65534 --clear-groups)
fi
cleanup() {
  [ -e "$place/pgbouncer.pid" ] && kill "$(cat "$place/pgbouncer.pid")" || true
  (cd "$place" && "${plain[@]}" "$bin/pg_ctl" -D "$place/data" -m immediate stop) >/dev/null 2>&1 || true
  rm -rf "$place"
}
trap cleanup EXIT

free_port() { node -e "const s = require('node:net').createServer().listen(0, '127.0.0.1', () => { console.log(s.address().port); s.close() })"; }
port=$(free_port)
# From a directory that the server's user may enter.
(
  cd "$place"
  "${plain[@]}" "$bin/initdb" -D "$place/data" -U alibi -A trust -E UTF8 --no-locale --no-sync >/dev/null
  "${plain[@]}" "$bin/pg_ctl" -D "$place/data" -l "$place/log" -w -o "-p $port -k $place -h 127.0.0.1 -c fsync=off -c max_connections=200" start >/dev/null
)
passes() {
  ALIBI_TEST_POSTGRES="postgres://alibi@127.0.0.1:$1/postgres" npx vitest run --reporter=./test/quiet-reporter.ts "${@:2}" || {
    code=$?
    tail -n 30 "$place"/*log
    exit "$code"
  }
}
"$bin/postgres" --version
passes "$port" test/postgres/store.test.ts

if ! command -v pgbouncer >/dev/null; then
  echo 'pgbouncer: skipped, for it is not installed (apt-get install pgbouncer)'
  exit 0
fi
pooled=$(free_port)
cat >"$place/pgbouncer.ini" <<INI
[databases]
* = host=127.0.0.1 port=$port
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = $pooled
unix_socket_dir =
auth_type = trust
auth_file = $place/users
pool_mode = transaction
max_client_conn = 200
logfile = $place/pgbouncer.log
pidfile = $place/pgbouncer.pid
INI
echo '"alibi" ""' >"$place/users"
(cd "$place" && "${plain[@]}" pgbouncer --daemon --quiet "$place/pgbouncer.ini")
pgbouncer --version | head -n 1
passes "$pooled" test/postgres/store.test.ts
passes "$pooled" test/postgres/fleet.test.ts -t "comes back$"
