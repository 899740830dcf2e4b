import * as fs from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { Logform } from 'winston'
import DailyRotateFile from 'winston-daily-rotate-file'
import type { Config } from '../config/config.ts'
import { isOurs } from './modes.ts'

type Wanted = NonNullable<Config['log']['file']>

export type LogFile = Readonly<{
  /** What winston writes to. */
  transport: DailyRotateFile
  /** Resolves when what was given to it is written, and no more files are left than are to be kept. */
  finish(): Promise<void>
}>

/** As `a`, but whoever has put a symbolic link in the file's place does not have us write to where it leads. */
const APPEND_HERE = fs.constants.O_APPEND | fs.constants.O_CREAT | fs.constants.O_WRONLY | fs.constants.O_NOFOLLOW

function auditFileOf(path: string): string {
  return `${path}.audit.json`
}

/** The log's files as they lie beside each other, of today and of days before. */
export function filesOf(path: string): readonly string[] {
  const directory = dirname(path)
  try {
    const names = fs.readdirSync(directory).filter((name) => name.startsWith(`${basename(path)}.`))
    return names.map((name) => join(directory, name))
  } catch {
    return [] // No directory yet.
  }
}

/** A rotated file whose failures, events or exceptions, go to `failed` and nowhere else. */
export function openLogFile(wanted: Wanted, format: Logform.Format, failed: (error: unknown) => void): LogFile {
  fs.mkdirSync(dirname(wanted.path), { recursive: true, mode: 0o700 })
  const auditFile = auditFileOf(wanted.path)
  const audit = fs.lstatSync(auditFile, { throwIfNoEntry: false })
  // It names files that are deleted when they are too many.
  if (audit !== undefined && !(audit.isFile() && isOurs(audit.uid))) throw new Error(`${auditFile} is no file of ours`)
  let told = false
  const once = (error: unknown) => {
    if (told) return
    told = true
    setImmediate(() => failed(error)) // Not from within the write that failed: winston is in the middle of it.
  }
  let current = ''
  const opening = countedOpens(() => keepNewest(wanted, current))
  const transport = new DailyRotateFile({
    dirname: dirname(wanted.path),
    filename: `${basename(wanted.path)}.%DATE%`,
    datePattern: 'YYYY-MM-DD',
    utc: true,
    maxSize: wanted.maxSizeBytes,
    maxFiles: wanted.keep,
    auditFile,
    auditHashType: 'sha256',
    createSymlink: true,
    symlinkName: basename(wanted.path),
    options: { flags: APPEND_HERE, mode: 0o600, fs: opening.fs },
    eol: '\n',
    format,
  })
  transport.on('new', (file: string) => {
    current = basename(file)
  })
  const write = transport.log?.bind(transport)
  transport.log = (info, next) => {
    try {
      write?.(info, () => {})
    } catch (error) {
      once(error)
    }
    next() // Always: a transport that does not answer stops the others.
  }
  transport.on('error', once)
  transport.logStream.on('error', once)
  return {
    transport,
    async finish() {
      await new Promise<void>((resolve) => void transport.logStream.end(() => resolve()))
      await opening.done()
    },
  }
}

/** Node's own `fs` for write streams, which says each time that no file is still being opened. */
function countedOpens(settled: () => void) {
  let count = 0
  let waiting: (() => void)[] = []
  const ended = () => {
    count--
    if (count > 0) return
    settled()
    for (const done of waiting) done()
    waiting = []
  }
  return {
    fs: {
      ...fs,
      open(path: string, flags: number, mode: number, opened: (error: NodeJS.ErrnoException | null, descriptor: number) => void) {
        count++
        fs.open(path, flags, mode, (error, descriptor) => {
          ended()
          opened(error, descriptor)
        })
      },
    },
    done: (): Promise<void> => (count === 0 ? Promise.resolve() : new Promise((resolve) => void waiting.push(resolve))),
  }
}

/**
 * Removes what is more than `keep`, oldest first. The library does so itself, but forgets for ever what it could not remove
 * because it was not opened yet: in a burst that is every file but the last ones.
 */
function keepNewest({ path, keep }: Wanted, current: string): void {
  const prefix = `${basename(path)}.`
  try {
    const rotated = filesOf(path).flatMap((file) => {
      const [, day = '', count = '0'] = /^(\d{4}-\d\d-\d\d)(?:\.(\d+))?$/.exec(basename(file).slice(prefix.length)) ?? []
      const stat = fs.lstatSync(file, { throwIfNoEntry: false })
      if (day === '' || basename(file) === current || stat?.isFile() !== true || !isOurs(stat.uid)) return []
      // Of those that were written in one second their count says which is newer; it starts again if the list of them was lost.
      return [{ file, second: Math.floor(stat.mtimeMs / 1_000), day, count: Number(count) }]
    })
    rotated.sort((a, b) => b.second - a.second || b.day.localeCompare(a.day) || b.count - a.count)
    for (const { file } of rotated.slice(keep - 1)) fs.rmSync(file, { force: true })
  } catch {
    // The next rotation tries again.
  }
}
