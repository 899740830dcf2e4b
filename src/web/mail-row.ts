import { counted } from '../domain/counted.ts'
import { inWords } from '../domain/duration.ts'
import { addressee } from '../domain/mailing.ts'
import type { Owed } from '../domain/notification.ts'
import type { Instant } from '../domain/probe.ts'
import { withoutAddresses } from '../domain/shown.ts'
import { foreign } from '../email/foreign.ts'
import type { Tone } from '../email/opening.ts'
import { clockTime, SENTENCE, WORD } from './phrase.ts'

/** What became of an email at one of its addresses. */
export type MailRow = Readonly<{ kind: string; to: string; state: string; tone: Tone; when: string; error: string }>

const TONE: Readonly<Record<Owed['state'], Tone>> = {
  due: 'plain',
  sending: 'plain',
  retrying: 'warn',
  refused: 'bad',
  delivered: 'good',
  merged: 'plain',
  dropped: 'plain',
}

export function mailRow(owed: Owed, now: Instant): MailRow {
  const { kind, createdAt } = owed.notification
  const next = owed.state === 'retrying' ? `, next ${owed.nextAt <= now ? 'now' : `in ${inWords(owed.nextAt - now)}`}` : ''
  return {
    kind,
    to: foreign(addressee(owed), WORD),
    state: owed.state,
    tone: TONE[owed.state],
    when:
      owed.deliveredAt === null ? `due ${clockTime(createdAt, now)}${attempts(owed)}${next}` : clockTime(owed.deliveredAt, now),
    error: owed.error === null ? '' : foreign(withoutAddresses(owed.error), SENTENCE),
  }
}

/** `"failing" to oncall, due since 11:59 UTC, 5 attempts: 421 4.3.2 try later` */
export function undelivered(owed: Owed, now: Instant): string {
  const { kind, createdAt } = owed.notification
  const error = owed.error === null ? '' : `: ${foreign(withoutAddresses(owed.error), SENTENCE)}`
  return `"${kind}" to ${foreign(addressee(owed), WORD)}, due since ${clockTime(createdAt, now)}${attempts(owed)}${error}`
}

function attempts(owed: Owed): string {
  return owed.attempts === 0 ? '' : `, ${counted(owed.attempts, 'attempt')}`
}
