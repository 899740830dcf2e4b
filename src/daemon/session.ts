import type { Config } from '../config/config.ts'
import { CONFIG_ALERT } from '../domain/self-alert.ts'
import type { Connectivity } from '../domain/state.ts'
import type { Log } from '../ports/log.ts'
import type { Organization } from '../ports/organization.ts'
import type { Store } from '../ports/store.ts'
import type { Clock } from '../ports/time.ts'
import { type Daemon, type DaemonDeps, type Signals, startDaemon } from './daemon.ts'
import { Membership } from './membership.ts'

/** What is in flight when a session ends may take this long. ecosystem.config.js gives pm2's kill_timeout more than this. */
export const GRACE_MS = 10_000

/** What a session uses under its configuration; disposed of when it has ended. */
export type Equipment = DaemonDeps & AsyncDisposable

/** What outlives a configuration and is handed to each session. */
export type Carried = Readonly<{
  store: Store
  /** What the session before knew of our own network; `null` for the first one, for a reload is no start. */
  connectivity: Connectivity | null
}>

/** The configuration as it is on disk; or, in one text, why it cannot be used. */
export type Reread = Readonly<{ ok: true; config: Config }> | Readonly<{ ok: false; faults: string }>

/** One daemon under one configuration. A changed configuration is another session on the same database. */
export type Session<E extends Equipment> = Readonly<{
  config: Config
  equipment: E
  daemon: Daemon
  /** Stops the daemon, with a grace for what is in flight. Resolves when everything is on disk and released. @throws {StoreError} */
  end: () => Promise<void>
}>

/** Why a session begins. */
export type Cause = 'start' | 'reload' | 'accounts'

/** The process that the sessions live in, real or simulated. */
export type Host<E extends Equipment> = Readonly<{
  clock: Clock
  log: Log
  random01: () => number
  /** Takes the right to be the only daemon on the configured database. Rejects, or waits, while another one has it. */
  lock: (config: Config) => Promise<Disposable>
  /** @throws {StoreError} */
  openStore: (config: Config) => Promise<Store>
  /** What it gives may be disposed of more than once. */
  equip: (config: Config, carried: Carried) => E
  /** Lists the organizations of this configuration; `null` if there is nobody to ask. */
  organization: (config: Config) => (Organization & Disposable) | null
  /** Reads the configuration again. @param inForce what a running daemon cannot change must be the same as there */
  reread: (inForce: Config) => Promise<Reread>
  /** Serves the status page of the session that runs at the time of each request; `null` if none is configured. */
  serve: (session: Session<E>, current: () => Session<E>) => Promise<Page | null>
  /** A session has begun, and monitors. */
  began: (session: Session<E>, cause: Cause) => void
}>

export type Page = Readonly<{ close: () => Promise<void> }>

/**
 * The life of a process, from its lock to its last write: one session after the other, each under the configuration of its time
 * (`config-change`). A faulty configuration on disk leaves the one before in force, and is reported once.
 */
export class Sessions<E extends Equipment> {
  private readonly host: Host<E>
  private readonly signals: Signals
  private session: Session<E> | null = null
  private page: Page | null = null
  private woken = Promise.withResolvers<void>()
  private isReloadDue = false
  private areAccountsStale = false

  constructor(host: Host<E>, signals: Signals) {
    this.host = host
    this.signals = signals
  }

  /** The configuration is to be read again. */
  reload(): void {
    this.isReloadDue = true
    this.woken.resolve()
  }

  /**
   * Runs until `stop`.
   * @param latest the configuration when the lock was got, which may have been waited for
   * @throws {StoreError} and whatever the lock throws
   */
  async run(given: Config, latest: () => Config = () => given): Promise<void> {
    using _lock = await this.host.lock(given)
    const first = latest()
    const store = await this.host.openStore(first)
    try {
      await this.runOn(store, first)
    } finally {
      await this.session?.end().catch(() => {}) // Reported already, by the log and by what ended the loop.
      await this.page?.close()
      await store.close()
    }
  }

  private async runOn(store: Store, first: Config): Promise<void> {
    let membership = await this.membershipOf(first, store)
    try {
      await this.begin(membership, store, 'start')
      for (let cause = await this.wait(); cause !== null; cause = await this.wait()) {
        const read = cause === 'reload' ? await this.reread() : null
        if (read !== null) {
          await membership.end()
          membership = await this.membershipOf(read, store)
          await this.begin(membership, store, 'reload')
        } else if (this.areAccountsStale) await this.begin(membership, store, 'accounts')
      }
    } finally {
      await membership.end()
    }
  }

