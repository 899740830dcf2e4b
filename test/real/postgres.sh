#!/usr/bin/env bash
# The contract of the store against Debian's PostgreSQL, which is older than the one in node_modules.
# The server runs on a cluster and a port of its own in a temporary directory; that of the system is not touched.
# Says that it is skipped where Debian's PostgreSQL is not installed and cannot be.
set -euo pipefail
cd "$(dirname "$0")/../.."

newest() { ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1; }
if [ -z "$(newest)" ] && [ "${CI:-}" != '' ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  # The package makes no cluster, and starts nothing.
  mkdir -p /etc/postgresql-common
  [ -e /etc/postgresql-common/createcluster.conf ] || echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf
  (apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends -o Dpkg::Options::=--force-confold postgresql) \
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
  (cd "$place" && "${plain[@]}" "$bin/pg_ctl" -D "$place/data" -m immediate stop) >/dev/null 2>&1 || true
  rm -rf "$place"
}
trap cleanup EXIT

port=$(node -e "const s = require('node:net').createServer().listen(0, '127.0.0.1', () => { console.log(s.address().port); s.close() })")
# From a directory that the server's user may enter.
(
  cd "$place"
  "${plain[@]}" "$bin/initdb" -D "$place/data" -U alibi -A trust -E UTF8 --no-locale --no-sync >/dev/null
  "${plain[@]}" "$bin/pg_ctl" -D "$place/data" -l "$place/log" -w -o "-p $port -k $place -h 127.0.0.1 -c fsync=off -c max_connections=200" start >/dev/null
)
"$bin/postgres" --version
ALIBI_TEST_POSTGRES="postgres://alibi@127.0.0.1:$port/postgres" npx vitest run --reporter=./test/quiet-reporter.ts test/postgres/store.test.ts || {
  code=$?
  tail -n 30 "$place/log"
  exit "$code"
}
