import { errorAside } from '../domain/error-name.ts'
import { leadWords } from '../domain/lead.ts'
import type { Caller, Facts, MailKind, ProbeFacts } from '../domain/notification.ts'
import type { SourceState } from '../domain/outage.ts'
import { ownFaultOf } from '../domain/own-fault.ts'
import { HOUR_MS, type Instant, MINUTE_MS, type Outcome, type Try } from '../domain/probe.ts'
import type { Alibi, Match, Verdict } from '../domain/verdict.ts'
import { foreign, safeLink, seen } from './foreign.ts'
import { LIMITS, type Limits } from './limits.ts'
import { alibiOf, endOf, lapsedProbe, type Opening, opening, saysFirstLine } from './opening.ts'
import { type StripRow, strip } from './strip.ts'
import { supportBlock } from './support.ts'
import { both, hhmm, hhmmss, iso, local, span, spanBetween } from './times.ts'
import { lastFailed, one, type Trouble, trouble } from './trouble.ts'

/** What is known of the way of this mail, at the moment it is sent. */
export type Delivery = Readonly<{
  /** Attempts that failed before this one. */
  attempts: number
  /** Why it could not leave earlier, such as "smtp.example.com answered 421"; `null` if nothing is known. */
  lateBecause: string | null
  now: Instant
  /** The first mail of this incident that never arrived, and why: this one tells both (`recovery`). */
  merged: Readonly<{ facts: Facts; why: string }> | null
  /** Addresses that the server refuses for good, so that somebody knows. */
  refused: readonly Readonly<{ recipient: string; address: string; error: string }>[]
}>

/** Committed longer ago than this, a mail says that it is late. */
export const LATE_MS = 2 * MINUTE_MS

/** One try as it is shown: a line of what happened, a line of ids. */
export type TryLine = Readonly<{ at: string; what: string; ids: string | null; ok: boolean }>

export type Block =
  | Readonly<{ type: 'text'; text: string }>
  | Readonly<{ type: 'rows'; rows: readonly (readonly [string, string])[] }>
  | Readonly<{ type: 'list'; items: readonly string[] }>
  | Readonly<{ type: 'heading'; text: string }>
  | Readonly<{ type: 'tries'; title: string; tries: readonly TryLine[]; note: string | null }>
  | Readonly<{ type: 'strip'; rows: readonly StripRow[] }>
  | Readonly<{ type: 'copy'; lines: readonly string[] }>

export type Section = Readonly<{ title: string; blocks: readonly Block[] }>

/** The facts in the order in which they are read. Text and HTML render this and nothing else, so they say the same. */
export type Content = Readonly<{
  title: string
  opening: Opening
  /** What must not be overlooked: the mail is late, the endpoints are not AWS's own. */
  warnings: readonly string[]
  /** The first screen: a label and a sentence each. `link` is safe to follow. */
  lead: readonly Readonly<{ label: string; text: string; link: string | null }>[]
  sections: readonly Section[]
  footer: readonly string[]
}>

const MAX_CHAPTERS = 12

const FAILING_KINDS: readonly MailKind[] = ['failing', 'wider', 'escalated', 'reminder', 'still-failing', 'flapping']

/** Puts the facts in order. `seq` is the mail's number in its thread. */
export function content(
  facts: Facts,
  delivery: Delivery,
  seq: number | null = null,
  limits: Limits = LIMITS[0] as Limits,
): Content {
  const its = trouble(facts, limits)
  const told = delivery.merged
  // A recovery that also brings the bad news shows that mail's evidence, unless it has its own.
  const shown = told !== null && facts.probes.every(({ evidence }) => evidence.length === 0) ? told.facts : facts
  const plain: Content = {
    title: foreign(facts.subject, limits.sentence),
    opening: opening(facts, told, limits),
    warnings: warnings(facts, delivery, limits),
    lead: lead(facts, its, told, limits),
    sections: [
      section(facts.kind === 'recovered' ? 'What failed' : 'What fails', whatFails(facts, its, limits)),
      section('AWS’s event', eventBlocks(facts, limits)),
      section('Evidence', evidence(shown, limits)),
      section('Timeline', timeline(facts, delivery)),
      section('What AWS Health said', healthBlocks(facts, limits)),
      section(`The ${its.total} probes`, allProbes(facts, its, limits)),
      section(facts.kind === 'digest' ? 'Summary' : 'Details', details(facts, limits)),
      ...chapters(facts, limits),
      section('For AWS Support (copy from here)', support(facts, limits)),
      section('At the command line', commands(facts, limits)),
    ].filter((part) => part !== null),
    footer: footer(facts, seq, limits),
  }
  return withoutUnseen(plain)
}

function section(title: string, blocks: readonly Block[]): Section | null {
  return blocks.length === 0 ? null : { title, blocks }
}

