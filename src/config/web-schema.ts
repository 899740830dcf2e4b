import * as z from 'zod'
import { HOST, line, list, strict } from './values.ts'

const MAX_HOSTS = 50
const MAX_TOKEN = 256
/** It goes into a header, a cookie and a URL as it is, and must not be guessed. */
const TOKEN = /^[A-Za-z0-9._~-]{16,}$/
const TOKEN_TEXT = 'a token of at least 16 letters, digits, `-`, `.`, `_` or `~`, such as `openssl rand -hex 32` makes'

/** Host and port of `127.0.0.1:9464`, `localhost:9464` or `[::1]:9464`; `null` for anything else. */
export function listenOf(text: string): { host: string; port: number } | null {
  const [, six, plain, digits] = /^(?:\[([0-9A-Fa-f:.]{2,45})\]|([\w.-]{1,253})):(\d{1,5})$/.exec(text) ?? []
  const host = six ?? plain
  const port = Number(digits)
  return host === undefined || port > 65_535 ? null : { host, port }
}

const Listen = line('an address and a port such as `127.0.0.1:9464`').transform((text, context) => {
  const listen = listenOf(text)
  if (listen !== null) return listen
  context.addIssue({ code: 'custom', message: 'expected an address and a port such as `127.0.0.1:9464` or `[::1]:9464`' })
  return z.NEVER
})

const URL_TEXT = 'expected an http or https address without user, query and fragment, such as `https://alibi.example.com`'

/** Without a slash at its end; `null` for anything but an address that a path can follow. */
function webUrl(text: string): string | null {
  const url = URL.parse(text)
  if (url === null || !/^https?:$/.test(url.protocol)) return null
  if (`${url.username}${url.password}${url.search}${url.hash}` !== '') return null
  return url.href.endsWith('/') ? url.href.slice(0, -1) : url.href
}

export const WebSchema = z.union(
  [
    z.literal(false),
    strict({
      listen: Listen.prefault('127.0.0.1:9464').describe(
        'Address and port of the status page, /healthz, /metrics and /api. An address other than loopback requires `token`.',
      ),
      token: line(TOKEN_TEXT, { max: MAX_TOKEN, pattern: TOKEN })
        .optional()
        .describe(
          `Token that clients must send: as a Bearer token, or once as ?token=. Best kept in a file: "\${file:/run/secrets/web}".`,
        ),
      url: line('an address such as `https://alibi.example.com`', { max: 500 })
        .transform((text, context) => {
          const url = webUrl(text)
          if (url !== null) return url
          context.addIssue({ code: 'custom', message: URL_TEXT })
          return z.NEVER
        })
        .optional()
        .describe(
          'Address under which people reach the page, such as that of a proxy; may have a path. Emails then link to their incident, and with `token` the link allows to acknowledge and to silence it.',
        ),
      hosts: list(line('a host name', { max: 253, pattern: HOST }), 'host names', 0, MAX_HOSTS)
        .prefault([])
        .describe('Additional host names by which the page may be requested, such as that of a proxy.'),
    }),
  ],
  'expected `false` or `{ listen: 127.0.0.1:9464 }`',
)
