import { isLoopback } from '../config/endpoints.ts'

/** What the server listens on. `hosts` are further names under which it may be asked for, such as that of a proxy. */
export type Listen = Readonly<{
  host: string
  port: number
  hosts: readonly string[]
  /** Who asks must show it; `null`: nobody need, for nobody but this machine can ask. */
  token?: string | null
}>

/**
 * Whether a request's `Host` names this server: a page elsewhere whose name was made to point here (DNS rebinding) does not.
 * `localhost` is the name of loopback. A name of `web.hosts` counts with any port, for a proxy in front has one of its own.
 *
 * @param listen host and port as bound: the port that was given, not 0
 */
export function isOwnHost(header: string | undefined, listen: Listen): boolean {
  const [, rawName, digits] = /^(\[[0-9a-f:.]{2,45}\]|[a-z0-9._-]{1,253})(?::(\d{1,5}))?$/i.exec(header ?? '') ?? []
  if (rawName === undefined) return false
  const name = plain(rawName)
  if (listen.hosts.some((host) => plain(host) === name)) return true
  // A socket for both families calls 127.0.0.1 ::ffff:127.0.0.1; nobody else does.
  const host = plain(listen.host).replace(/^::ffff:(?=\d+(?:\.\d+){3}$)/, '')
  const port = digits === undefined ? 80 : Number(digits)
  return port === listen.port && (name === host || (name === 'localhost' && isLoopback(host)))
}

function plain(host: string): string {
  return host
    .toLowerCase()
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '')
}