/** A net below every `foreign()`: whatever was forgotten above, no control character reaches a mail. */
function withoutUnseen(plain: Content): Content {
  return JSON.parse(JSON.stringify(plain), (_, value: unknown) => (typeof value === 'string' ? seen(value) : value)) as Content
}

function warnings(facts: Facts, { now, attempts, lateBecause, refused }: Delivery, limits: Limits): readonly string[] {
  const late = now - facts.at
  const tried = attempts > 0 ? ` after ${attempts} failed ${attempts === 1 ? 'attempt' : 'attempts'}` : ''
  const why = lateBecause === null ? '' : `: ${foreign(lateBecause, limits.sentence)}`
  const overrides = facts.overrides.slice(0, limits.monitors).map((text) => foreign(text, limits.sentence))
  const more = facts.overrides.length - overrides.length
  const unheard = refused
    .slice(0, limits.monitors)
    .map(
      ({ recipient, address, error }) =>
        `${foreign(address, limits.word)} of ${foreign(recipient, limits.word)} (${foreign(error, limits.sentence)})`,
    )
  return [
    ...(unheard.length > 0
      ? [`The mail server refuses mails to ${unheard.join(', ')}: tell them otherwise. \`alibi outbox list\` shows them.`]
      : []),
    ...(late >= LATE_MS
      ? [`This mail is ${span(late)} late${tried}${why}. What it says was so at ${hhmmss(facts.at, now)}.`]
      : []),
    ...(overrides.length > 0
      ? [
          `Not AWS’s own endpoints: ${overrides.join(', ')}${more > 0 ? ` and ${more} more` : ''}. What this mail says is about those.`,
        ]
      : []),
  ]
}

// ---- The first screen

function lead(facts: Facts, its: Trouble, told: Delivery['merged'], limits: Limits): Content['lead'] {
  const { incident, kind } = facts
  if (incident === null) return notice(facts, limits)
  const calm = kind === 'recovered' || kind === 'dropped'
  const entries: { label: string; text: string; link?: string | null }[] = []
  const monitors = facts.monitors.slice(0, limits.monitors)
  const several = facts.monitors.length > 1
  if (!calm) {
    for (const { name, impact } of monitors) {
      if (impact === null) continue
      entries.push({
        label: 'Impact',
        text: `${foreign(impact, limits.sentence)}${several ? ` (${foreign(name, limits.word)})` : ''}`,
      })
    }
  }
  if (told !== null) {
    const was = opening(told.facts, null, limits)
    entries.push({
      label: 'Not delivered',
      text: `${was.state}${was.joint}${was.sentence} That mail was due at ${hhmm(told.facts.at, facts.at)} UTC.`,
    })
  }
  entries.push({ label: 'Why you got this', text: whyYou(facts, told !== null, limits) })
  const health = calm ? null : healthSentence(facts, its, limits)
  if (health !== null) entries.push({ label: 'AWS Health', text: health })
  const began = beganSentence(facts)
  if (began !== null) entries.push({ label: 'Began', text: began })
  if (kind === 'recovered') entries.push(...whoKnew(facts))
  const todo = advice(facts, its)
  if (todo !== null) entries.push({ label: 'Do first', text: todo })
  if (!calm) {
    for (const { name, runbook } of monitors) {
      if (runbook === null) continue
      const link = safeLink(runbook)
      entries.push({
        label: several ? `Runbook ${foreign(name, limits.word)}` : 'Runbook',
        text: link ?? foreign(runbook, limits.sentence),
        link,
      })
    }
    if (incident.partition === 'aws' && incident.family === 'outage' && isWorthALook(facts)) {
      entries.push({ label: 'AWS’s page', text: HEALTH_PAGE, link: HEALTH_PAGE })
    }
  }
  if (facts.next !== null) entries.push(nextMail(facts.next, limits))
  return entries.map(({ label, text, link }) => ({ label, text, link: link ?? null }))
}

/** AWS's page says what we do not know: what its event says now, or what a source would say that could not be asked. */
function isWorthALook({ verdict, sources }: Facts): boolean {
  return verdict !== 'unexplained' || sources?.api.state === 'unavailable' || sources?.dashboard.state === 'unavailable'
}

/** Mails that belong to no incident: their lines say all, in the section below. */
function notice(facts: Facts, limits: Limits): Content['lead'] {
  const first = facts.advice === undefined ? 'See what `alibi check --live` says.' : foreign(facts.advice, limits.sentence)
  const todo =
    facts.kind === 'misconfigured'
      ? [
          { label: 'Why you got this', text: NO_MONITOR, link: null },
          { label: 'Do first', text: first, link: null },
        ]
      : []
  return facts.next === null ? todo : [...todo, { ...nextMail(facts.next, limits), link: null }]
}

/** Who gets what belongs to no monitor, and by whose word. */
const NO_MONITOR =
  'This belongs to no monitor, so it goes to every recipient without `after`; `selfAlerts: false` beneath a recipient changes that.'

function nextMail(next: string, limits: Limits): { label: string; text: string } {
  return { label: 'Next mail', text: sentence(foreign(next, limits.sentence)) }
}

