import { isLoopback } from '../config/endpoints.ts'

/** What the server listens on. `hosts` are other names under which it may be reached, such as that of a proxy. */
export type Listen = Readonly<{
  host: string
  port: number
  hosts: readonly string[]
  /** Requests must carry it; `null` where only this machine can ask. */
  token?: string | null
  /** Where people reach it, if that is known. */
  url?: string | null
}>

/**
 * Whether the `Host` of a request names this server, which it does not if another site's name was made to point here (DNS
 * rebinding). `localhost` is the name of loopback. A name in `web.hosts` counts with any port, since a proxy has its own.
 *
 * @param listen with the port that is really bound, not 0
 */
export function isOwnHost(header: string | undefined, listen: Listen): boolean {
  const [, rawName, digits] = /^(\[[0-9a-f:.]{2,45}\]|[a-z0-9._-]{1,253})(?::(\d{1,5}))?$/i.exec(header ?? '') ?? []
  if (rawName === undefined) return false
  const name = plain(rawName)
  if (listen.hosts.some((host) => plain(host) === name)) return true
  // Only a dual-stack socket calls 127.0.0.1 ::ffff:127.0.0.1.
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
