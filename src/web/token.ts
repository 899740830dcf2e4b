import { createHash, timingSafeEqual } from 'node:crypto'

/** The cookie that a browser gets in exchange for the token. */
const COOKIE = 'alibi'
/** After this time the token is asked for again. */
const COOKIE_S = 30 * 24 * 3600

export type Shown =
  | Readonly<{ ok: true /** To be set before the page is shown at an address without the token. */; cookie: string | null }>
  | Readonly<{ ok: false }>

/**
 * Whether a request carries the token: as a Bearer token, as the cookie that it got before, or as `?token=`, which is exchanged
 * for the cookie to keep it out of the address bar and of later logs. All are compared in constant time.
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

/** Not the token itself: what a browser keeps on disk opens this page, and nothing else for which the token may be used. */
function cookieValue(token: string): string {
  return createHash('sha256').update(`alibi cookie\0${token}`).digest('base64url')
}

/** Without `Secure`, since we cannot know whether a proxy speaks https for us. Other sites cannot make a browser send it (SameSite). */
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

/** Compares digests, which have the same length whatever was sent. */
function same(a: string, b: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(a), digest(b))
}