/** AWS’s own page for people, in its first partition; those of the other partitions are not documented. */
const HEALTH_PAGE = 'https://health.aws.amazon.com/health/status'

function whyYou(facts: Facts, merged: boolean, limits: Limits): string {
  const { kind, reason, probes, at } = facts
  const continues = facts.incident?.continues ?? null
  const family = facts.incident?.family ?? null
  if (kind === 'recovered' || kind === 'now-explained' || kind === 'dropped') {
    if (merged) return 'The mail about its beginning did not reach you, so this one tells you both.'
    return `You were told that ${family === null ? 'it failed' : TOLD[family]}, so you are told this too.`
  }
  // What the first sentence or the line on AWS Health says already is not said again. Why we are blind is said nowhere else.
  const said = kind !== 'blind' && probes.some(({ verdict, lapsed }) => reason === verdict.why || reason === lapsed)
  const counted = countOf(probes[0], at)
  const threshold = facts.monitors[0]?.threshold
  const fired = threshold === undefined ? '' : `threshold: ${foreign(threshold, limits.sentence)}`
  return [
    ...(said ? [] : [sentence(foreign(reason, limits.sentence))]),
    ...(counted === null ? (fired === '' ? [] : [`${sentence(fired)}`]) : [`${counted}${fired === '' ? '' : ` (${fired})`}.`]),
    ...(family === 'offline' ? [NO_MONITOR] : []),
    ...(continues === null
      ? []
      : [`It goes on from incident ${foreign(continues.id, limits.word)}, which was ${FAMILY_WORDS[continues.family]}.`]),
  ].join(' ')
}

/** "7 of 7 runs failed since 11:58:02Z", or of the last hour where it began before. */
function countOf(probe: ProbeFacts | undefined, at: Instant): string | null {
  if (probe === undefined) return null
  const since = Math.max(probe.onset, at - HOUR_MS)
  const runs = probe.strip.filter((run) => run.at >= since && run.mark !== 'inconclusive')
  const failed = runs.filter(({ mark }) => mark === 'failed').length
  if (failed === 0) return null
  return `${failed} of ${runs.length} ${runs.length === 1 ? 'run' : 'runs'} failed ${since === probe.onset ? `since ${hhmmss(probe.onset, at)}` : 'in the last hour'}`
}

const TOLD = {
  outage: 'it failed',
  misconfigured: 'it failed',
  offline: 'this host was cut off',
  blind: 'it could not be seen',
} as const

const FAMILY_WORDS = {
  outage: 'an outage',
  misconfigured: 'a matter of our own set-up',
  offline: 'a lost network',
  blind: 'a lack of results',
} as const

/** "no event for ACCOUNT in us-east-1 explains it (asked 12:04:31Z, both sources answered)" */
function healthSentence(facts: Facts, its: Trouble, limits: Limits): string | null {
  const { sources, incident, verdict } = facts
  if (sources === null || incident?.family !== 'outage') return null
  const states = [sources.api.state, sources.dashboard.state]
  const answered = states.filter((state) => state === 'answered').length
  const asked = states.filter((state) => state !== 'off').length
  const who =
    answered === 0
      ? 'no source answered'
      : answered === 2
        ? 'both sources answered'
        : `${answered} of ${asked} ${asked === 1 ? 'source' : 'sources'} answered`
  const how = asked === 0 ? 'no source is configured' : `asked ${hhmmss(sources.at, facts.at)}, ${who}`
  const where = its.telling === null ? '' : ` for ${its.telling.service} in ${foreign(its.telling.region, limits.word)}`
  const by = alibiOf(facts)
  const carried = facts.probes.find((probe) => probe.carried !== null)?.carried ?? null
  const what =
    verdict === 'explained' && by !== null
      ? `${foreign(by.code, limits.word)} in ${foreign(by.region ?? 'no named region', limits.word)}, ${by.status}`
      : verdict === 'unexplained'
        ? `no event${where} explains it`
        : `not known whether an event${where} explains it`
  return `${what} (${how}).${carried === null ? '' : ` Not confirmed just now: ${foreign(carried, limits.sentence)}.`}`
}

/** "began between 11:57:02Z (last ok) and 11:58:02Z (first failure)", and the gap in our own watch. */
function beganSentence(facts: Facts): string | null {
  const { incident, at } = facts
  if (incident === null || incident.family === 'offline') return null
  const gap = facts.probes.find((probe) => probe.gap !== null)?.gap ?? null
  const missed =
    gap === null
      ? ''
      : ` We did not watch ${hhmm(gap.from, at)} to ${hhmm(gap.to, at)} UTC (${spanBetween(gap.from, gap.to)}): ${foreign(gap.why, 200)}.`
  if (incident.family === 'blind') return missed === '' ? null : missed.trim()
  // Before it there were failures of another kind, which were told as such.
  if (incident.continues !== null) {
    const ok = incident.lastOkAt === null ? '' : `; the last ok run was at ${hhmmss(incident.lastOkAt, at)}`
    return `at ${hhmmss(incident.onset, at)} (first failure of this kind${ok}).${missed}`
  }
  if (incident.lastOkAt === null) return `not known: there was no ok run before ${hhmmss(incident.onset, at)}.${missed}`
  return `between ${hhmmss(incident.lastOkAt, at)} (last ok) and ${hhmmss(incident.onset, at)} (first failure).${missed}`
}

