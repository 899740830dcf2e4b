import { createHash, timingSafeEqual } from 'node:crypto'

/** The cookie that a browser gets for having shown the token once. */
export const COOKIE = 'alibi'
/** A browser shows it for so long; then the token is asked for again. */
const COOKIE_S = 30 * 24 * 3600

export type Shown =
  | Readonly<{ ok: true /** Set this cookie, and show the address without the token. */; cookie: string | null }>
  | Readonly<{ ok: false }>

/**
 * Whether a request shows the token: as a Bearer, as the cookie it got before, or as `?token=`, which is exchanged for the
 * cookie so that it stays out of the address bar and of the next request's log. All compared in constant time.
 */
export function shows(
  token: string,
  request: Readonly<{ authorization: string | undefined; cookie: string | undefined; query: string | null }>,
): Shown {
  const bearer = /^Bearer +([^\s]{1,1024})$/i.exec(request.authorization ?? '')?.[1]
  if (bearer !== undefined && same(bearer, token)) return { ok: true, cookie: null }
  const kept = cookieOf(request.cookie)
  if (request.query !== null && same(request.query, token)) return { ok: true, cookie: setCookie(token) }
  if (kept !== null && same(kept, cookieValue(token))) return { ok: true, cookie: null }
  return { ok: false }
}

/** Not the token itself: what a browser keeps on disk opens this page and nothing else that the same token may be good for. */
export function cookieValue(token: string): string {
  return createHash('sha256').update(`alibi cookie\0${token}`).digest('base64url')
}

/** Without `Secure`: a proxy may speak https for us, and we cannot know; another site never gets it sent (SameSite). */
function setCookie(token: string): string {
  return `${COOKIE}=${cookieValue(token)}; Path=/; Max-Age=${COOKIE_S}; HttpOnly; SameSite=Strict`
}

function cookieOf(header: string | undefined): string | null {
  for (const pair of (header ?? '').split(';')) {
    const [name, value] = pair.trim().split('=', 2)
    if (name === COOKIE && value !== undefined) return value
  }
  return null
}

/** Digests are of one length, whatever was sent. */
function same(a: string, b: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(a), digest(b))
}
