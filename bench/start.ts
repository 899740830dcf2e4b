import { join } from 'node:path'
import type { Bench } from './bench.ts'
import { startDaemonProcess } from './daemon.ts'
import { median } from './figure.ts'
import { DATABASE } from './probes.ts'

/** From the start of the process to "ready", on the configuration and the database that the probes left behind. */
export const start: Bench = async ({ size, directory, doors, say }) => {
  const took: number[] = []
  for (let i = 0; i < size.starts; i++) {
    await using daemon = await startDaemonProcess(join(directory, `${DATABASE}.yaml`), doors.endpoints)
    took.push(Math.round(daemon.readyMs))
    say(`start ${i + 1} of ${size.starts}: ${took.at(-1)} ms`)
    await daemon.stop()
  }
  return [
    {
      name: 'startMs',
      what: 'start until ready',
      value: median(took),
      unit: 'ms',
      atMost: 1_000,
      note: `${size.accounts.toLocaleString('en')} accounts, on a database with all of the probes above`,
    },
  ]
}
