import type { Config } from '../config/config.ts'
import type { Signals } from '../daemon/daemon.ts'
import { type Equipment, type Host, Sessions } from '../daemon/session.ts'
import type { Log } from '../ports/log.ts'
import { StoreError } from '../ports/store.ts'
import { type DaemonStorage, OverError } from './daemon-storage.ts'

/** After the state could not be loaded. */
const AGAIN_AFTER_MS = 1_000

export type Terms<E extends Equipment> = Readonly<{
  /** `reload`: reads the configuration again while another machine leads; `false` if this one does. */
  host: Host<E> & Readonly<{ reload(): boolean }>
  storage: Pick<DaemonStorage, 'term' | 'isShared' | 'clock'>
  log: Pick<Log, 'error'>
  signals: Signals
  hangups: HeldBack
  /** The last good one. */
  config: () => Config
}>

/** Sessions for as long as this machine may decide; where that can be lost, again whenever it may. @throws {HeldError | StoreError} */
export async function terms<E extends Equipment>({ host, storage, log, signals, hangups, config }: Terms<E>): Promise<void> {
  do {
    const sessions = new Sessions(host, storage.term(signals))
    hangups.release(() => host.reload() || sessions.reload())
    try {
      await sessions.run(config(), config)
    } catch (cause) {
      if (cause instanceof OverError) return
      if (!storage.isShared || !(cause instanceof StoreError) || cause.fatal) throw cause
      log.error('failed to lead', { cause, next: 'another machine may, or this one again' })
      await storage.clock.sleep(AGAIN_AFTER_MS, signals.stop)
    }
  } while (storage.isShared && !signals.stop.aborted)
}

/** What happens before anybody can deal with it: then it is dealt with as soon as somebody can. */
export class HeldBack {
  private isPending = false
  private handle: (() => void) | null = null

  happen(): void {
    if (this.handle === null) this.isPending = true
    else this.handle()
  }

  release(handle: () => void): void {
    this.handle = handle
    if (this.isPending) handle()
    this.isPending = false
  }
}
