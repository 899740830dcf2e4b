import { visible } from '../domain/visible.ts'
import { mayBeSecret } from './secret.ts'

/** Something wrong with the configuration, where it can be corrected. */
export type Fault = Readonly<{
  /** From 1. A fault of the whole file, or of the environment, is at 1:1. */
  line: number
  column: number
  /** `monitors[0].schedule`; empty for the whole file. */
  path: string
  /** One line: what was expected, and what was found, as written in the file. Never a secret. */
  message: string
}>

/** Nobody reads more than this: the rest are counted. */
export const MAX_FAULTS = 200

const MAX_MESSAGE = 500

/** One line each: `config/alibi.yaml:7:5  monitors[0].schedul: unknown key; did you mean \`schedule\`?` */
export function formatFaults(faults: readonly Fault[], file: string): string {
  return faults
    .map(({ line, column, path, message }) => `${oneLine(file)}:${line}:${column}  ${path === '' ? '' : `${path}: `}${message}`)
    .join('\n')
}

/** A key for people: bounded, quoted unless it is a plain word, and with control characters made visible. */
export function keyText(key: string): string {
  return /^[\w-]{1,64}$/.test(key) ? key : visible(JSON.stringify(bounded(key, 64)))
}

/** A path of keys for people, without what may be a part of a secret. */
export function pathText(path: readonly (string | number)[]): string {
  let text = ''
  for (const [index, key] of path.entries()) {
    if (typeof key === 'number') text += `[${key}]`
    else {
      const shown = mayBeSecret(path.slice(0, index), key) ? '…' : keyText(key)
      text += text === '' ? shown : `.${shown}`
    }
  }
  return text
}

/** In the order of the file, each once, bounded in number and length, and without secrets. */
export function tidyFaults(faults: readonly Fault[], secrets: readonly string[]): readonly Fault[] {
  const seen = new Set<string>()
  const once = faults.filter(({ line, column, path, message }) => {
    const key = `${line}:${column}:${path}:${message}`
    return !seen.has(key) && seen.add(key)
  })
  once.sort((a, b) => a.line - b.line || a.column - b.column)
  // Only those that are shown are cleaned: there may be as many faults as the file has lines.
  const longestFirst = secrets.toSorted((a, b) => b.length - a.length)
  const clean = once.slice(0, MAX_FAULTS).map((fault) => ({
    ...fault,
    path: cleaned(fault.path, longestFirst),
    message: bounded(oneLine(cleaned(fault.message, longestFirst)), MAX_MESSAGE),
  }))
  const left = once.length - clean.length
  if (left === 0) return clean
  const last = clean.at(-1)
  return [...clean, { line: last?.line ?? 1, column: last?.column ?? 1, path: '', message: `and ${left} more faults` }]
}

/** A second safeguard: messages are made without secrets, but the text of a library may quote one. */
export function withoutSecrets(text: string, secrets: readonly string[]): string {
  return cleaned(
    text,
    secrets.toSorted((a, b) => b.length - a.length),
  )
}

function cleaned(text: string, longestFirst: readonly string[]): string {
  return longestFirst.reduce((left, secret) => (secret.length > left.length ? left : left.replaceAll(secret, '***')), text)
}

/** Replaces control characters, and separators that some programs take for the end of a line, by spaces. */
export function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ')
}

export function bounded(text: string, max: number): string {
  return text.length <= max ? text : `${text.slice(0, max - 1)}…`
}
