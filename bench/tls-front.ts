// TLS in front of the stand-in for AWS, in a process of its own so that its work is not counted.
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import http from 'node:http'
import https from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { answering } from './child.ts'

/** Where it is, and the file with the certificate that has to be trusted. */
export type Front = Readonly<{ url: string; authority: string }>

const [directory = '', behind = ''] = process.argv.slice(2)
const key = join(directory, 'tls.key')
const authority = join(directory, 'tls.pem')
const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
const name = ['-subj', '/CN=stand-in', '-addext', 'subjectAltName=IP:127.0.0.1']
execFileSync('openssl', ['req', '-x509', ...curve, ...name, '-days', '2', '-keyout', key, '-out', authority], { stdio: 'ignore' })

const agent = new http.Agent({ keepAlive: true })
const server = https.createServer({ key: readFileSync(key), cert: readFileSync(authority) }, (request, response) => {
  const { method, headers, url = '/' } = request
  const asking = http.request(new URL(url, behind), { method, headers, agent }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers)
    answer.pipe(response)
  })
  asking.on('error', () => response.destroy())
  request.pipe(asking)
})
// Laps take turns: the connections of one outlast those of the other.
server.keepAliveTimeout = 60_000
server.listen(0, '127.0.0.1')
await once(server, 'listening')
const { port } = server.address() as AddressInfo

answering({ front: (): Front => ({ url: `https://127.0.0.1:${port}`, authority }) }, async () => {
  agent.destroy()
  server.closeAllConnections()
  server.close()
})