function whoKnew(facts: Facts): { label: string; text: string }[] {
  const { incident, at } = facts
  if (incident === null || incident.family === 'offline') return []
  const end = endOf(facts)
  const lasted = {
    label: 'Lasted',
    text: `${spanBetween(incident.onset, end)}, ${hhmm(incident.onset, at)} to ${hhmm(end, at)} UTC.`,
  }
  if (incident.family !== 'outage') return [lasted]
  return [lasted, { label: 'Who knew', text: leadSentence(incident.explainedBy, incident.leadMinutes) }]
}

function leadSentence(explainedBy: string | null, lead: number | null): string {
  if (explainedBy === null) return 'AWS has published nothing that explains it so far.'
  if (lead === null) return 'AWS explained it.'
  return `AWS first spoke ${leadWords(lead)}.`
}

/** The next action of a person who has just been woken. */
function advice(facts: Facts, its: Trouble): string | null {
  const { kind, incident } = facts
  if (incident?.family === 'misconfigured' && kind !== 'recovered' && kind !== 'dropped') return misconfigured(its)
  switch (kind) {
    case 'recovered':
      return incident?.family === 'offline' ? 'Nothing. Outages of that time may have gone unseen.' : 'Nothing.'
    case 'now-explained':
      return 'Nothing more than to follow AWS’s event. Reminders have stopped.'
    case 'dropped':
      return 'Nothing, if it was taken out on purpose. Else put it back and reload.'
    case 'offline':
      if (incident !== null && incident.closedAt !== null) return 'Nothing. Outages of that time may have gone unseen.'
      return 'Look at this host’s network, DNS and proxy. AWS may be well.'
    case 'blind':
      return 'See what its runs say: `alibi probe` runs each once, now. Throttling and a stalled host are the usual causes; of an internal error the log has the details.'
    case 'flapping':
      return 'No need to get up for each turn of it: from now on only half an hour of being well counts as recovery.'
    case 'misconfigured':
      return misconfigured(its)
    case 'digest':
    case 'test':
      return null
    case 'failing':
    case 'wider':
    case 'escalated':
    case 'reminder':
    case 'still-failing':
      return outage(facts, its)
  }
}

function outage(facts: Facts, its: Trouble): string {
  const runbook = facts.monitors.some((monitor) => monitor.runbook !== null) ? 'Follow the runbook. ' : ''
  const paste = 'open a case with AWS Support and paste the block below.'
  if (facts.verdict === 'explained') return `${runbook}AWS knows. See whether you need a way round by now.`
  const lapsed = lapsedProbe(facts)
  if (lapsed !== null) return `${runbook}${lapseAdvice(lapsed, paste)}`
  if (facts.verdict === 'undetermined') return `${runbook}See what AWS says on its page. If it says nothing, ${paste}`
  if (its.telling?.service === 'STS')
    return `${runbook}STS fails, not Account: see whether the role can be used elsewhere. If not, ${paste}`
  if (its.kind === 'unreachable') return `${runbook}Our own network reaches other hosts. If it lasts, ${paste}`
  return `${runbook}AWS does not seem to know. If it hurts, ${paste}`
}

/** By how the explanation ended: only the first of these is AWS's word that it is over. */
function lapseAdvice({ lapsedBy }: ProbeFacts, paste: string): string {
  switch (lapsedBy) {
    case 'over':
      return `AWS may think that it is over. If it hurts, ${paste}`
    case 'unasked':
      return `See on AWS’s page whether its event still stands. If it does not, ${paste}`
    case 'alone':
      return `Others are well with the same operation: look for what is different here. If nothing is, ${paste}`
    case 'vanished':
      return `AWS has taken its event back. If it hurts, ${paste}`
    default:
      return `AWS’s event does not cover it any more. If it hurts, ${paste}`
  }
}

