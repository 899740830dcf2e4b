import http from 'node:http'
import https from 'node:https'
import { BlockList, isIP } from 'node:net'
import type { Readable } from 'node:stream'
import { getCACertificates } from 'node:tls'
import { isLoopback } from '../config/endpoints.ts'
import { NO_PROXIES, type Proxies, type ProxyAddress, proxyShown } from '../config/proxy.ts'
import { fieldOf, messageOfThrown, readThrown } from '../domain/thrown.ts'

/** A tunnel that is not there after so long is given up. */
const TUNNEL_MS = 15_000

/** System calls that come before anything is said to the proxy. */
const REACHING: readonly string[] = ['connect', 'getaddrinfo']

export type OutletOptions = Readonly<{
  proxies: Proxies
  /** Certificates (PEM) of authorities that are trusted beside Node's own; empty: none. */
  authorities: readonly string[]
}>

/** Where https and http of one kind go, kept connections and all. */
export type Agents = Readonly<{ for(url: URL): http.Agent; close(): void }>

type HttpRequest = Readonly<{
  method?: 'GET' | 'POST'
  headers: Readonly<Record<string, string>>
  body?: string
  signal: AbortSignal
}>

/** What was answered; no redirect is followed. Nothing of the body has been read yet: whoever does not want it destroys it. */
export type HttpAnswer = Readonly<{
  status: number
  /** By a name in lower case. */
  header: (name: string) => string | null
  body: Readable
}>

export type HttpAsk = (url: URL, request: HttpRequest) => Promise<HttpAnswer>

/** It is the proxy that keeps us from getting out: it does not take us, or cannot be reached itself. */
export class ProxyError extends Error {
  override readonly name = 'ProxyError'
  /** Of Node: `ERR_PROXY_TUNNEL` where it was reached and gave no way, else why it was not. */
  get reason(): string {
    return readThrown(this.cause).code
  }
}

/**
 * The way out for everything that asks over HTTPS: through the proxy that the environment names, or directly. The tunnel is
 * Node's own; it is asked for here, for each address, since Node by itself (`NODE_USE_ENV_PROXY`) leaves out all that has an
 * agent of its own, and would send what is on this machine through the proxy.
 */
export class Outlet {
  readonly #proxies: Proxies
  readonly #authorities: readonly string[]
  #single: Agents | null = null

  constructor({ proxies, authorities }: OutletOptions = { proxies: NO_PROXIES, authorities: [] }) {
    this.#proxies = proxies
    this.#authorities = authorities
  }

