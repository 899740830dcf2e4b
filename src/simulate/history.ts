import type { Incident } from '../domain/incident.ts'
import type { MailKind } from '../domain/notification.ts'
import type { Mail } from '../ports/mailer.ts'

/** An email that the virtual mail server accepted, for the addresses of its envelope. */
export type Delivered = Readonly<{
  /** Milliseconds of true time since the start. */
  at: number
  kind: MailKind
  mail: Mail
  /** Those that had not received it before under the same Message-ID. */
  to: readonly string[]
  /** All of them had: there was a crash between the email and its record. */
  again: boolean
}>

/** What an incident had become, from `at` on. */
type Version = Readonly<{ at: number; incident: Incident }>

/** What is known about a story afterwards: every email, and the state of the incidents at any moment. */
export class History {
  readonly delivered: Delivered[] = []
  private readonly versions = new Map<string, Version[]>()

  took(mail: Mail, at: number): Delivered {
    const kind = (mail.headers['X-Alibi-Kind'] ?? 'test') as MailKind
    const before = this.delivered.filter((one) => one.mail.messageId === mail.messageId).flatMap((one) => one.to)
    const to = mail.envelope.filter((address) => !before.includes(address))
    const delivered = { at, kind, mail, to, again: to.length === 0 }
    this.delivered.push(delivered)
    return delivered
  }

  /** Emails as their readers get them: each arrives at an address once. */
  get arrivals(): readonly Delivered[] {
    return this.delivered.filter(({ again }) => !again)
  }

  /** One per Message-ID, when it first arrived. */
  get mails(): readonly Delivered[] {
    return [...new Map(this.arrivals.toReversed().map((one) => [one.mail.messageId, one])).values()].reverse()
  }

  became(incident: Incident, at: number): void {
    const versions = this.versions.get(incident.id) ?? []
    const last = versions.at(-1)
    // Only what expectations ask for makes a new version: a week of failing runs would make ten thousand.
    if (last !== undefined && sameStory(last.incident, incident)) return
    versions.push({ at, incident })
    this.versions.set(incident.id, versions)
  }

  /** The incidents that are not closed at that moment, the newest last. */
  openAt(at: number): readonly Incident[] {
    const now = [...this.versions.values()].flatMap(
      (versions) => versions.findLast((version) => version.at <= at)?.incident ?? [],
    )
    return now.filter((incident) => incident.state !== 'closed').sort((a, b) => a.openedAt - b.openedAt)
  }

  /** The beginning of the span, and every moment within it at which an incident changed. */
  momentsIn(from: number, to: number): readonly number[] {
    const all = [...this.versions.values()].flatMap((versions) => versions.map((version) => version.at))
    return [...new Set([from, ...all.filter((at) => at > from && at <= to)])].sort((a, b) => a - b)
  }
}

function sameStory(a: Incident, b: Incident): boolean {
  return a.state === b.state && a.verdict === b.verdict && a.explainedBy === b.explainedBy && explanations(a) === explanations(b)
}

/** The events by which the failing probes of an incident are explained, as one text. */
function explanations(incident: Incident): string {
  return [...new Set(explainedBy(incident))].sort().join(' ')
}

export function explainedBy(incident: Incident): readonly string[] {
  return incident.members.flatMap(({ state, judgement: { verdict } }) =>
    state !== 'recovered' && verdict.kind === 'explained' ? [verdict.by.arn] : [],
  )
}
