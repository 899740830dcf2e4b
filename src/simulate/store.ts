import type { Incident, Member } from '../domain/incident.ts'
import { summaryOf } from '../domain/incident-summary.ts'
import type { LedgerRow } from '../domain/ledger.ts'
import type { Stamp } from '../domain/moment.ts'
import type { Owed } from '../domain/notification.ts'
import type { HealthEvent, HealthReading } from '../domain/outage.ts'
import { incidentPatterns } from '../domain/patterns.ts'
import { HOUR_MS } from '../domain/probe.ts'
import type { KeptEvent } from '../domain/queue-message.ts'
import type { QueueRecord } from '../domain/queue-record.ts'
import { type Ack, endOfSilence, rebaseSilence, type Silence } from '../domain/silence.ts'
import type { Connectivity, ProbeState, SelfAlert } from '../domain/state.ts'
import type { HourSum, KeptReading, Store, StoredOutcome } from '../ports/store.ts'
import { StoreError } from '../ports/store.ts'

/** What outlives a process. Hand the same one to a second store, and it is the daemon started again. */
export type Disk = {
  incidents: Map<string, Incident>
  probes: Map<string, ProbeState>
  selfAlerts: Map<string, SelfAlert>
  connectivity: Connectivity | null
  lastAlive: Stamp | null
  ledger: LedgerRow[]
  /** By id and address. */
  mails: Map<string, Owed>
  /** By the hour of their begin, then by probe and begin: a week of minutes is swept and shown without a look at each. */
  runs: Map<number, Map<string, StoredOutcome>>
  /** By probe and hour. */
  hours: Map<string, HourSum>
  /** By id. */
  silences: Map<string, Silence>
  /** By incident. */
  acks: Map<string, Ack>
  /** Oldest first. */
  readings: KeptReading[]
  memos: Map<string, string>
  /** What is kept of the health queue, its events by ARN. */
  queue: { record: QueueRecord; events: Map<string, KeptEvent> } | null
}

export function newDisk(): Disk {
  return {
    incidents: new Map(),
    probes: new Map(),
    selfAlerts: new Map(),
    connectivity: null,
    lastAlive: null,
    ledger: [],
    mails: new Map(),
    runs: new Map(),
    hours: new Map(),
    silences: new Map(),
    acks: new Map(),
    readings: [],
    memos: new Map(),
    queue: null,
  }
}

export type MemoryStore = Store & {
  readonly disk: Disk
  /** The next call fails with this error and changes nothing; several are used up one after the other. */
  failNext(error: StoreError): void
  /** Every call fails until told `null`: a full disk. */
  failAll(error: StoreError | null): void
}

const NEW: Omit<Owed, 'notification' | 'address' | 'nextAt'> = {
  state: 'due',
  attempts: 0,
  error: null,
  uncertain: false,
  noSession: false,
  deliveredAt: null,
  reply: null,
  wording: null,
}
const keyOf = (id: string, address: string) => `${id} ${address}`
const PENDING: ReadonlySet<Owed['state']> = new Set(['due', 'retrying', 'sending'])

/**
 * A store in memory that keeps copies, as a disk does: what is changed after a commit was not committed. What it hands out is
 * what it keeps: nobody changes what they have read, and a copy for each look would be half the time of a long story.
 */