  /** The proxy by which an address is asked; `null`: none. */
  proxyFor(url: URL): ProxyAddress | null {
    const proxy = url.protocol === 'https:' ? this.#proxies.https : this.#proxies.http
    return proxy === null || isDirect(url, this.#proxies.direct) ? null : proxy
  }

  /** Whether there is any proxy at all. */
  get isDirect(): boolean {
    return this.#proxies.https === null && this.#proxies.http === null
  }

  /** Each kind is made when it is first needed. */
  agents(options: http.AgentOptions): Agents {
    const made = new Map<string, http.Agent>()
    const trust = this.#authorities.length === 0 ? {} : { ca: [...getCACertificates('default'), ...this.#authorities] }
    return {
      for: (url) => {
        const proxy = this.proxyFor(url)
        const key = `${url.protocol} ${proxy === null ? 'direct' : 'proxied'}`
        const known = made.get(key)
        if (known !== undefined) return known
        const way = proxy === null ? {} : { proxyEnv: { HTTPS_PROXY: proxy.url, HTTP_PROXY: proxy.url } }
        const agent =
          url.protocol === 'https:' ? new https.Agent({ ...options, ...trust, ...way }) : new http.Agent({ ...options, ...way })
        made.set(key, agent)
        return agent
      },
      close: () => {
        for (const agent of made.values()) agent.destroy()
      },
    }
  }

  /** What a request of this address failed by, where the proxy is to blame: until the tunnel is there, nobody else was asked. */
  blamed(error: unknown, url: URL): unknown {
    const proxy = this.proxyFor(url)
    if (proxy === null) return error
    const { code, message, errors } = readThrown(error)
    const isTunnel = code === 'ERR_PROXY_TUNNEL'
    const first = isTunnel ? error : (errors[0] ?? error)
    if (!isTunnel && !REACHING.includes(String(fieldOf(first, 'syscall')))) return error
    const status = /: (HTTP\/1\.\d )?(\d{3}[^\r\n]{0,80})$/.exec(message)?.[2]
    const what = !isTunnel
      ? `cannot be reached: ${messageOfThrown(first)}`
      : status === undefined
        ? `gave no way to ${url.hostname}: ${message.replace(/via \S+/, '')}`
        : `answered ${status.trim()} instead of a way to ${url.hostname}`
    return new ProxyError(`the proxy ${proxyShown(proxy)} ${what}`, { cause: error })
  }

  /** For a single request, whose connection is not kept. */
  once(url: URL): http.Agent {
    this.#single ??= this.agents({ keepAlive: false, timeout: TUNNEL_MS })
    return this.#single.for(url)
  }

  /**
   * One request over a connection of its own. Node's client rather than `fetch`, which loads undici: 14 MB for a few requests a minute.
   *
   * @throws {Error} of Node; a {@link ProxyError} where the proxy is to blame; the signal's reason if that is why it ended
   */
  readonly ask: HttpAsk = (url, { method = 'GET', headers, body, signal }) =>
    new Promise((resolve, reject) => {
      const failed = (cause: unknown) => reject(signal.aborted ? signal.reason : this.blamed(cause, url))
      if (signal.aborted) return failed(null)
      // An abort does not end a request of Node whose tunnel is not there yet.
      signal.addEventListener('abort', failed, { once: true })
      const request = url.protocol === 'https:' ? https.request : http.request
      const asking = request(url, { method, agent: this.once(url), headers: { accept: '*/*', ...headers }, signal })
      asking.on('error', failed)
      asking.on('response', (message) =>
        resolve({
          status: message.statusCode ?? 0,
          header: (name) => message.headersDistinct[name]?.join(', ') ?? null,
          body: message,
        }),
      )
      asking.end(body)
    })

  close(): void {
    this.#single?.close()
  }
}

/** Whether there is a direct way: to this machine, and to what NO_PROXY names. */
export function isDirect(url: URL, entries: readonly string[]): boolean {
  const host = url.hostname.toLowerCase().replace(/^\[(.*)\]$/, '$1')
  const port = url.port || (url.protocol === 'https:' ? '443' : '80')
  return isLoopback(host) || entries.some((entry) => covers(entry.toLowerCase(), host, port))
}

/**
 * As curl and the AWS CLI understand it: `*`, a host with all that is beneath it (with or without a dot or `*.` before it), an
 * address, a network such as 10.0.0.0/8; a port may follow. No library was found that reads them all, and from a given environment.
 */
function covers(entry: string, host: string, port: string): boolean {
  if (entry === '*') return true
  const network = /^\[?([0-9a-f.:]+)\]?\/(\d{1,3})$/.exec(entry)
  if (network !== null) return isWithin(host, network[1] ?? '', Number(network[2]))
  const named = /^(?:\[([^\]]+)\]|([^:]*|[0-9a-f:]{2,}))(?::(\d+))?$/.exec(entry)
  const name = named?.[1] ?? named?.[2] ?? entry
  if (named?.[3] !== undefined && named[3] !== port) return false
  if (isIP(name) > 0) return name === host
  const suffix = name.replace(/^\*?\./, '')
  return suffix !== '' && (host === suffix || host.endsWith(`.${suffix}`))
}

function isWithin(host: string, network: string, prefix: number): boolean {
  const kind = isIP(host)
  if (kind === 0 || kind !== isIP(network) || prefix > (kind === 4 ? 32 : 128)) return false
  const list = new BlockList()
  list.addSubnet(network, prefix, kind === 4 ? 'ipv4' : 'ipv6')
  return list.check(host, kind === 4 ? 'ipv4' : 'ipv6')
}
