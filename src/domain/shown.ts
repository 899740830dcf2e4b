import { type AccountNames, accountOfId, nameOfAccount } from './account-names.ts'
import { iso } from './duration.ts'
import type { Incident, IncidentState, Member } from './incident.ts'
import { type IncidentSummary, summaryOf } from './incident-summary.ts'
import type { LedgerRow } from './ledger.ts'
import { type Mailing, mailingsOf } from './mailing.ts'
import type { MailKind, NotificationState, Owed } from './notification.ts'
import { ACCOUNT_REGION } from './policy.ts'
import { type Family, type Instant, type Outcome, type Partition, partsOfId } from './probe.ts'
import type { RuleName } from './rule.ts'
import { askedOf, servicesOf } from './service-facts.ts'
import type { Match, RejectedEvent, Verdict } from './verdict.ts'

/** An incident as programs read it: `alibi incidents --json`, `/api/incidents`. Times are ISO 8601 UTC. */
export type IncidentJson = Readonly<{
  id: string
  family: Family
  state: IncidentState
  verdict: Verdict['kind']
  /** ARN of the event that explains it, or in the end did. */
  explainedBy: string | null
  /** Names, in the order in which their probes joined. */
  monitors: readonly string[]
  /** Ids of all its probes, also of those that have recovered. */
  probes: readonly string[]
  openedAt: string
  announcedAt: string | null
  closedAt: string | null
  /** By how much our first failed run preceded AWS's first post; negative when AWS was first. */
  leadMinutes: number | null
  /** The region of the endpoints that fail; `null` where it is no outage, which is of no region. */
  region: string | null
  /** The services that its probes ask, by their names in operations: `account`, `dynamodb`. */
  services: readonly string[]
  /** The machines on which their failed runs were made; only where several share the database. */
  machines?: readonly string[]
  /** What the accounts of its probes are called, by account, as far as that is known; only if `accounts.names` is set. */
  accountNames?: Readonly<Record<string, string>>
}>

/** One incident's whole story: `/api/incidents/ID`. */
export type StoryJson = IncidentJson &
  Readonly<{
    partition: Partition
    continues: Readonly<{ id: string; family: Family }> | null
    closedAs: Incident['closedAs']
    flapping: boolean
    reopenedAt: readonly string[]
    hindsight: readonly Readonly<{ arn: string; code: string; at: string; why: string }>[]
    members: readonly MemberJson[]
    ledger: readonly RowJson[]
    mails: readonly MailJson[]
  }>

type MemberJson = Readonly<{
  probe: string
  monitor: string
  account: string
  accountName?: string | null
  operation: string
  /** What its endpoint is of, and where that is. */
  service: string
  region: string
  state: Member['state']
  onset: string
  lastOkAt: string | null
  gap: Readonly<{ from: string; to: string; why: string }> | null
  failedAt: string
  recoveredAt: string | null
  lastRunAt: string
  verdict: Verdict['kind']
  why: string
  explainedBy: Readonly<{
    arn: string
    code: string
    region: string | null
    status: string
    startedAt: string
    updatedAt: string
    match: Match
  }> | null
  carried: string | null
  lapsed: string | null
  /** When AWS Health was read for the verdict. */
  readAt: string | null
  rejected: readonly RejectedEvent[]
  evidence: readonly RunJson[]
}>

type RunJson = Readonly<{
  startedAt: string
  endedAt: string
  result: Outcome['result']
  kind: Outcome['kind']
  /** Which machine made it; only where several share the database. */
  machine?: string
  tries: readonly Readonly<Record<string, string | number | null>>[]
}>

type RowJson = Readonly<{
  at: string
  decision: LedgerRow['decision']
  rule: RuleName | null
  probe: string | null
  reason: string
  evidence: unknown
}>

/** What became of an email at one address. */
type AddressJson = Readonly<{
  /** Named only where a recipient has several: then their name does not say who has it and who has not. */
  address: string | null
  state: NotificationState
  attempts: number
  deliveredAt: string | null
  nextAt: string | null
  error: string | null
  reply: string | null
}>

/** An email, by its recipient's name. */
type MailJson = Readonly<{
  id: string
  kind: MailKind
  to: string
  state: NotificationState
  attempts: number
  createdAt: string
  deliveredAt: string | null
  nextAt: string | null
  error: string | null
  addresses: readonly AddressJson[]
}>

export function incidentJson(incident: IncidentSummary, names: AccountNames | null = null): IncidentJson {
  const { id, family, state, verdict, explainedBy, monitors, probes, leadMinutes, machines } = incident
  return {
    id,
    family,
    state,
    verdict,
    explainedBy,
    monitors,
    probes,
    openedAt: iso(incident.openedAt),
    announcedAt: isoOrNull(incident.announcedAt),
    closedAt: isoOrNull(incident.closedAt),
    leadMinutes,
    region: family === 'outage' ? (incident.region ?? ACCOUNT_REGION[incident.partition]) : null,
    services: servicesOf(callsOf(probes).map(partsOfId)),
    ...(machines === undefined ? {} : { machines }),
    ...(names === null ? {} : { accountNames: namesIn(probes, names) }),
  }
}

/** The ends of their ids, each once: thousands of probes share a few calls. */
function callsOf(probes: readonly string[]): readonly string[] {
  return [...new Set(probes.map((id) => id.slice(id.lastIndexOf('/') + 1)))]
}