export function memoryStore(disk: Disk = newDisk()): MemoryStore {
  const failures: StoreError[] = []
  let broken: StoreError | null = null
  let closed = false
  /** A verb writes through the same store here: nobody has to look. */
  const watching = new Set<() => void>()
  /** The copies of members: of a thousand a run changes one. */
  const members = new WeakMap<Member, Member>()
  const copyMember = (member: Member): Member => {
    const known = members.get(member) ?? copy(member)
    members.set(member, known)
    return known
  }

  /** Every call goes through here: async like the real one, and failing like it. */
  async function call<T>(work: () => T): Promise<T> {
    if (closed) throw new StoreError('the store is closed', { fatal: false })
    const failure = failures.shift() ?? broken
    if (failure !== null && failure !== undefined) throw failure
    return work()
  }

  const addLedger = (rows: readonly LedgerRow[]) => void disk.ledger.push(...copy(rows))
  const addMails = (mails: readonly Owed['notification'][]) => {
    for (const notification of copy(mails)) {
      const { id, to, createdAt } = notification
      if ([...disk.mails.values()].some((owed) => owed.notification.id === id)) continue
      for (const address of to) disk.mails.set(keyOf(id, address), { ...NEW, notification, address, nextAt: createdAt })
    }
  }
  /** The wording is that of the whole notification. */
  const word = (id: string, wording: Owed['wording']) => {
    for (const [key, owed] of disk.mails) if (owed.notification.id === id) disk.mails.set(key, { ...owed, wording })
  }
  const mails = (wanted: (owed: Owed) => boolean) => [...disk.mails.values()].filter(wanted).sort(byBirth)
  const runsFrom = (since: number) => [...disk.runs].flatMap(([hour, runs]) => (hour + HOUR_MS > since ? [...runs.values()] : []))

  return {
    disk,
    failNext: (error) => void failures.push(error),
    failAll: (error) => {
      broken = error
    },

    commit: (change) =>
      call(() => {
        for (const { members: all, ...header } of change.incidents)
          disk.incidents.set(header.id, { ...copy(header), members: all.map(copyMember) })
        for (const state of copy(change.probes)) disk.probes.set(state.probe, state)
        for (const key of change.selfAlerts.cleared) disk.selfAlerts.delete(key)
        for (const selfAlert of copy(change.selfAlerts.set)) disk.selfAlerts.set(selfAlert.key, selfAlert)
        if (change.connectivity !== null) disk.connectivity = copy(change.connectivity)
        addLedger(change.ledger)
        addMails(change.notifications)
        for (const stored of copy(change.outcomes)) {
          const { probe, startedAt } = stored.outcome
          const hour = hourOf(startedAt)
          const runs = disk.runs.get(hour) ?? new Map<string, StoredOutcome>()
          const key = `${probe} ${startedAt}`
          runs.set(key, { outcome: stored.outcome, incident: stored.incident ?? runs.get(key)?.incident ?? null })
          disk.runs.set(hour, runs)
        }
        for (const reading of copy(change.readings)) keepReading(disk.readings, reading)
        if (change.redate === undefined) return
        for (const [id, by] of change.redate.silences) {
          const silence = disk.silences.get(id)
          if (silence !== undefined) disk.silences.set(id, rebaseSilence(silence, by))
        }
        for (const [incident, by] of change.redate.acks) {
          const ack = disk.acks.get(incident)
          if (ack !== undefined) disk.acks.set(incident, { ...ack, at: ack.at + by })
        }
        disk.lastAlive = copy(change.redate.alive)
      }),

    settle: (changes, ledger, added = []) =>
      call(() => {
        const isAdded = (id: string, address: string) => added.some((one) => one.id === id && one.to.includes(address))
        const unknown = changes.find(({ id, address }) => !disk.mails.has(keyOf(id, address)) && !isAdded(id, address))
        if (unknown !== undefined) throw new StoreError(`no mail ${unknown.id} is owed to ${unknown.address}`, { fatal: false })
        addMails(added)
        for (const { id, address, ...change } of copy(changes)) {
          const owed = disk.mails.get(keyOf(id, address))
          if (owed !== undefined) disk.mails.set(keyOf(id, address), { ...owed, ...change })
          if (change.wording !== undefined) word(id, change.wording)
        }
        addLedger(ledger)
      }),

    addSilence: (silence) =>
      call(() => {
        if (!disk.silences.has(silence.id)) disk.silences.set(silence.id, copy(silence))
        for (const tell of watching) tell()
      }),
    endSilence: (id, at) =>
      call(() => {
        const silence = disk.silences.get(id)
        if (silence === undefined || silence.endedAt !== null || silence.until <= at) return false
        disk.silences.set(id, { ...silence, endedAt: at })
        for (const tell of watching) tell()
        return true
      }),
    silences: (endedSince) =>
      call(() =>
        [...disk.silences.values()]
          .filter((silence) => endOfSilence(silence) >= endedSince)
          .sort((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1)),
      ),
    remember: (key, value) => call(() => void disk.memos.set(key, value)),
    recall: (key) => call(() => disk.memos.get(key) ?? null),
    keepQueue: (record, events, forgotten) =>
      call(() => {
        const known = disk.queue?.record.url === record.url ? disk.queue.events : new Map<string, KeptEvent>()
        for (const kept of copy(events)) known.set(kept.event.arn, kept)
        for (const arn of forgotten) known.delete(arn)
        disk.queue = { record: copy(record), events: known }
      }),
    queue: (url) =>
      call(() => {
        if (disk.queue?.record.url !== url) return null
        const events = [...disk.queue.events.values()].sort((a, b) => (a.event.arn < b.event.arn ? -1 : 1))
        return copy({ record: disk.queue.record, events })
      }),
    addAck: (ack) =>
      call(() => {
        disk.acks.set(ack.incident, copy(ack))
        for (const tell of watching) tell()
      }),
    acks: () =>
      call(() =>
        [...disk.acks.values()]
          .filter((ack) => (disk.incidents.get(ack.incident)?.state ?? 'closed') !== 'closed')
          .sort((a, b) => a.at - b.at),
      ),
    watch: (changed, signal) => {
      watching.add(changed)
      signal.addEventListener('abort', () => watching.delete(changed), { once: true })
    },

    alive: (stamp) =>
      call(() => {
        disk.lastAlive = copy(stamp)
      }),

    owed: (limit) =>
      call(() => {
        const threads = Map.groupBy(
          mails((owed) => PENDING.has(owed.state)),
          (owed) => `${owed.notification.thread} ${owed.address}`,
        )
        return [...threads.values()]
          .flatMap((thread) =>
            thread.sort((a, b) => a.notification.seq - b.notification.seq).map((owed, rank) => ({ owed, rank })),
          )
          .sort((a, b) => a.rank - b.rank || a.owed.nextAt - b.owed.nextAt || byBirth(a.owed, b.owed))
          .slice(0, limit)
          .map(({ owed }) => owed)
      }),

    sweep: (before, limit) =>
      call(() => {
        const oldRuns: [string, StoredOutcome][] = []
        for (const [hour, kept] of disk.runs) {
          if (hour >= before.runs) continue
          for (const run of kept) if (run[1].incident === null && run[1].outcome.startedAt < before.runs) oldRuns.push(run)
        }
        const runs = oldRuns.slice(0, limit)
        for (const [key, { outcome }] of runs) {
          const hour = hourOf(outcome.startedAt)
          const at = `${outcome.probe} ${hour}`
          const was = disk.hours.get(at) ?? { probe: outcome.probe, hour, ok: 0, failed: 0, inconclusive: 0, sumMs: 0, maxMs: 0 }
          const ms = outcome.endedAt - outcome.startedAt
          const sum = { ...was, sumMs: was.sumMs + ms, maxMs: Math.max(was.maxMs, ms) }
          disk.hours.set(at, { ...sum, [outcome.result]: was[outcome.result] + 1 })
          const left = disk.runs.get(hour)
          left?.delete(key)
          if (left?.size === 0) disk.runs.delete(hour)
        }
        const oldHours = [...disk.hours].filter(([, sum]) => sum.hour < before.hours)
        const hours = oldHours.slice(0, limit - runs.length)
        for (const [key] of hours) disk.hours.delete(key)
        disk.readings = disk.readings.filter((kept) => kept.until >= before.hours)
        return oldRuns.length - runs.length + oldHours.length - hours.length
      }),

    checkpoint: () => call(() => {}),
    close: async () => {
      closed = true
    },

    load: (closedSince) =>
      call(() => ({
        probes: [...disk.probes.values()],
        incidents: [...disk.incidents.values()].filter(
          (i) => i.state !== 'closed' || (i.closedAt !== null && i.closedAt >= closedSince),
        ),
        selfAlerts: [...disk.selfAlerts.values()],
        connectivity: disk.connectivity,
        lastAlive: disk.lastAlive,
      })),
    incidents: (limit, only) =>
      call(() =>
        newestFirst(disk)
          .filter(({ state }) => only === undefined || state === only)
          .slice(0, limit)
          .map(summaryOf),
      ),
    patterns: (limit) => call(() => newestFirst(disk).slice(0, limit).map(incidentPatterns)),
    incident: (id) => call(() => disk.incidents.get(id) ?? null),
    ledger: (filter, limit) =>
      call(() =>
        disk.ledger
          .filter(
            (row) => (filter.incident === undefined || row.incident === filter.incident) && row.at >= (filter.since ?? row.at),
          )
          .sort((a, b) => a.at - b.at)
          .slice(...(filter.incident === undefined ? [0, limit] : [-limit])),
      ),
    strip: (probe, since) =>
      call(() =>
        runsFrom(since)
          .filter(({ outcome }) => outcome.probe === probe && outcome.startedAt >= since)
          .sort(byBegin)
          .map(({ outcome }) => ({ at: outcome.startedAt, ms: outcome.endedAt - outcome.startedAt, mark: outcome.result })),
      ),
    runs: (incident, limit) =>
      call(() =>
        runsFrom(0)
          .filter((run) => run.incident === incident)
          .sort(byBegin)
          .slice(-limit)
          .map((run) => run.outcome),
      ),
    counts: (incident) =>
      call(() => ({
        ledger: disk.ledger.filter((row) => row.incident === incident).length,
        runs: runsFrom(0).filter((run) => run.incident === incident).length,
      })),
    hours: (probe, since) =>
      call(() =>
        [...disk.hours.values()]
          .filter((sum) => sum.probe === probe && sum.hour + HOUR_MS > since)
          .sort((a, b) => a.hour - b.hour),
      ),
    outbox: () =>
      call(() => {
        const open = mails((owed) => PENDING.has(owed.state) || owed.state === 'refused')
        const ids = new Set(open.map((owed) => owed.notification.id))
        return mails((owed) => ids.has(owed.notification.id))
      }),
    mails: (incident) => call(() => mails((owed) => owed.notification.incident === incident)),
    readingAt: (partition, at) =>
      call(() => disk.readings.findLast((kept) => kept.reading.partition === partition && kept.since <= at) ?? null),
    readings: (partition, from, to, limit) =>
      call(() =>
        disk.readings
          .filter((kept) => kept.reading.partition === partition && kept.until >= from && kept.since <= to)
          .slice(0, limit),
      ),
    eventHistory: (arn, limit) =>
      call(() => {
        const forms = new Map<string, { seenAt: number; event: HealthEvent }>()
        for (const { since, reading } of disk.readings) {
          for (const event of reading.events) {
            const form = JSON.stringify(event)
            if (event.arn === arn && !forms.has(form)) forms.set(form, { seenAt: since, event })
          }
        }
        return [...forms.values()].slice(0, limit)
      }),
    deliveredSince: (since) =>
      call(() =>
        mails((owed) => owed.deliveredAt !== null && owed.deliveredAt >= since)
          .sort((a, b) => (a.deliveredAt ?? 0) - (b.deliveredAt ?? 0))
          .map((owed) => ({ address: owed.address, at: owed.deliveredAt ?? 0 })),
      ),
  }
}

