import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Plugin } from 'rolldown'

const RECORD = 'chunks.json'

/**
 * Keeps the chunks of this build and of the one before, and removes older ones. A daemon that still runs while its directory is
 * upgraded may yet load a chunk for the first time, and has to find its own.
 */
export function keepTwoBuilds(): Plugin {
  return {
    name: 'keep-two-builds',
    writeBundle({ dir = 'dist' }, bundle) {
      const record = join(dir, RECORD)
      const now = Object.keys(bundle).toSorted()
      const before = namesIn(record)
      const isSame = now.length === before.length && now.every((name, i) => name === before[i])
      // Building the same again says nothing about which build runs.
      if (isSame) return
      const kept = new Set([...now, ...before])
      for (const name of readdirSync(join(dir, 'chunks'))) if (!kept.has(`chunks/${name}`)) rmSync(join(dir, 'chunks', name))
      writeFileSync(record, `${JSON.stringify(now)}\n`)
    },
  }
}

function namesIn(record: string): readonly string[] {
  try {
    return JSON.parse(readFileSync(record, 'utf8')) as string[]
  } catch {
    return []
  }
}