function misconfigured(its: Trouble): string {
  const live = '`alibi check --live`'
  switch (ownFaultOf(its.kind, its.telling ?? { error: null, status: null })) {
    case 'refused credentials':
      return `Renew or repair the monitor’s credentials; ${live} says whether they work.`
    case 'no credentials':
      return `See the error below for what is missing: the profile, its process, or the role of this host. ${live} says whether it is there again.`
    case 'late credentials':
      return 'What gives the credentials takes longer than a try: make it faster, or raise the monitor’s `timeout`.'
    case 'denied':
      return 'Compare the caller’s policy with what `alibi iam-policy` prints; a service control policy can deny as well.'
    case 'wrong request':
      return `Check accounts and parameters in the configuration; ${live} tries each.`
    case 'internal error':
      return 'This is an internal error of Alibi: please report it with the error below.'
    case 'name':
      return `See the name of the endpoint, and the name servers of this host. ${live} tries it again.`
    case 'certificate':
      return `See who answers in AWS’s place: a proxy that looks into TLS needs its authority in AWS_CA_BUNDLE or NODE_EXTRA_CA_CERTS. ${live} tries it again.`
    case 'proxy':
      return `See HTTPS_PROXY and NO_PROXY, and whether the proxy lets this host pass. ${live} tries it again.`
    case null:
      return `See what ${live} says.`
  }
}

// ---- The sections

function whatFails(facts: Facts, its: Trouble, limits: Limits): readonly Block[] {
  if (its.total < 2) return []
  const groups = its.groups.slice(0, limits.groups)
  const moreGroups = its.groups.length - groups.length
  const summary: Block = {
    type: 'list',
    items: [
      ...groups,
      ...(moreGroups > 0 ? [`and ${moreGroups} further ${moreGroups === 1 ? 'operation' : 'operations'}`] : []),
      ...(isLong(facts) ? firstAndLast(facts, limits) : []),
    ],
  }
  return isLong(facts) ? [summary] : [summary, { type: 'heading', text: `${its.total} probes` }, listOf(facts, its, limits)]
}

/** A long list stands behind the evidence: what it adds is names. */
function allProbes(facts: Facts, its: Trouble, limits: Limits): readonly Block[] {
  return its.total < 2 || !isLong(facts) ? [] : [listOf(facts, its, limits)]
}

/** More than are shown in full. */
function isLong({ others }: Facts): boolean {
  return others.total > 0 || others.names.length > 0
}

function listOf(facts: Facts, its: Trouble, limits: Limits): Block {
  const listed = facts.probes.map((probe) => listLine(probe, facts, limits))
  const names = facts.others.names.slice(0, Math.max(0, limits.listed - listed.length)).map((name) => foreign(name, limits.word))
  const left = its.total - facts.probes.length - names.length
  return {
    type: 'list',
    items: [
      ...listed,
      ...names,
      ...(left > 0 ? [`and ${left} more: the attached list and \`alibi explain\` name them all`] : []),
    ],
  }
}

function firstAndLast({ breadth, at }: Facts, limits: Limits): readonly string[] {
  if (breadth === undefined) return []
  const { first, last } = breadth
  return [
    `the first to fail was ${foreign(first.probe, limits.word)} at ${hhmmss(first.at, at)}`,
    `the last was ${foreign(last.probe, limits.word)} at ${hhmmss(last.at, at)}`,
  ]
}

function listLine(probe: ProbeFacts, facts: Facts, limits: Limits): string {
  const { at } = facts
  const since =
    probe.state === 'well'
      ? `well again since ${hhmmss(probe.wellAt ?? at, at)}`
      : `${probe.state === 'failing' ? 'failing' : 'perhaps recovering'}, since ${hhmmss(probe.onset, at)}`
  // Of one that is well again it says nothing any more whether AWS explains it.
  const verdict = facts.incident?.family === 'outage' && probe.state !== 'well' ? `, ${standingOf(probe, at)}` : ''
  return `${one(probe, limits)} (${foreign(probe.monitor, limits.word)}): ${since}${verdict}`
}

/** `explained until 13:35:00Z`: where its end is known, and where it is past. */
function standingOf({ verdict, lapsed, explainedUntil }: ProbeFacts, at: Instant): string {
  if (explainedUntil == null) return verdict.kind
  const until = `explained until ${hhmmss(explainedUntil, at)}`
  return lapsed === null ? until : `${verdict.kind}, ${until}`
}

function evidence(facts: Facts, limits: Limits): readonly Block[] {
  return tellingProbes(facts.probes, limits.probes).flatMap((probe) => {
    const runs = probe.evidence.slice(-limits.runs)
    const rows = strip(probe.strip, facts.at)
    if (runs.length === 0 && rows.length === 0) return []
    return [
      ...(facts.probes.length > 1
        ? [{ type: 'heading', text: `${one(probe, limits)} (${foreign(probe.monitor, limits.word)})` } as const]
        : []),
      ...(rows.length === 0 ? [] : [{ type: 'strip', rows } as const]),
      ...runs.map((run) => runBlock(run, facts.at, limits)),
    ]
  })
}

/** The first probe of each operation and error before a second of any. */
function tellingProbes(probes: readonly ProbeFacts[], max: number): readonly ProbeFacts[] {
  const firsts = new Map<string, ProbeFacts>()
  for (const probe of probes) {
    const key = `${probe.operation} ${lastFailed(probe)?.tries.at(-1)?.error ?? ''}`
    if (!firsts.has(key)) firsts.set(key, probe)
  }
  const first = new Set(firsts.values())
  return [...first, ...probes.filter((probe) => !first.has(probe))].slice(0, max)
}

