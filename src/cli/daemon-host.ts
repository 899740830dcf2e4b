import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { reduceMemory } from '../adapters/heap.ts'
import type { createLog } from '../adapters/log.ts'
import { openSentRecord, recordedMailer, type SentRecord, sentRecordPath } from '../adapters/sent-record.ts'
import { printAs } from '../adapters/standard-streams.ts'
import { createTicker } from '../adapters/ticker.ts'
import type { Config } from '../config/config.ts'
import { formatFaults } from '../config/fault.ts'
import { loadConfig } from '../config/file.ts'
import { SHARED_PACE } from '../daemon/probe-scheduler.ts'
import type { Carried, Cause, Equipment, Host, Page, Reread, Session } from '../daemon/session.ts'
import { setupOf } from '../domain/setup.ts'
import { messageOfThrown } from '../domain/thrown.ts'
import type { Members } from '../ports/fleet.ts'
import type { Mailer } from '../ports/mailer.ts'
import type { Organization } from '../ports/organization.ts'
import type { Store } from '../ports/store.ts'
import type { Clock } from '../ports/time.ts'
import type { Metrics } from '../web/metrics.ts'
import { type Health, startWeb } from '../web/server.ts'
import { organizationOf, type Wired, wire } from '../wire.ts'
import type { DaemonStorage } from './daemon-storage.ts'
import { openDirectories } from './exposure.ts'
import type { ConfigOptions, Io } from './io.ts'
import { savedSecrets } from './pm2.ts'
import { Standby } from './standby.ts'
import { VERSION } from './version.ts'

const IDENTITIES_EVERY_MS = 60_000

export type RunLog = ReturnType<typeof createLog>

type Wiring = Equipment & Wired

type Given = Readonly<{ options: ConfigOptions; io: Io; log: RunLog; metrics: Metrics; storage: DaemonStorage }>

/** A machine that does not lead by then is ready all the same. */
const READY_AFTER_MS = 1_500

/** By then everything is loaded, and what reading the configuration left behind is garbage: a quarter of the heap of a daemon at rest. */
const SETTLED_AFTER_MS = 5_000

/** Of a machine that stands by: it is healthy only while another one works. */
const NOBODY_LEADS = 'no machine leads: nothing is decided, and no email is sent'

/** What the real process gives its sessions: a store, AWS, SMTP, the status page, and the configuration on disk. */
export class DaemonHost implements Host<Wiring> {
  readonly random01 = Math.random
  readonly log: RunLog
  private readonly given: Given
  /** The last good configuration that was read since the start. */
  private latest: Config | null = null
  /** What was delivered: it outlives the database. */
  private sent: SentRecord | null = null
  private isReady = false
  /** `null` while this machine leads. */
  private standby: Readonly<{ standby: Standby; config: Config }> | null = null

  constructor(given: Given) {
    this.given = given
    this.log = given.log
  }

  get clock(): Clock {
    return this.given.storage.clock
  }

  /** What a session begins with that comes after others. */
  configAfter(first: Config): Config {
    return this.latest ?? first
  }

  /** @throws {HeldError} if another daemon runs on this database, and that is for good */
  async lock(config: Config): Promise<Disposable> {
    const { storage } = this.given
    const turn = storage.lock(config)
    const soon = await Promise.race([turn, new Promise<null>((resolve) => setTimeout(resolve, READY_AFTER_MS, null))])
    if (soon !== null || !storage.isShared) return soon ?? turn
    await using standby = new Standby({
      ...{ storage, log: this.log, metrics: this.given.metrics, wired: (one) => this.wired(one) },
      health: () => this.health(async ({ leader }) => (leader === null ? [NOBODY_LEADS] : [])),
    })
    this.standby = { standby, config }
    try {
      await standby.change(config)
      this.log.info('standing by: another machine leads', {})
      this.ready(config)
      return await turn
    } finally {
      this.standby = null
    }
  }

  /**
   * Reads the configuration again while another machine leads.
   * @returns `false` if this one does: then that is up to its sessions
   */
  reload(): boolean {
    if (this.standby === null) return false
    void this.change(this.standby).catch((cause) => this.log.error('failed to reload the configuration', { cause }))
    return true
  }

  private async change({ standby, config }: Readonly<{ standby: Standby; config: Config }>): Promise<void> {
    const read = await this.reread(config)
    if (!read.ok) {
      this.log.error('configuration on disk is faulty', { faults: read.faults, next: 'the previous one stays in force' })
      return
    }
    await standby.change(read.config)
    this.began({ config: read.config }, 'reload')
  }

  /** @param check why this machine does not do its work */
  private async health(check: (members: Pick<Members, 'leader'>) => Promise<readonly string[]>): Promise<Health> {
    try {
      const members = await this.given.storage.members()
      const reasons = await check(members ?? { leader: null })
      return { ok: reasons.length === 0, reasons, ...(members && { members }) }
    } catch (cause) {
      return { ok: false, reasons: [`the database cannot be read: ${messageOfThrown(cause)}`] }
    }
  }

  async openStore(config: Config): Promise<Store> {
    const { log, given } = this
    const store = await given.storage.openStore(config)
    for (const warning of [...openDirectories(config), ...savedSecrets(given.io.env, config.secrets)])
      log.warn('configuration', { warning })
    const path = sentRecordPath(config.storage.path)
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    this.sent = await openSentRecord(path, (why) => {
      log.warn('failed to record deliveries beside the database', {
        why,
        next: 'after a restore from a backup, emails delivered since it was made may be sent again',
      })
    })
    return store
  }

