import { systemClock } from '../adapters/clock.ts'
import type { createLog } from '../adapters/log.ts'
import { tighten } from '../adapters/modes.ts'
import { openSentRecord, recordedMailer, type SentRecord, sentRecordPath } from '../adapters/sent-record.ts'
import { lock } from '../adapters/sqlite/lock.ts'
import { filesOf } from '../adapters/sqlite/place.ts'
import { openStore } from '../adapters/sqlite/store.ts'
import { printAs } from '../adapters/standard-streams.ts'
import { createTicker } from '../adapters/ticker.ts'
import type { Config } from '../config/config.ts'
import { formatFaults } from '../config/fault.ts'
import { loadConfig } from '../config/file.ts'
import type { Carried, Cause, Equipment, Host, Page, Reread, Session } from '../daemon/session.ts'
import { setupOf } from '../domain/setup.ts'
import type { Organization } from '../ports/organization.ts'
import type { Store } from '../ports/store.ts'
import type { Metrics } from '../web/metrics.ts'
import { startWeb } from '../web/server.ts'
import { organizationOf, type Wired, wire } from '../wire.ts'
import { openDirectories } from './exposure.ts'
import type { ConfigOptions, Io } from './io.ts'
import { savedSecrets } from './pm2.ts'
import { VERSION } from './version.ts'

const IDENTITIES_EVERY_MS = 60_000

export type RunLog = ReturnType<typeof createLog>

type Wiring = Equipment & Wired

type Given = Readonly<{ options: ConfigOptions; io: Io; log: RunLog; metrics: Metrics }>

/** What the real process gives its sessions: SQLite, AWS, SMTP, the status page, and the configuration on disk. */
export class DaemonHost implements Host<Wiring> {
  readonly clock = systemClock
  readonly random01 = Math.random
  readonly log: RunLog
  private readonly given: Given
  private store: Store | null = null
  /** What was delivered: it outlives the database. */
  private sent: SentRecord | null = null

  constructor(given: Given) {
    this.given = given
    this.log = given.log
  }

  /** @throws {HeldError} if another daemon runs on this database */
  async lock({ storage }: Config): Promise<Disposable> {
    const held = lock(storage.path)
    return { [Symbol.dispose]: () => held.release() }
  }

  async openStore(config: Config): Promise<Store> {
    const { log, given } = this
    const { path } = config.storage
    const exposed = tighten(filesOf(path))
    if (exposed.length > 0) log.warn('other users could read or write the database', { files: exposed })
    for (const warning of [...openDirectories(config), ...savedSecrets(given.io.env, config.secrets)])
      log.warn('configuration', { warning })
    this.store = await openStore({ path, observe: given.metrics.observeStore })
    this.sent = await openSentRecord(sentRecordPath(path), (why) => {
      log.warn('failed to record deliveries beside the database', {
        why,
        next: 'after a restore from a backup, emails delivered since it was made may be sent again',
      })
    })
    return this.store
  }

  equip(config: Config, carried: Carried): Wiring {
    const { log, given, sent } = this
    const wired = wire(config, given.io.env, VERSION)
    for (const warning of config.warnings) log.warn('configuration', { warning })
    if (wired.network.length > 0) log.info('network', { network: wired.network })
    if (wired.overrides.length > 0) log.warn('endpoints are not AWS’s own', { overrides: wired.overrides })
    const { mailer, fallback } = wired
    const ending = new AbortController()
    const identify = () => void identified(wired, log, ending.signal)
    identify()
    const identifying = setInterval(identify, IDENTITIES_EVERY_MS)
    return {
      ...wired,
      ...carried,
      ticker: createTicker(log),
      log,
      meter: given.metrics.meter,
      mailer: sent === null ? mailer : recordedMailer(mailer, sent),
      fallback: sent === null || fallback === null ? fallback : { ...fallback, mailer: recordedMailer(fallback.mailer, sent) },
      async [Symbol.asyncDispose]() {
        clearInterval(identifying)
        ending.abort()
        await wired[Symbol.asyncDispose]()
      },
    }
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
    log.change(config.log, config.secrets)
    printAs({ json: config.log.format === 'json', secrets: config.secrets })
    return { ok: true, config }
  }

  async serve({ config, equipment }: Session<Wiring>, current: () => Session<Wiring>): Promise<Page | null> {
    const { log, given, store } = this
    if (config.web === null || store === null) return null
    const { token, url } = config.web
    return startWeb({
      listen: config.web,
      log,
      reader: store,
      clock: equipment.clock,
      metrics: given.metrics,
      ...(token === null || url === null ? {} : { answers: { token, take: (answer) => current().daemon.answer(answer) } }),
      health: async () => {
        const reasons = await current().daemon.selfCheck()
        return { ok: reasons.length === 0, reasons }
      },
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

  began({ config }: Session<Wiring>, cause: Cause): void {
    const { log } = this
    const { file, storage, monitors } = config
    switch (cause) {
      case 'start':
        log.info('ready', { version: VERSION, pid: process.pid, config: file, database: storage.path })
        process.send?.('ready')
        return
      case 'reload':
        log.info('configuration reloaded', { config: file, monitors: monitors.length })
        return
      case 'accounts':
        log.info('accounts changed', { probes: monitors.reduce((sum, { probes }) => sum + probes.length, 0) })
    }
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
    ['log.format', ({ log }) => log.format],
    ['log.file', ({ log }) => log.file],
    ['log.cloudwatch', ({ log }) => log.cloudwatch],
  ]
  const changed = keys.find(([, of]) => differs(of))
  return changed === undefined ? null : `${changed[0]} cannot change while Alibi runs: restart it`
}
