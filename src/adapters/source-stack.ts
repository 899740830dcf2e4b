import { readFileSync } from 'node:fs'
import { SourceMap, type SourceMapPayload } from 'node:module'
import { fileURLToPath } from 'node:url'
import { Memo } from '../domain/memo.ts'

/** A place in a file, as V8 writes it into a stack. */
const PLACE = /(file:\/\/[^\s():]+):(\d+):(\d+)/g

/** More chunks than a stack has places. */
const MAX_MAPS = 100

/**
 * Puts the places in the source into an error's stack, by the maps beside the bundle, and returns the error. A place of which there is no map
 * stays as it is. Maps are large and read each time: this is for errors that end the process.
 */
export function withSourceStack(error: unknown): unknown {
  if (!(error instanceof Error) || typeof error.stack !== 'string') return error
  const maps = new Memo<string, SourceMap | null>(MAX_MAPS)
  const placed = error.stack.replace(PLACE, (place, url: string, line: string, column: string) => {
    const entry = maps.of(url, () => readMap(url))?.findEntry(Number(line) - 1, Number(column) - 1)
    if (entry === undefined || !('originalSource' in entry)) return place
    const source = entry.originalSource.replace(/^(?:\.\.\/)+/, '')
    return `${source}:${entry.originalLine + 1}:${entry.originalColumn + 1}`
  })
  // Not by assignment: an error that somebody has frozen would throw another one.
  Reflect.set(error, 'stack', placed)
  return error
}

function readMap(url: string): SourceMap | null {
  try {
    return new SourceMap(JSON.parse(readFileSync(`${fileURLToPath(url)}.map`, 'utf8')) as SourceMapPayload)
  } catch {
    return null
  }
}
