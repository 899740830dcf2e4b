import { fieldOf, messageOfThrown, readThrown } from '../domain/thrown.ts'
import { MailError, type MailTrouble } from '../ports/mailer.ts'
import { type Phase, type Refusal, refusalOf } from './smtp-reply.ts'
import type { SmtpWatch } from './smtp-watch.ts'

const MAX_SHOWN = 500
/** What a refusal is about stands at its beginning. */
const MAX_READ = 2_000

/** What nodemailer says of a failure, each field of the type that it should have. */
type Told = Readonly<{
  message: string
  code: string
  command: string
  /** The server's words; `null` where it did not answer. */
  response: string | null
  /** It said something, be it nothing that can be read. */
  isReply: boolean
  originalCode: string
}>

function toldBy(error: unknown): Told {
  const text = (key: string) => {
    const value = fieldOf(error, key)
    return typeof value === 'string' ? value : ''
  }
  const message = messageOfThrown(error)
  const answered = typeof fieldOf(error, 'responseCode') === 'number'
  return {
    message,
    code: readThrown(error).code,
    command: text('command'),
    response: answered ? text('response') || message : null,
    isReply: text('response') !== '',
    originalCode: text('originalCode'),
  }
}

/**
 * Says in which phase it failed and what the server replied. A reply is an answer: it is never uncertain. No cause is passed on:
 * the library's error may quote what we sent.
 */
export function failureOf(error: unknown, watch: SmtpWatch, { where, clean }: Server): MailError {
  const told = toldBy(error)
  const phase = phaseOf(told, watch)
  if (told.response !== null) return refused(phase, told.response, { where, clean })
  // What the library itself will not send, it will not send tomorrow. What it cannot read of a server is another matter.
  const permanent =
    !told.isReply && (told.code === 'EENVELOPE' || told.code === 'EMESSAGE' || (told.code === 'EAUTH' && told.command === 'API'))
  const what = silence(told)
  const trouble = CERTIFICATE.find(([words]) => words.test(what))?.[1] ?? null
  return new MailError(`${where}, ${phase}: ${shown(clean(what))}`, {
    permanent,
    uncertain: watch.handedOver,
    // Whom we do not trust has no session with us either.
    session: trouble !== null,
    trouble,
  })
}

/** Whom a failure concerns, and what takes secrets out of its text. */
export type Server = Readonly<{ where: string; clean: (text: string) => string }>

/** What a reply that is no acceptance comes to. */
export function refused(phase: string, reply: string, { where, clean }: Server): MailError {
  const said = shown(clean(reply))
  const meaning: Refusal = refusalOf(reply.slice(0, MAX_READ), PHASES[phase] ?? 'session')
  const after = phase === FINAL_DOT && !/^[45]\d\d/.test(reply)
  return new MailError(`${where}, ${phase}: ${said}`, {
    ...meaning,
    // After the message only 4xx and 5xx say that it was not taken.
    uncertain: after,
    trouble: troubleOf(phase, said),
  })
}

const FINAL_DOT = 'after the final dot'
/** Every other phase comes before the email itself. */
const PHASES: Readonly<Record<string, Phase>> = {
  'MAIL FROM': 'sender',
  'RCPT TO': 'recipient',
  DATA: 'data',
  [FINAL_DOT]: 'final dot',
}

/** Recognized by OpenSSL's message: the library passes on no code for a handshake after STARTTLS. */
const CERTIFICATE: readonly (readonly [RegExp, MailTrouble])[] = [
  [
    /self[- ]signed certificate|unable to (?:get|verify) .{0,40}\b(?:issuer|first|local)|certificate.{0,40}not trusted/i,
    'untrusted',
  ],
  [/certificate has expired|certificate is not yet valid/i, 'expired'],
  [/does not match certificate|altnames|hostname\/IP/i, 'misnamed'],
]
/** Postfix and Exim look at our name when the first recipient is named, and say so then. */
const OUR_NAME = /\b(?:helo|ehlo)\b/i

function troubleOf(phase: string, what: string): MailTrouble | null {
  if (phase === 'EHLO' || phase === 'HELO') return 'name'
  if (phase === 'login') return 'login'
  if (phase === 'STARTTLS') return 'no-tls'
  return OUR_NAME.test(what) ? 'name' : null
}

function phaseOf(told: Told, watch: SmtpWatch): string {
  const { command } = told
  if (command === '' || command === 'CONN' || command === 'API') return told.code === 'EAUTH' ? 'login' : watch.phase
  if (command.startsWith('AUTH')) return 'login'
  return command === 'DATA' && told.code === 'EMESSAGE' ? FINAL_DOT : command
}

function silence(told: Told): string {
  if (told.code === 'ETIMEDOUT') return 'no answer within the deadline'
  const code = told.originalCode
  return code === '' || told.message.includes(code) ? told.message : `${told.message} (${code})`
}

/** One line of a server's reply, without what would move a cursor. */
export function shown(text: string): string {
  return text
    .replace(/[\s\p{Cc}\p{Cf}]+/gu, ' ')
    .trim()
    .slice(0, MAX_SHOWN)
}
