import type { Config } from '../config/config.ts'
import { endpointOverrides } from '../config/endpoints.ts'
import { takeAnswer } from '../daemon/answers.ts'
import { guardedStore } from '../daemon/guarded.ts'
import type { Log } from '../ports/log.ts'
import type { Store } from '../ports/store.ts'
import type { Metrics } from '../web/metrics.ts'
import { type Health, startWeb } from '../web/server.ts'
import type { Wired } from '../wire.ts'
import type { DaemonStorage } from './daemon-storage.ts'
import { StandbyView } from './standby-view.ts'

export type StandbyDeps = Readonly<{
  storage: DaemonStorage
  log: Log
  metrics: Metrics
  wired: (config: Config) => Wired
  health: () => Promise<Health>
}>

/**
 * What a machine does while another one leads: it makes the runs that it is asked for, shows what the leader has stored, and takes
 * answers to emails. A changed configuration restarts it.
 */
export class Standby implements AsyncDisposable {
  private readonly deps: StandbyDeps
  private held = new AsyncDisposableStack()
  private changing: Promise<void> = Promise.resolve()

  constructor(deps: StandbyDeps) {
    this.deps = deps
  }

  /** Goes by this configuration from now on. */
  change(config: Config): Promise<void> {
    this.changing = this.changing.then(async () => {
      await this.held.disposeAsync()
      this.held = new AsyncDisposableStack()
      await this.begin(config)
    })
    return this.changing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.changing.catch(() => {}) // Whoever changed it has heard of it.
    await this.held.disposeAsync()
  }

  private async begin(config: Config): Promise<void> {
    const { storage, wired } = this.deps
    const page = await this.serve(config)
    this.held.defer(() => page?.close())
    this.held.use(storage.serve(this.held.use(wired(config)).prober, config))
  }

  private async serve(config: Config) {
    const { storage, log, metrics, health } = this.deps
    const reader = storage.reader()
    if (reader === null) return null
    const shown = new StandbyView(reader, storage.clock, config)
    await shown.look().catch(() => {}) // `/healthz` says so.
    if (config.web === null) return null
    const { token, url } = config.web
    const beside = storage.beside()
    return startWeb({
      listen: config.web,
      log,
      reader,
      clock: storage.clock,
      metrics,
      ...(token === null || url === null || beside === null ? {} : { answers: { token, take: this.takerOf(beside) } }),
      health,
      view: () => shown.view(endpointOverrides(config)),
    })
  }

  /** The leader finds within seconds what others write. */
  private takerOf(beside: Store) {
    const store = guardedStore(beside)
    const { clock } = this.deps.storage
    return (answer: Parameters<typeof takeAnswer>[0]) => takeAnswer(answer, { store, clock, reread: async () => {} })
  }
}