const RESULT = { ok: 'ok', failed: 'failed', inconclusive: 'inconclusive' } as const

function runBlock(run: Outcome, at: Instant, limits: Limits): Block {
  const shown = run.tries.slice(-limits.tries)
  const skipped = run.tries.length - shown.length
  const kind = run.kind === null ? '' : ` (${run.kind})`
  const control = run.control
  const notes = [
    ...(skipped > 0 ? [skipped === 1 ? 'An earlier try is not shown.' : `${skipped} earlier tries are not shown.`] : []),
    ...(control === null
      ? []
      : [
          `Control call ${hhmmss(control.at, at)}: ${control.reached ? 'got through' : 'failed as well'} in ${Math.round(control.ms)} ms (${foreign(control.detail, limits.word)}).`,
        ]),
  ]
  return {
    type: 'tries',
    title: `Run at ${hhmmss(run.startedAt, at)}: ${RESULT[run.result]}${kind}, took ${Math.round(run.endedAt - run.startedAt)} ms`,
    tries: shown.map((one, index) => tryLine(one, shown[index - 1] ?? null, skipped + index + 1, run.tries.length, at, limits)),
    note: notes.length === 0 ? null : notes.join(' '),
  }
}

function tryLine(one: Try, before: Try | null, nth: number, of: number, at: Instant, limits: Limits): TryLine {
  const word = (text: string) => foreign(text, limits.word)
  const sts = one.service === 'STS' ? 'STS ' : ''
  const result = `${one.kind === null ? okOf(one) : word(errorAside(one))}${one.status === null ? ', no answer' : ''}`
  // `HTTP 503 with a body that is not JSON`: the number stands there already.
  const said = one.message?.replace(/^HTTP \d+ (?=with)/, '') ?? ''
  const message = said === '' || said === one.error || one.message === before?.message ? '' : `: ${word(said)}`
  const ids = [
    ...(one.requestId === null ? [] : [`request ${word(one.requestId)}`]),
    ...(one.apigwId === null ? [] : [`apigw ${word(one.apigwId)}`]),
  ]
  return {
    at: hhmmss(one.at, at),
    what: `try ${nth} of ${of}: ${sts}${result}, ${Math.round(one.ms)} ms${message}`,
    ids: ids.length === 0 ? null : ids.join(', '),
    ok: one.kind === null,
  }
}

function okOf({ status }: Try): string {
  return status === null ? 'ok' : `ok, HTTP ${status}`
}

function timeline(facts: Facts, delivery: Delivery): readonly Block[] {
  const { incident, at } = facts
  if (incident === null) return []
  const blind = incident.family === 'blind'
  const firstFailure = incident.continues === null ? 'first failed run' : 'first failure of this kind'
  const moments: [Instant, string][] = [
    ...(incident.lastOkAt === null ? [] : [[incident.lastOkAt, 'last ok run'] as [Instant, string]]),
    [incident.onset, blind ? 'no result since' : incident.family === 'offline' ? 'network lost' : firstFailure],
    ...facts.probes
      .slice(0, 1)
      .flatMap(({ failedAt, gap }): [Instant, string][] => [
        ...(blind || incident.family === 'offline' ? [] : [[failedAt, 'threshold reached'] as [Instant, string]]),
        ...(gap === null
          ? []
          : [[gap.from, 'our watch stopped'] as [Instant, string], [gap.to, 'our watch went on'] as [Instant, string]]),
      ]),
    ...(incident.announcedAt === null || incident.announcedAt === at
      ? []
      : [[incident.announcedAt, 'first mail owed'] as [Instant, string]]),
    ...(facts.sources === null ? [] : [[facts.sources.at, 'AWS Health asked'] as [Instant, string]]),
    ...(facts.kind === 'recovered' && incident.family !== 'offline' ? [[endOf(facts), 'well again'] as [Instant, string]] : []),
    ...(incident.closedAt === null ? [] : [[incident.closedAt, 'incident closed'] as [Instant, string]]),
    [at, 'this mail owed'],
    ...(delivery.now - at >= LATE_MS ? [[delivery.now, 'this mail sent'] as [Instant, string]] : []),
  ]
  // A stable sort: at the same moment the order above is the order in which things happen.
  moments.sort(([a], [b]) => a - b)
  const zoned = local(at, facts.timezone) !== null
  return [
    ...(zoned ? [{ type: 'text', text: `UTC = ${foreign(facts.timezone, 60)}` } as const] : []),
    {
      type: 'rows',
      rows: moments.map(([when, what]) => {
        const there = local(when, facts.timezone)
        return [`${hhmmss(when, at)}${there === null ? '' : ` = ${there.slice(0, 5)}`}`, what] as const
      }),
    },
  ]
}

