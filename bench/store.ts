import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { openStore } from '../src/adapters/sqlite/store.ts'
import type { Incident, Member } from '../src/domain/incident.ts'
import type { Outcome } from '../src/domain/probe.ts'
import type { Change, Store } from '../src/ports/store.ts'
import type { Bench } from './bench.ts'
import { type Figure, quantile, rounded } from './figure.ts'

const NOON = Date.UTC(2026, 2, 2, 12)
const MINUTE_MS = 60_000
const SWEPT_PROBES = 20_000
const RUNS_EACH = 200
export const MEMBERS = 1_000
export const NOTHING: Change = {
  incidents: [],
  probes: [],
  selfAlerts: { set: [], cleared: [] },
  connectivity: null,
  ledger: [],
  notifications: [],
  outcomes: [],
  readings: [],
}

/** What the database costs: a run on disk, the sweep when nothing is old, and the list of closed incidents. */
export const store: Bench = async ({ size, directory }) => {
  const blocked: number[] = []
  const observe = (method: string, ms: number) => void (method === 'sweep' && blocked.push(ms))
  const swept = await openStore({ path: join(directory, 'sweep.db'), observe })
  await runs(swept, SWEPT_PROBES, 1)
  // Twice: the first reads from the disk what the second finds in memory.
  for (let i = 0; i < 2; i++) while ((await swept.sweep({ runs: NOON, hours: NOON - MINUTE_MS }, 500)) > 0);
  await swept.close()

  const path = join(directory, 'runs.db')
  const kept = await openStore({ path })
  const before = bytesOf(path)
  await runs(kept, size.accounts, RUNS_EACH)
  await kept.checkpoint()
  const perRun = (bytesOf(path) - before) / (size.accounts * RUNS_EACH)
  await kept.close()

  const count = size.accounts >= 1_000 ? 50 : 5
  const listing = await openStore({ path: join(directory, 'incidents.db') })
  for (let i = 0; i < count; i++) await listing.commit({ ...NOTHING, incidents: [closedIncident(i)] })
  const began = performance.now()
  const listed = (await listing.incidents(1_000)).length
  const listMs = performance.now() - began
  if (listed !== count) throw new Error(`${count} incidents were written, and ${listed} are listed`)
  await listing.close()

  const figures: Figure[] = [
    {
      name: 'sweepMs',
      what: 'how long a step of a sweep blocks the event loop, 95th percentile',
      value: rounded(quantile(blocked, 0.95), 1),
      unit: 'ms',
      atMost: 10,
      note: `${SWEPT_PROBES.toLocaleString('en')} probes, nothing old`,
    },
    { name: 'bytesPerRun', what: 'database per run', value: rounded(perRun, 1), unit: 'B', atMost: 44 },
    {
      name: 'incidentsMs',
      what: 'list of closed incidents',
      value: rounded(listMs, 1),
      unit: 'ms',
      note: `${count} of ${MEMBERS.toLocaleString('en')} probes each`,
    },
  ]
  return figures
}

async function runs(into: Store, probes: number, each: number): Promise<void> {
  for (let i = 0; i < each; i++) {
    const outcomes = Array.from({ length: probes }, (_, n) => ({
      outcome: okRun(`p${n}`, NOON + i * MINUTE_MS + n),
      incident: null,
    }))
    await into.commit({ ...NOTHING, outcomes })
  }
}

export function okRun(probe: string, startedAt: number): Outcome {
  const tries = [{ requestId: randomUUID() }]
  return { probe, startedAt, endedAt: startedAt + 120, result: 'ok', kind: null, control: null, tries } as unknown as Outcome
}

/** As AWS leaves one behind: a thousand members, each with the twenty events that were considered and rejected. */
export function closedIncident(i: number): Incident {
  const rejected = Array.from({ length: 20 }, (_, n) => ({
    arn: `arn:aws:health:us-east-1::event/EC2/AWS_EC2_OPERATIONAL_ISSUE/AWS_EC2_OPERATIONAL_ISSUE_${n}`,
    code: 'AWS_EC2_OPERATIONAL_ISSUE',
    region: 'eu-north-1',
    status: 'open',
    test: 'place',
    why: 'its region is eu-north-1, and the failing endpoint is in us-east-1',
  }))
  const judgement = { verdict: { kind: 'unexplained', why: 'none fits', rejected }, lapsed: null, alibi: null, readAt: NOON }
  const members = Array.from({ length: MEMBERS }, (_, n) => {
    const probe = `m/${n}/GetContactInformation`
    const evidence = [{ ...okRun(probe, NOON), result: 'failed', kind: 'internal' }]
    const times = {
      onset: NOON,
      lastOkAt: NOON,
      failedAt: NOON,
      recoveredAt: NOON,
      lastRunAt: NOON,
      lastFailedAt: NOON,
      gap: null,
    }
    const what = { probe, monitor: 'm', account: String(n), operation: 'GetContactInformation', state: 'recovered' }
    // The judgement had another name before.
    return { ...what, ...times, evidence, judgement, standing: judgement } as unknown as Member
  })
  const lists = { audience: [], toldEvents: [], hindsight: [], reopenedAt: [], alibis: [] }
  const marks = { seq: 0, failingAtLastMail: 0, explanationTold: false, flapping: false, verdict: 'unexplained' }
  const none = {
    continues: null,
    lapse: null,
    withheld: null,
    explainedBy: null,
    leadMinutes: null,
    lastMailAt: null,
    lastWiderAt: null,
  }
  const times = { openedAt: NOON + i, episodeAt: NOON, announcedAt: NOON, closedAt: NOON + MINUTE_MS }
  const state = { id: `i${i}`, partition: 'aws', family: 'outage', state: 'closed', closedAs: 'recovered' }
  return { ...state, ...times, ...lists, ...marks, ...none, members } as unknown as Incident
}

function bytesOf(path: string): number {
  const db = new DatabaseSync(path, { readOnly: true })
  try {
    const number = (pragma: string) => Number(Object.values(db.prepare(`PRAGMA ${pragma}`).get() ?? {})[0])
    return number('page_count') * number('page_size')
  } finally {
    db.close()
  }
}
