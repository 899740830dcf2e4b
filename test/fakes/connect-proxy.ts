import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { createServer as createTlsServer } from 'node:tls'

/** How the proxy treats whoever asks it for a way: by a status line, by silence, or by letting him through. */
export type ProxyMode = 'open' | '407 Proxy Authentication Required' | '403 Forbidden' | '502 Bad Gateway' | 'hang' | 'close'

/**
 * A proxy that takes CONNECT on a loopback port, and leads every name to one server on this machine, which shows a certificate
 * of an authority of its own: what asks AWS by its real names ends up at a stand-in, by way of the proxy.
 */
export async function startConnectProxy(targetPort: number, login: string | null = null) {
  const directory = mkdtempSync(join(tmpdir(), 'alibi-proxy-'))
  const { key, cert, authority } = certificates(directory)
  const sockets = new Set<Duplex>()
  const kept = <S extends Duplex>(socket: S): S => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket)).on('error', () => socket.destroy())
    return socket
  }
  const terminator = createTlsServer({ key, cert }, (secure) => {
    const plain = kept(connect(targetPort, '127.0.0.1'))
    kept(secure).pipe(plain).pipe(secure)
  })
  terminator.on('tlsClientError', () => undefined)
  await listening(terminator)

  let mode: ProxyMode = 'open'
  const asked: string[] = []
  const proxy = createServer()
  const take = (request: IncomingMessage, socket: Socket) => {
    kept(socket)
    asked.push(request.url ?? '')
    const given = request.headers['proxy-authorization']
    const isKnown = login === null || given === `Basic ${Buffer.from(login).toString('base64')}`
    if (mode === 'hang') return
    if (mode === 'close') return void socket.destroy()
    if (mode !== 'open' || !isKnown) {
      const status = mode === 'open' ? '407 Proxy Authentication Required' : mode
      return void socket.end(`HTTP/1.1 ${status}\r\nContent-Length: 0\r\n\r\n`)
    }
    const way = kept(connect((terminator.address() as AddressInfo).port, '127.0.0.1'))
    socket.write('HTTP/1.1 200 Connection established\r\n\r\n')
    way.pipe(socket).pipe(way)
  }
  proxy.on('connect', take as never)
  await listening(proxy)
  return {
    url: `http://${login === null ? '' : `${login.split(':').map(encodeURIComponent).join(':')}@`}127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    /** What it was asked for, `host:port` each, in turn. */
    asked: asked as readonly string[],
    /** The file with the authority's certificate. */
    authority,
    set(now: ProxyMode) {
      mode = now
      asked.length = 0
      for (const socket of [...sockets]) socket.destroy()
    },
    async [Symbol.asyncDispose]() {
      for (const socket of [...sockets]) socket.destroy()
      await Promise.all([proxy, terminator].map((server) => new Promise((resolve) => server.close(resolve))))
      rmSync(directory, { recursive: true })
    },
  }
}
export type ConnectProxy = Awaited<ReturnType<typeof startConnectProxy>>

function listening(server: { listen(port: number, host: string, done: () => void): unknown }): Promise<void> {
  return new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
}

const NAMES = ['*.amazonaws.com', '*.us-east-1.amazonaws.com', '*.us-west-2.amazonaws.com', '*.us-east-2.amazonaws.com']
  .concat(['*.eu-west-1.amazonaws.com', 'health.aws.amazon.com', 'hc.example'])
  .map((name) => `DNS:${name}`)

function certificates(directory: string): { key: string; cert: string; authority: string } {
  const at = (name: string) => join(directory, name)
  const openssl = (...args: readonly string[]) => execFileSync('openssl', args, { stdio: 'ignore' })
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  openssl('req', '-x509', ...curve, '-subj', '/CN=alibi test authority', '-keyout', at('ca.key'), '-out', at('ca.pem'))
  openssl('req', '-new', ...curve, '-subj', '/CN=stand-in', '-keyout', at('key'), '-out', at('request'))
  writeFileSync(at('names'), `subjectAltName=${NAMES.join(',')}\n`)
  const signed = ['-CA', at('ca.pem'), '-CAkey', at('ca.key'), '-CAcreateserial', '-extfile', at('names')]
  openssl('x509', '-req', '-in', at('request'), ...signed, '-out', at('cert'))
  return { key: readFileSync(at('key'), 'utf8'), cert: readFileSync(at('cert'), 'utf8'), authority: at('ca.pem') }
}