  /** Waits for a reason to begin another session; `null`: the daemon has stopped. @throws {StoreError} */
  private async wait(): Promise<Exclude<Cause, 'start'> | null> {
    const stopped = this.current.daemon.done.then(() => true)
    const isOver = await Promise.race([this.woken.promise.then(() => false), stopped])
    if (isOver || this.signals.stop.aborted) {
      await stopped
      return null
    }
    this.woken = Promise.withResolvers()
    const cause = this.isReloadDue ? 'reload' : 'accounts'
    this.isReloadDue = false
    return cause
  }

  /** Ends the session before, and begins another one. */
  private async begin(membership: Membership, store: Store, cause: Cause): Promise<void> {
    const { host, session: before } = this
    this.areAccountsStale = false
    const config = membership.config()
    await before?.end()
    const session = await this.start(config, { store, connectivity: before?.daemon.world().connectivity ?? null })
    this.session = session
    membership.watch()
    // The file is good: a fault that was reported is over, and the next one is reported again.
    if (cause !== 'accounts' && session.daemon.world().selfAlerts.has(CONFIG_ALERT)) await this.alert(null)
    if (before === null || JSON.stringify(config.web) !== JSON.stringify(before.config.web)) {
      await this.page?.close()
      this.page = await host.serve(session, () => this.current)
    }
    host.began(session, cause)
  }

  private async start(config: Config, carried: Carried): Promise<Session<E>> {
    const { host, signals } = this
    const equipment = host.equip(config, carried)
    const [ending, killing, over] = [new AbortController(), new AbortController(), new AbortController()]
    whenAborted(signals.stop, over.signal, () => ending.abort())
    whenAborted(signals.kill, over.signal, () => killing.abort())
    whenAborted(ending.signal, over.signal, () => {
      void host.clock.sleep(GRACE_MS, over.signal).then(() => {
        if (!over.signal.aborted) killing.abort()
      })
    })
    try {
      const daemon = await startDaemon(equipment, config, { stop: ending.signal, kill: killing.signal })
      daemon.done.catch(() => {}).finally(() => over.abort()) // Whoever waits for it hears of it.
      return {
        config,
        equipment,
        daemon,
        async end() {
          ending.abort()
          try {
            await daemon.done
          } finally {
            await equipment[Symbol.asyncDispose]()
          }
        },
      }
    } catch (cause) {
      over.abort()
      await equipment[Symbol.asyncDispose]()
      throw cause
    }
  }

  /** The configuration on disk; `null` if it is faulty, which is reported once. */
  private async reread(): Promise<Config | null> {
    const { host } = this
    const read = await host.reread(this.current.config)
    if (read.ok) return read.config
    host.log.error('configuration on disk is faulty', { faults: read.faults, next: 'the previous one stays in force' })
    await this.alert(`The configuration on disk is faulty, and the old one stays in force: ${read.faults}`)
    return null
  }

  private async alert(text: string | null): Promise<void> {
    try {
      await this.current.daemon.selfAlert(CONFIG_ALERT, text)
    } catch (cause) {
      const what = text === null ? 'failed to clear the config-error notice' : 'failed to report the faulty configuration'
      this.host.log.warn(what, { cause, next: 'the next reload tries again' })
    }
  }

  private async membershipOf(config: Config, store: Store): Promise<Membership> {
    const { host } = this
    const { clock, log, random01 } = host
    const membership = new Membership({
      ...{ config, store, clock, log, random01 },
      organization: host.organization(config),
      selfAlert: (key, text) => this.current.daemon.selfAlert(key, text),
      changed: () => {
        this.areAccountsStale = true
        this.woken.resolve()
      },
    })
    await membership.open()
    return membership
  }

  private get current(): Session<E> {
    if (this.session === null) throw new Error('no session has begun')
    return this.session
  }
}

/** Calls back once the signal has aborted, at once if it has already; not after `over`. */
function whenAborted(signal: AbortSignal, over: AbortSignal, run: () => void): void {
  if (signal.aborted) run()
  else signal.addEventListener('abort', run, { once: true, signal: over })
}
