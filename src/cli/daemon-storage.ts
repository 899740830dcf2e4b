import type { Config } from '../config/config.ts'
import type { Signals } from '../daemon/daemon.ts'
import type { Members } from '../ports/fleet.ts'
import type { Mailer } from '../ports/mailer.ts'
import type { Prober } from '../ports/prober.ts'
import type { Reader, Store } from '../ports/store.ts'
import type { Clock } from '../ports/time.ts'

/** Where the daemon keeps its state: a file of this machine, or a database that several machines share. */
export type DaemonStorage = AsyncDisposable &
  Readonly<{
    /** What is stored is dated by it. */
    clock: Clock
    /** Where it is, as shown to users. */
    place: string
    /**
     * Takes the right to be the only one who decides; waits, or rejects, while another daemon has it.
     * @throws {OverError} when it is asked to stop meanwhile
     */
    lock: (config: Config) => Promise<Disposable>
    /** @throws {StoreError} */
    openStore: (config: Config) => Promise<Store>
    /** Reads what the one who decides has stored, also while that is another machine; `null` before the store is open. */
    reader: () => Reader | null
    /** Writes what an operator orders, for the one who decides to find; `null` where that is always this machine. */
    beside: () => Store | null
    /** Whether that right can be lost, and taken again, while the process runs. */
    isShared: boolean
    /** The signals for as long as the right lasts that is taken next. */
    term: (signals: Signals) => Signals
    /** Makes each run on the machine whose turn it is. */
    dealt: (prober: Prober, monitors: Config['monitors']) => Prober
    /** Makes the runs that the one who decides asks of this machine, until it is disposed of. */
    serve: (prober: Prober, config: Config) => AsyncDisposable
    /** The machines that share it, for the emails; none where it is of this machine alone. */
    machines: () => readonly string[]
    /** Looked at before each call of a probe: whether it is still this machine's to make. */
    mayCall: () => boolean
    /** Sends nothing when the right may be gone: another machine may send the same. */
    guarded: (mailer: Mailer) => Mailer
    /** Who shares it; `null` where it is of this machine alone. @throws {StoreError} */
    members: () => Promise<Members | null>
  }>

/** The daemon was asked to stop while it waited for its turn. */
export class OverError extends Error {
  override readonly name = 'OverError'
}