function newestFirst(disk: Disk): readonly Incident[] {
  return [...disk.incidents.values()].sort((a, b) => b.openedAt - a.openedAt || (a.id < b.id ? 1 : -1))
}

/** Through JSON, as on disk: what does not survive that must not be relied upon. */
function copy<T>(value: T): T {
  return typeof value !== 'object' || value === null ? value : (JSON.parse(JSON.stringify(value)) as T)
}

/** One that says what the last one of its partition said prolongs it. */
function keepReading(kept: KeptReading[], reading: HealthReading): void {
  const at = kept.findLastIndex((one) => one.reading.partition === reading.partition)
  const last = kept[at]
  if (last !== undefined && saidBy(last.reading) === saidBy(reading))
    kept[at] = { ...last, until: Math.max(last.until, reading.at) }
  else kept.push({ since: reading.at, until: reading.at, reading })
}

function saidBy({ events, sources }: HealthReading): string {
  const states = Object.entries(sources).map(([source, { state, skipped, detail }]) => [source, state, skipped, detail])
  return JSON.stringify([events.map((event) => JSON.stringify(event)).toSorted(), states])
}

function hourOf(at: number): number {
  return Math.floor(at / HOUR_MS) * HOUR_MS
}

function byBirth(a: Owed, b: Owed): number {
  const [m, n] = [a.notification, b.notification]
  const place = (owed: Owed) => owed.notification.to.indexOf(owed.address)
  return m.createdAt - n.createdAt || m.seq - n.seq || (m.id === n.id ? place(a) - place(b) : m.id < n.id ? -1 : 1)
}

function byBegin(a: StoredOutcome, b: StoredOutcome): number {
  return a.outcome.startedAt - b.outcome.startedAt || (a.outcome.probe < b.outcome.probe ? -1 : 1)
}
