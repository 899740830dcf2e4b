import type { Config } from '../config/config.ts'
import type { Incident, Member } from '../domain/incident.ts'
import type { Facts, Owed, ProbeFacts } from '../domain/notification.ts'
import { explainedUntil } from '../domain/notify.ts'
import type { Outcome } from '../domain/probe.ts'
import { supportCase } from '../email/support-case.ts'
import { wire } from '../wire.ts'
import { EXIT, Exit } from './exit.ts'
import { type Io, say } from './io.ts'
import { VERSION } from './version.ts'

/** Failed runs shown for each probe: the first and the latest ones. */
const RUNS = 3
const MAX_PROBES = 200

/** What the record has of an incident. */
export type CaseRecord = Readonly<{ incident: Incident; mails: readonly Owed[]; runs: readonly Outcome[] }>

/** Prints subject and body of a case for AWS Support, from the record of an incident. Opens no case: Alibi only reads. */
export async function printSupportCase(record: CaseRecord, config: Config, json: boolean, io: Io): Promise<number> {
  const { incident } = record
  if (incident.family !== 'outage')
    throw new Exit(
      EXIT.usage,
      `incident ${incident.id} is of family ${incident.family}: it is about your own setup, and AWS Support cannot help`,
    )
  const members = incident.members.toSorted(
    (a, b) => Number(a.state === 'recovered') - Number(b.state === 'recovered') || a.onset - b.onset,
  )
  const probes = members.slice(0, MAX_PROBES).map((member) => factsOf(member, record.runs))
  const names = new Set(members.map(({ monitor }) => monitor))
  const impacts = config.monitors.flatMap(({ name, impact }) => (names.has(name) && impact !== null ? [impact] : []))
  const facts = {
    sentBy: await senderOf(record, config, io),
    probes,
    others: { names: [], total: members.length - probes.length },
  }
  const { subject, body, plan } = supportCase({ incident, facts, impacts, now: Date.now() })
  if (json) io.out(JSON.stringify({ subject, body, plan }, null, 2))
  else {
    // Not folded, because it is copied into a form.
    io.out(`Subject: ${subject}\n\n${body}`)
    io.out('')
    say(io, `-- \n${plan}`)
  }
  return EXIT.ok
}

/** Caller and endpoint: as the last email of the incident said, else as they are now. */
async function senderOf({ incident, mails }: CaseRecord, config: Config, io: Io): Promise<Facts['sentBy']> {
  const last = mails.findLast(({ notification }) => notification.facts.sentBy.caller !== null)
  if (last !== undefined) return last.notification.facts.sentBy
  await using wired = wire(config, io.env, VERSION)
  await wired.identities.refresh(new AbortController().signal)
  const monitor = config.monitors.find(({ name }) => incident.members.some((member) => member.monitor === name)) ?? null
  return wired.sender(monitor ?? config.monitors.find(({ partition }) => partition === incident.partition) ?? null)
}

function factsOf(member: Member, runs: readonly Outcome[]): ProbeFacts {
  const { probe, monitor, account, operation, state, onset, lastOkAt, gap, failedAt, recoveredAt, judgement } = member
  // If the incident was long, only the newest runs were read; the member's evidence has its first failures.
  const own = [...runs, ...member.evidence].filter(
    (run) => run.probe === probe && run.result === 'failed' && run.startedAt >= onset,
  )
  const failed = [...new Map(own.map((run) => [run.startedAt, run])).values()].sort((a, b) => a.startedAt - b.startedAt)
  const [first] = failed
  const evidence = first === undefined || failed.length <= RUNS ? failed : [first, ...failed.slice(1 - RUNS)]
  return {
    ...{ probe, monitor, account, operation, state, onset, lastOkAt, gap, failedAt, recoveredAt, evidence, strip: [] },
    verdict: judgement.verdict,
    carried: judgement.carried,
    lapsed: judgement.lapsed?.why ?? null,
    lapsedBy: judgement.lapsed?.cause ?? null,
    explainedUntil: explainedUntil(judgement),
  }
}