function eventBlocks(facts: Facts, limits: Limits): readonly Block[] {
  const probe = facts.probes.find(({ verdict }) => verdict.kind === 'explained')
  if (probe?.verdict.kind === 'explained') {
    return [{ type: 'rows', rows: alibiRows(probe.verdict.by, explainedBy(probe, probe.verdict, facts, limits), facts, limits) }]
  }
  const lapsed = lapsedProbe(facts)
  const arn = facts.incident?.explainedBy ?? null
  if (lapsed?.explainedUntil == null || arn === null) return []
  const rows: readonly (readonly [string, string])[] = [
    // Its code stands in the ARN: `arn:aws:health:us-east-1::event/IAM/AWS_IAM_OPERATIONAL_ISSUE/…`.
    ['Event', foreign(arn.split('/')[2] ?? arn, limits.word)],
    ['Explained it', `until ${both(lapsed.explainedUntil, facts.at, facts.timezone)}, and no longer`],
    ['ARN', foreign(arn, limits.word)],
  ]
  return [{ type: 'rows', rows }]
}

/** How the event's service matched (docs/rules.md, Service). */
const MATCHED: Readonly<Record<Match, string>> = {
  direct: 'same service',
  impacted: 'listed as impacted',
  related: 'related service',
}

/** In the present only while AWS explains all that fails; else how many of it, and until when. */
function explainedBy(
  { explainedUntil }: ProbeFacts,
  { by, why }: Extract<Verdict, { kind: 'explained' }>,
  { verdict, probes, at, timezone, kind }: Facts,
  limits: Limits,
): readonly [string, string] {
  const text = foreign(why, limits.sentence)
  if (verdict === 'explained' && kind !== 'recovered' && kind !== 'dropped') return ['Matches', `${MATCHED[by.match]}: ${text}`]
  const until = explainedUntil == null ? '' : ` until ${both(explainedUntil, at, timezone)}`
  const explained = probes.filter((probe) => probe.verdict.kind === 'explained').length
  const some = explained === probes.length ? '' : `, ${explained} of ${probes.length} probes`
  return ['Matched', `${MATCHED[by.match]}${until}${some}: ${text}`]
}

function alibiRows(
  by: Alibi,
  how: readonly [string, string],
  { at, timezone }: Facts,
  limits: Limits,
): readonly (readonly [string, string])[] {
  const word = (text: string) => foreign(text, limits.word)
  const when = (time: Instant) => both(time, at, timezone)
  return [
    ['Event', `${word(by.code)}, ${by.status}`],
    ['Service', `${word(by.service)} in ${word(by.region ?? 'no named region')}`],
    ['First post', when(by.startedAt)],
    ...(by.endedAt === null ? [] : [['Ended', when(by.endedAt)] as const]),
    ['Last update', when(by.updatedAt)],
    [
      'Seen in',
      by.sources.map((source) => (source === 'api' ? 'the Health API' : 'the public dashboard')).join(' and ') ||
        'neither source now',
    ],
    how,
    ['AWS writes', foreign(by.text, limits.update) || 'nothing'],
    ['ARN', word(by.arn)],
  ]
}

function healthBlocks(facts: Facts, limits: Limits): readonly Block[] {
  const { sources, incident } = facts
  const hindsight = incident?.hindsight ?? []
  const misses = new Map(
    facts.probes.flatMap(({ verdict }) => verdict.nearMisses).map((miss) => [`${miss.arn} ${miss.why}`, miss]),
  )
  const missLines = [...misses.values()].slice(0, limits.nearMisses).map((miss) => {
    const word = (text: string) => foreign(text, limits.word)
    return `${word(miss.code)}, ${word(miss.region ?? 'no region')}, ${miss.status}: rejected by ${miss.test}, ${foreign(miss.why, limits.sentence)}`
  })
  const more = misses.size - missLines.length
  return [
    ...(sources === null
      ? []
      : [
          {
            type: 'rows',
            rows: [
              sourceRow('Health API', sources.api, facts.at, limits),
              sourceRow('Dashboard', sources.dashboard, facts.at, limits),
            ],
          } as const,
        ]),
    ...(incident?.family !== 'outage' || (sources?.api.state !== 'answered' && sources?.dashboard.state !== 'answered')
      ? []
      : missLines.length === 0
        ? [{ type: 'text', text: 'No event came near to explaining it.' } as const]
        : [
            { type: 'heading', text: 'Events considered and rejected' } as const,
            { type: 'list', items: [...missLines, ...(more > 0 ? [`and ${more} more`] : [])] } as const,
          ]),
    ...(hindsight.length === 0
      ? []
      : [
          { type: 'heading', text: 'Learned afterwards' } as const,
          {
            type: 'list',
            items: hindsight
              .slice(0, limits.nearMisses)
              .map(
                (event) =>
                  `${foreign(event.code, limits.word)}, seen ${hhmmss(event.at, facts.at)}: ${foreign(event.why, limits.sentence)}`,
              ),
          } as const,
        ]),
  ]
}