function namesIn(probes: readonly string[], names: AccountNames): Readonly<Record<string, string>> {
  const named = probes.flatMap((id) => {
    const one = accountOfId(id)
    const name = one === null ? null : nameOfAccount(one, names)
    return one === null || name === null ? [] : [[one.account, name] as const]
  })
  return Object.fromEntries(named)
}

/** Rows and emails as the store gave them, oldest first. Email addresses are taken out of every text. */
export function storyJson(
  incident: Incident,
  ledger: readonly LedgerRow[],
  mails: readonly Owed[],
  names: AccountNames | null = null,
): StoryJson {
  return {
    ...incidentJson(summaryOf(incident), names),
    partition: incident.partition,
    continues: incident.continues,
    closedAs: incident.closedAs,
    flapping: incident.flapping,
    reopenedAt: incident.reopenedAt.map(iso),
    hindsight: incident.hindsight.map((seen) => ({ ...seen, at: iso(seen.at) })),
    members: incident.members.map((member) => memberJson(member, incident.partition, names)),
    ledger: ledger.map(rowJson),
    mails: mailingsOf(mails).map(mailJson),
  }
}

function memberJson(member: Member, partition: Partition, names: AccountNames | null): MemberJson {
  const { probe, monitor, account, operation, state, gap, judgement } = member
  const { verdict } = judgement
  const by = verdict.kind === 'explained' ? verdict.by : null
  return {
    probe,
    monitor,
    account,
    ...(names === null ? {} : { accountName: nameOfAccount(member, names) }),
    operation,
    service: servicesOf([member])[0] ?? 'account',
    region: askedOf(operation)?.region ?? ACCOUNT_REGION[partition],
    state,
    onset: iso(member.onset),
    lastOkAt: isoOrNull(member.lastOkAt),
    gap: gap === null ? null : { from: iso(gap.from), to: iso(gap.to), why: gap.why },
    failedAt: iso(member.failedAt),
    recoveredAt: isoOrNull(member.recoveredAt),
    lastRunAt: iso(member.lastRunAt),
    verdict: verdict.kind,
    why: verdict.why,
    explainedBy:
      by === null
        ? null
        : {
            arn: by.arn,
            code: by.code,
            region: by.region,
            status: by.status,
            startedAt: iso(by.startedAt),
            updatedAt: iso(by.updatedAt),
            match: by.match,
          },
    carried: judgement.carried,
    lapsed: judgement.lapsed?.why ?? null,
    readAt: isoOrNull(judgement.readAt),
    rejected: verdict.rejected,
    evidence: member.evidence.map(runJson),
  }
}

function runJson(outcome: Outcome): RunJson {
  const { result, kind, startedAt, endedAt, machine, tries } = outcome
  return {
    startedAt: iso(startedAt),
    endedAt: iso(endedAt),
    result,
    kind,
    ...(machine === undefined ? {} : { machine }),
    tries: tries.map((one) => ({ ...one, at: iso(one.at) })),
  }
}

function rowJson(row: LedgerRow): RowJson {
  const { at, decision, rule, probe, reason, evidence } = row
  return { at: iso(at), decision, rule, probe, reason: withoutAddresses(reason), evidence: deeply(evidence, withoutAddresses) }
}

function mailJson({ notification, state, attempts, deliveredAt, nextAt, error, addresses }: Mailing): MailJson {
  const { id, kind, recipient, createdAt } = notification
  return {
    id,
    kind,
    to: recipient,
    state,
    attempts,
    createdAt: iso(createdAt),
    deliveredAt: isoOrNull(deliveredAt),
    nextAt: isoOrNull(nextAt),
    error: error === null ? null : withoutAddresses(error),
    addresses: addresses.map(addressJson),
  }
}

function addressJson({ notification, address, state, attempts, deliveredAt, nextAt, error, reply }: Owed): AddressJson {
  const waits = state === 'due' || state === 'retrying'
  return {
    address: notification.to.length > 1 ? address : null,
    state,
    attempts,
    deliveredAt: isoOrNull(deliveredAt),
    nextAt: waits ? iso(nextAt) : null,
    error: error === null ? null : withoutAddresses(error),
    reply: reply === null ? null : withoutAddresses(reply),
  }
}

const ADDRESS = /<?[^\s<>()[\]"',;:=|]{1,64}@[^\s<>()[\]"',;:|]{1,255}>?/g

/** A mail server's reply often repeats the address that it is about, which readers of the page need not know. */
export function withoutAddresses(text: string): string {
  return text.replace(ADDRESS, '(address)')
}

/** The names that we give to instants; any other number is a count or a duration. */
const INSTANT = /^(?:at|onset|since|until|from|to|digest)$|[a-z](?:At|Since|Before)$/

/** The same with every instant in it, however deep, as ISO 8601 UTC: programs read them all in one way. */
export function dated(value: unknown): unknown {
  return deeply(value, (text) => text)
}

/** Deep enough for every evidence we write; beyond that nothing is shown. */
const MAX_DEPTH = 12

function deeply(value: unknown, text: (value: string) => string, key = '', depth = 0): unknown {
  if (typeof value === 'string') return text(value)
  if (typeof value === 'number') return INSTANT.test(key) ? iso(value) : value
  if (typeof value !== 'object' || value === null) return value
  if (depth >= MAX_DEPTH) return null
  if (Array.isArray(value)) return value.map((one) => deeply(one, text, key, depth + 1))
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, deeply(one, text, name, depth + 1)]))
}

function isoOrNull(at: Instant | null): string | null {
  return at === null ? null : iso(at)
}
