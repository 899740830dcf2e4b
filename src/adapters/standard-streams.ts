import { isOwnLine, jsonLine, type Level, logRecord } from './log-record.ts'
import { createRedaction, type Redaction } from './redaction.ts'

/** How everything that is printed is to look. */
export type PrintedAs = Readonly<{ json: boolean; secrets: readonly string[] }>

type Write = typeof process.stdout.write

/** What one write may become; a library that prints more than that prints a file. */
const MAX_LINES_OF_A_WRITE = 100

let settle: ((as: PrintedAs) => void) | null = null
let lastWords: ((text: string) => void) | null = null

/**
 * Makes one rule hold for everything that the process prints: the log, what libraries write to the console, Node's warnings,
 * and our own last words. Until `printAs` says what the rule is, it is held back; a process that ends before prints it as it is.
 */
export function holdOutput(): void {
  const nodesOwn = process.listeners('warning')
  process.removeAllListeners('warning')
  let rule: { json: boolean; redaction: Redaction } | null = null
  const waiting: (() => void)[] = []

  const outlets = (
    [
      [process.stdout, 'info'],
      [process.stderr, 'warn'],
    ] as const
  ).map(([stream, level]) => {
    const write = stream.write.bind(stream)
    const print = (as: Level, given: Parameters<Write>): boolean => {
      if (rule === null) return waiting.push(() => void print(as, given)) > 0
      const [chunk, ...rest] = given
      const text = !rule.json ? '' : typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString()
      if (text === '' || isOwnLine(text)) return write(chunk, ...(rest as []))
      return write(recordsOf(text, as, rule.redaction), rest.findLast((one) => typeof one === 'function') as never)
    }
    stream.write = ((...given: Parameters<Write>) => print(level, given)) as Write
    return print
  })
  process.on('warning', (warning) => {
    const warn = () => {
      if (rule?.json !== true) for (const listener of nodesOwn) listener(warning)
      else process.stderr.write(`${warning.name}: ${warning.message}\n`)
    }
    if (rule === null) waiting.push(warn)
    else warn()
  })
  lastWords = (text) => void outlets[1]?.('error', [`${text}\n`])
  settle = ({ json, secrets }) => {
    rule = { json, redaction: createRedaction(secrets) }
    for (const print of waiting.splice(0)) print()
  }
  process.on('exit', () => {
    if (rule === null) settle?.({ json: false, secrets: [] })
  })
}

/** Says how what is printed is to look, from the first line on. May be called again: a changed configuration has other secrets. */
export function printAs(as: PrintedAs): void {
  settle?.(as)
}

/** Prints to standard error what the process ends with. */
export function printError(text: string): void {
  if (lastWords === null) process.stderr.write(`${text}\n`)
  else lastWords(text)
}

/** A record for each line that holds something. */
function recordsOf(text: string, level: Level, redaction: Redaction): string {
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  return lines
    .slice(0, MAX_LINES_OF_A_WRITE)
    .map((line) => `${jsonLine(logRecord({ at: Date.now(), level, message: line, fields: undefined }, redaction))}\n`)
    .join('')
}