function sourceRow(name: string, source: SourceState, at: Instant, limits: Limits): readonly [string, string] {
  const detail = source.detail === '' ? '' : ` (${foreign(source.detail, limits.sentence)})`
  const when = source.at === null ? '' : ` at ${hhmmss(source.at, at)}`
  const skipped = source.skipped > 0 ? `, ${source.skipped} could not be read` : ''
  switch (source.state) {
    case 'answered':
      return [name, `answered${when}: ${source.events} ${source.events === 1 ? 'event' : 'events'}${skipped}${detail}`]
    case 'refused':
      return [name, `refuses until something is changed on our side${detail}`]
    case 'unavailable':
      return [name, `could not be asked${when}${detail}`]
    case 'off':
      return [name, `not asked${detail}`]
  }
}

/** What the first sentence has said is not said again. */
function details(facts: Facts, limits: Limits): readonly Block[] {
  const lines = facts.lines.slice(saysFirstLine(facts) ? 1 : 0)
  if (lines.length === 0) return []
  const items = lines.slice(0, limits.lines).map((text) => foreign(text, limits.sentence))
  const more = lines.length - items.length
  return [{ type: 'list', items: more > 0 ? [...items, `and ${more} more`] : items }]
}

/** Each chapter gets its share of the lines. */
function chapters(facts: Facts, limits: Limits): readonly (Section | null)[] {
  const all = (facts.chapters ?? []).slice(0, MAX_CHAPTERS)
  const share = Math.max(3, Math.floor(limits.lines / Math.max(1, all.length)))
  return all.map(({ title, lines }) => {
    const items = lines.slice(0, share).map((text) => foreign(text, limits.sentence))
    const more = lines.length - items.length
    const list = more > 0 ? [...items, `and ${more} more`] : items
    return section(foreign(title, limits.word), list.length === 0 ? [] : [{ type: 'list', items: list }])
  })
}

function support(facts: Facts, limits: Limits): readonly Block[] {
  if (facts.incident?.family !== 'outage' || !FAILING_KINDS.includes(facts.kind)) return []
  return [{ type: 'copy', lines: supportBlock(facts, limits) }]
}

function commands(facts: Facts, limits: Limits): readonly Block[] {
  const { incident, kind } = facts
  if (incident === null) return []
  const id = foreign(incident.id, limits.word)
  const monitor = facts.monitors[0] === undefined ? '' : ` --monitor ${quoted(foreign(facts.monitors[0].name, limits.word))}`
  const urgent = (FAILING_KINDS.includes(kind) || kind === 'misconfigured') && incident.closedAt === null
  return [
    {
      type: 'copy',
      lines: [
        `alibi explain ${id}    # the whole story`,
        ...(urgent ? [`alibi ack ${id}        # no more reminders`, `alibi silence add --for 2h --reason "…"${monitor}`] : []),
      ],
    },
  ]
}

/** As a word of a shell: a monitor's name is the operator's own, but it is pasted as it stands. */
function quoted(name: string): string {
  return /^[\w.@:/-]+$/.test(name) ? name : `'${name.replaceAll("'", "'\\''")}'`
}

function footer(facts: Facts, seq: number | null, limits: Limits): readonly string[] {
  const { incident, sentBy } = facts
  const word = (text: string) => foreign(text, limits.word)
  const thresholds = facts.monitors
    .slice(0, limits.monitors)
    .map(({ name, threshold }) => `${word(name)}: ${foreign(threshold, limits.sentence)}`)
  const which = incident === null ? '' : `, incident ${word(incident.id)}`
  const mail = seq === null ? '' : `, mail ${seq}`
  const by = facts.rule === null ? '' : `, rule ${word(facts.rule)}`
  return [
    ...(thresholds.length === 0 ? [] : [`Thresholds: ${thresholds.join('; ')}`]),
    ...(sentBy.callers ?? []).slice(0, limits.monitors).map((caller) => callerLine(caller, limits)),
    `Alibi ${word(sentBy.version)} on ${word(sentBy.host)}${which}${mail} (${facts.kind}${by}), ${iso(facts.at)}`,
  ]
}

/** `Credentials of production: arn:… (account 111122223333), from profile prod (credential_process)` */
function callerLine(caller: Caller, limits: Limits): string {
  const names = caller.monitors.slice(0, limits.monitors).map((name) => foreign(name, limits.word))
  const more = caller.monitors.length - names.length
  const of = `Credentials of ${names.join(', ')}${more > 0 ? ` and ${more} more` : ''}`
  if ('why' in caller) return `${of}: whose they are is not known: ${foreign(caller.why, limits.sentence)}`
  const { arn, account, origin } = caller
  return `${of}: ${foreign(arn, limits.sentence)} (account ${foreign(account, limits.word)}), from ${foreign(origin, limits.sentence)}`
}

function sentence(text: string): string {
  const upper = text.slice(0, 1).toUpperCase() + text.slice(1)
  return upper === '' || /[.!?…]$/.test(upper) ? upper : `${upper}.`
}
