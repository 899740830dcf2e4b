import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Instant } from '../domain/probe.ts'

/** How long the link of an email allows an answer: a long weekend. */
export const ANSWER_WITHIN_MS = 72 * 3_600_000
const MAX_KEY = 256
const MAX_RECIPIENT = 100

/** Whose answer to which incident a key allows, and until when. */
export type Grant = Readonly<{ incident: string; recipient: string; until: Instant }>

export type Opened = Readonly<{ ok: true; grant: Grant }> | Readonly<{ ok: false; why: 'unknown' | 'expired' }>

/**
 * What allows somebody who has an email to answer it, and nothing else: `expiry.recipient.signature`. It is the same whenever that email is written. With
 * another `web.token` all keys are void.
 */
export function answerKey(token: string, grant: Grant): string {
  const { recipient, until } = grant
  return `${Math.floor(until / 1_000).toString(36)}.${Buffer.from(recipient).toString('base64url')}.${signature(token, grant)}`
}

/** @param key as somebody sent it */
export function openAnswerKey(token: string, incident: string, key: string, now: Instant): Opened {
  const [, expiry, name, given] = /^([0-9a-z]{1,9})\.([\w-]{1,150})\.([\w-]{43})$/.exec(key.slice(0, MAX_KEY)) ?? []
  if (expiry === undefined || name === undefined || given === undefined) return { ok: false, why: 'unknown' }
  const recipient = Buffer.from(name, 'base64url').toString().slice(0, MAX_RECIPIENT)
  const grant = { incident, recipient, until: Number.parseInt(expiry, 36) * 1_000 }
  if (!timingSafeEqual(Buffer.from(given), Buffer.from(signature(token, grant)))) return { ok: false, why: 'unknown' }
  return grant.until < now ? { ok: false, why: 'expired' } : { ok: true, grant }
}

/** HMAC-SHA256 under a key that is made of the token and serves for nothing else. */
function signature(token: string, { incident, recipient, until }: Grant): string {
  const key = createHmac('sha256', token).update('alibi answer key').digest()
  return createHmac('sha256', key)
    .update(JSON.stringify([incident, recipient, Math.floor(until / 1_000)]))
    .digest('base64url')
}
