import { type Config, subjectStyle } from '../config/config.ts'
import type { DaemonDeps } from '../daemon/daemon.ts'
import type { Carried } from '../daemon/session.ts'
import { ACCOUNT_REGION } from '../domain/policy.ts'
import { credentialsKey, type Monitor, type Partition } from '../domain/probe.ts'
import { renderEmail } from '../email/render.ts'
import type { Log } from '../ports/log.ts'
import { type Store, StoreError } from '../ports/store.ts'
import { type Calls, virtualDashboard, virtualHealthApi, virtualProber } from './aws.ts'
import { virtualTicker } from './clock.ts'
import { errorText } from './error-text.ts'
import type { Life } from './life.ts'
import { virtualMailer } from './mail-server.ts'
import type { Surroundings } from './process.ts'
import type { Timeline } from './timeline.ts'
import { virtualQueue } from './virtual-queue.ts'
import type { World } from './world.ts'

/** Which session of which process it is for. */
export type Occasion = Readonly<{
  life: Life
  /** Where its calls are counted. */
  calls: Calls
  config: Config
  carried: Carried
  /** AWS as this process sees it; as it is, if left out. */
  aws?: World
  /** Looked at before each call of a probe; left out where it always may. */
  mayCall?: () => boolean
}>

/** The virtual ports of a session: AWS, a mail server, time, and the emails that it writes. */
export function equipmentOf(
  around: Surroundings,
  { life, calls, config, carried, aws = around.world, mayCall }: Occasion,
): DaemonDeps {
  const { world, random01, ran, took, version } = around
  const partitions = [...new Set(config.monitors.map((monitor) => monitor.partition))]
  const sourcesOf = (partition: Partition) => ({
    api: virtualHealthApi(aws, config, partition, life),
    dashboard: virtualDashboard(aws, config, partition, life),
  })
  const { fallback } = config.mail
  return {
    ...carried,
    clock: life,
    ticker: virtualTicker(life, random01),
    prober: virtualProber(aws, { config, life, random01, ran, calls, ...(mayCall && { mayCall }) }),
    mailer: virtualMailer(world, { life, state: () => world.smtp, accepted: took }),
    // The second mail server is always up: what a scenario says of `smtp` it says of the first.
    fallback: fallback && {
      mailer: virtualMailer(world, { life, state: () => 'up', accepted: took }),
      afterMs: fallback.afterMs,
    },
    log: logOf(around.timeline),
    sources: new Map(partitions.map((partition) => [partition, sourcesOf(partition)])),
    queue: virtualQueue(aws, config, life),
    random01,
    newId: () => newId(random01),
    owners: (probe, monitor) => (probe.account === 'self' ? [`self@${credentialsKey(monitor.credentials)}`] : [probe.account]),
    sender: (monitor) => sender(monitor, version),
    overrides: [],
    letter: (notification, delivery) => renderEmail(notification, delivery, subjectStyle(config, notification.recipient)),
  }
}

/** The store in memory, on a disk that may be full. Its decisions go into the story as they are committed. */
export function observed(
  store: Store,
  { world, timeline, history, clock }: Pick<Surroundings, 'world' | 'timeline' | 'history' | 'clock'>,
): Store {
  const written = <T>(write: () => Promise<T>): Promise<T> =>
    world.diskFull ? Promise.reject(new StoreError('database or disk is full', { fatal: false })) : write()
  return {
    ...store,
    commit: (change) =>
      written(async () => {
        await store.commit(change)
        for (const row of change.ledger) timeline.decision(row)
        for (const incident of change.incidents) history.became(incident, clock.elapsed())
      }),
    settle: (changes, ledger, added) =>
      written(async () => {
        await store.settle(changes, ledger, added)
        // The mail server has already said that an email was delivered.
        for (const row of ledger) if (row.decision !== 'delivered') timeline.decision(row)
      }),
    keepQueue: (record, events, forgotten) => written(() => store.keepQueue(record, events, forgotten)),
    alive: (at) => written(() => store.alive(at)),
    sweep: (before, limit) => written(() => store.sweep(before, limit)),
    checkpoint: () => written(() => store.checkpoint()),
  }
}

/** Runs, decisions and emails enter the story where they happen: of the log only what somebody should look at. */
export function logOf(timeline: Pick<Timeline, 'log'>): Log {
  const tell = (message: string, fields: Record<string, unknown> = {}) => {
    const details = ['why', 'error', 'cause', 'next'].flatMap((key) =>
      fields[key] === undefined ? [] : [errorText(fields[key])],
    )
    timeline.log([message, ...details].join(': '))
  }
  return { error: tell, warn: tell, info() {}, debug() {} }
}

export function newId(random01: () => number): string {
  return Array.from({ length: 16 }, () => Math.floor(random01() * 16).toString(16)).join('')
}

function sender(monitor: Monitor | null, version: string) {
  const region = ACCOUNT_REGION[monitor?.partition ?? 'aws']
  return {
    version,
    host: 'the simulator',
    sdk: 'simulated',
    endpoint: `https://account.${region}.amazonaws.com`,
    signingRegion: region,
    caller: null,
    callers: [],
  }
}
