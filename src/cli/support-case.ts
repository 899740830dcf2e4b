import type { Config } from '../config/config.ts'
import type { Incident, Member } from '../domain/incident.ts'
import type { Facts, Owed, ProbeFacts } from '../domain/notification.ts'
import type { Outcome } from '../domain/probe.ts'
import { supportCase } from '../email/support-case.ts'
import { wire } from '../wire.ts'
import { EXIT, Exit } from './exit.ts'
import { type Io, say } from './io.ts'
import { VERSION } from './version.ts'

/** Runs that are shown of each probe: the first that failed, and the latest. */
const RUNS = 3
const MAX_PROBES = 200

export type Told = Readonly<{ incident: Incident; mails: readonly Owed[]; runs: readonly Outcome[] }>

/** Subject and body of a case for AWS Support, from what was kept of an incident. Opens none: Alibi never writes. */
export async function printSupportCase(story: Told, config: Config, json: boolean, io: Io): Promise<number> {
  const { incident } = story
  if (incident.family !== 'outage')
    throw new Exit(
      EXIT.usage,
      `incident ${incident.id} is ${incident.family}: that is a matter of our own set-up, and no case for AWS Support`,
    )
  const members = incident.members.toSorted(
    (a, b) => Number(a.state === 'well') - Number(b.state === 'well') || a.onset - b.onset,
  )
  const probes = members.slice(0, MAX_PROBES).map((member) => factsOf(member, story.runs))
  const names = new Set(members.map(({ monitor }) => monitor))
  const impacts = config.monitors.flatMap(({ name, impact }) => (names.has(name) && impact !== null ? [impact] : []))
  const facts = {
    sentBy: await senderOf(story, config, io),
    probes,
    others: { names: [], total: members.length - probes.length },
  }
  const { subject, body, plan } = supportCase({ incident, facts, impacts, now: Date.now() })
  if (json) io.out(JSON.stringify({ subject, body, plan }, null, 2))
  else {
    // What is to be copied is not folded: it is pasted into a form.
    io.out(`Subject: ${subject}\n\n${body}`)
    io.out('')
    say(io, `-- \n${plan}`)
  }
  return EXIT.well
}

/** Who asked and where: as the last mail of the incident said it, else as it is now. */
async function senderOf({ incident, mails }: Told, config: Config, io: Io): Promise<Facts['sentBy']> {
  const told = mails.findLast(({ notification }) => notification.facts.sentBy.caller !== null)
  if (told !== undefined) return told.notification.facts.sentBy
  await using wired = wire(config, io.env, VERSION)
  await wired.identities.refresh(new AbortController().signal)
  const monitor = config.monitors.find(({ name }) => incident.members.some((member) => member.monitor === name)) ?? null
  return wired.sender(monitor ?? config.monitors.find(({ partition }) => partition === incident.partition) ?? null)
}

function factsOf(member: Member, runs: readonly Outcome[]): ProbeFacts {
  const { probe, monitor, account, operation, state, onset, lastOkAt, gap, failedAt, wellAt, standing } = member
  // Of a long incident the runs that were read are the newest; the member's own evidence has the first.
  const own = [...runs, ...member.evidence].filter(
    (run) => run.probe === probe && run.result === 'failed' && run.startedAt >= onset,
  )
  const failed = [...new Map(own.map((run) => [run.startedAt, run])).values()].sort((a, b) => a.startedAt - b.startedAt)
  const [first] = failed
  const evidence = first === undefined || failed.length <= RUNS ? failed : [first, ...failed.slice(1 - RUNS)]
  return {
    ...{ probe, monitor, account, operation, state, onset, lastOkAt, gap, failedAt, wellAt, evidence, strip: [] },
    verdict: standing.verdict,
    carried: standing.carried,
    lapsed: standing.lapsed?.why ?? null,
  }
}
