import { constants, statfsSync } from 'node:fs'
import { access, mkdir, open, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { placeOf } from '../adapters/sqlite/place.ts'
import { draftName } from '../adapters/whole-file.ts'
import type { Config } from '../config/config.ts'
import { type Finding, failed, passed } from './finding.ts'

const MIN_FREE_BYTES = 100 * 1024 * 1024

/** Writes and syncs a file beside the database, and looks at the free space. */
export async function diskCheck({ storage: { path } }: Config): Promise<Finding> {
  const directory = dirname(path)
  const what = `disk at ${directory}`
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 })
    await access(directory, constants.W_OK)
    if (placeOf(path).kind === 'file') await access(path, constants.R_OK | constants.W_OK)
    const ms = await syncMs(draftName(join(directory, '.alibi-check')))
    const { bavail, bsize } = statfsSync(directory)
    const free = bavail * bsize
    const detail = `written and synced in ${ms.toFixed(1)} ms, ${Math.round(free / 1024 / 1024)} MiB free`
    if (free >= MIN_FREE_BYTES) return passed(what, detail)
    return failed(what, detail, 'free some space: on a full disk Alibi cannot save which emails it has to send')
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    return failed(what, why, 'make storage.path and its directory writable for the user that runs Alibi')
  }
}

async function syncMs(path: string): Promise<number> {
  const began = performance.now()
  const file = await open(path, 'wx', 0o600)
  try {
    await file.write('alibi')
    await file.sync()
  } finally {
    await file.close()
    await rm(path, { force: true })
  }
  return performance.now() - began
}