  equip(config: Config, carried: Carried): Wiring {
    const { log, given, sent } = this
    const { storage } = given
    const wired = this.wired(config)
    for (const warning of config.warnings) log.warn('configuration', { warning })
    if (wired.network.length > 0) log.info('network', { network: wired.network })
    if (wired.overrides.length > 0) log.warn('endpoints are not AWS’s own', { overrides: wired.overrides })
    const recorded = (mailer: Mailer) => (sent === null ? mailer : recordedMailer(mailer, sent))
    const { mailer, fallback } = wired
    const ending = new AbortController()
    const identify = () => void identified(wired, log, ending.signal)
    identify()
    const identifying = setInterval(identify, IDENTITIES_EVERY_MS)
    return {
      ...wired,
      ...carried,
      ...(storage.isShared && { pace: SHARED_PACE }),
      prober: storage.dealt(wired.prober, config.monitors),
      sender: (monitor) => {
        const machines = storage.machines()
        return { ...wired.sender(monitor), ...(machines.length > 1 && { machines }) }
      },
      ticker: createTicker(log),
      log,
      meter: given.metrics.meter,
      mailer: storage.guarded(recorded(mailer)),
      alarmMailer: recorded(mailer),
      fallback: fallback === null ? null : { ...fallback, mailer: storage.guarded(recorded(fallback.mailer)) },
      async [Symbol.asyncDispose]() {
        clearInterval(identifying)
        ending.abort()
        await wired[Symbol.asyncDispose]()
      },
    }
  }

  private wired(config: Config): Wired {
    const { storage, io } = this.given
    return wire(config, io.env, VERSION, { clock: storage.clock, mayCall: () => storage.mayCall() })
  }

  organization(config: Config): Organization & Disposable {
    return organizationOf(config, this.given.io.env)
  }

  async reread(inForce: Config): Promise<Reread> {
    const { options, io, log } = this.given
    const loaded = await loadConfig(options.config, io.env)
    if (!loaded.ok) return { ok: false, faults: formatFaults(loaded.faults, options.config) }
    const { config } = loaded
    const fault = unchangeable(config, inForce)
    if (fault !== null) return { ok: false, faults: fault }
    this.latest = config
    log.change(config.log, config.secrets)
    printAs({ json: config.log.format === 'json', secrets: config.secrets })
    return { ok: true, config }
  }

  async serve({ config, equipment }: Session<Wiring>, current: () => Session<Wiring>): Promise<Page | null> {
    const { log, given } = this
    const reader = given.storage.reader()
    if (config.web === null || reader === null) return null
    const { token, url } = config.web
    return startWeb({
      listen: config.web,
      log,
      reader,
      clock: equipment.clock,
      metrics: given.metrics,
      ...(token === null || url === null ? {} : { answers: { token, take: (answer) => current().daemon.answer(answer) } }),
      health: () => this.health(() => current().daemon.selfCheck()),
      view: () => {
        const { daemon, config: inForce, equipment: parts } = current()
        return {
          world: daemon.world(),
          setup: setupOf(inForce),
          readings: daemon.readings(),
          overrides: parts.overrides,
          digest: inForce.digest,
          version: VERSION,
        }
      },
    })
  }

  /** Of a machine that stands by there is no `equipment`: it loads a client when it is first asked for a call. */
  began({ config, equipment }: Pick<Session<Wiring>, 'config'> & Partial<Session<Wiring>>, cause: Cause): void {
    const { log } = this
    const { file, monitors } = config
    // Once we are ready, since it takes as long as half of the start.
    if (equipment !== undefined) setImmediate(() => void equipment.loadClients())
    switch (cause) {
      case 'start':
        this.ready(config)
        return
      case 'reload':
        log.info('configuration reloaded', { config: file, monitors: monitors.length })
        return
      case 'accounts':
        log.info('accounts changed', { probes: monitors.reduce((sum, { probes }) => sum + probes.length, 0) })
    }
  }

  /** Says once that this machine does its work, alone or beside others. */
  private ready({ file }: Config): void {
    if (this.isReady) return
    this.isReady = true
    this.log.info('ready', { version: VERSION, pid: process.pid, config: file, database: this.given.storage.place })
    process.send?.('ready')
    setTimeout(reduceMemory, SETTLED_AFTER_MS).unref()
  }
}

/** Logs who we are to AWS. Nobody waits for it. */
async function identified({ identities }: Wired, log: RunLog, signal: AbortSignal): Promise<void> {
  for (const { users, ...who } of await identities.refresh(signal)) {
    if ('why' in who) log.warn('identity of credentials is unknown', { monitors: users, why: who.why })
    else log.info('credentials', { monitors: users, account: who.account, arn: who.arn, from: who.origin })
  }
}

/** What a running daemon cannot take over. */
function unchangeable(config: Config, inForce: Config): string | null {
  const differs = (of: (one: Config) => unknown) => JSON.stringify(of(config)) !== JSON.stringify(of(inForce))
  const keys: readonly (readonly [string, (one: Config) => unknown])[] = [
    ['storage.path', ({ storage }) => storage.path],
    ['storage.postgres', ({ storage }) => storage.postgres],
    ['machine.name', ({ machine }) => machine.name],
    ['log.format', ({ log }) => log.format],
    ['log.file', ({ log }) => log.file],
    ['log.cloudwatch', ({ log }) => log.cloudwatch],
  ]
  const changed = keys.find(([, of]) => differs(of))
  return changed === undefined ? null : `${changed[0]} cannot change while Alibi runs: restart it`
}
