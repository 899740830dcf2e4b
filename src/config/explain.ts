import type * as z from 'zod'
import type { Path, Tree } from './document.ts'
import { bounded, type Fault, keyText, oneLine, pathText } from './fault.ts'
import { nearest } from './nearest.ts'
import { ConfigSchema, NEEDS_UNIT, QUOTE_ACCOUNT } from './schema.ts'
import { holdsSecret, isSecretPlace, keyBeforeValue } from './secret.ts'

const MAX_SHOWN = 80
/** Plain text that YAML takes for a number when it is made of digits. */
const TEXT = /\.(?:name|password|user|externalId|sessionName|profile|impact)$/
/** The one thing of a secret that is shown: whence it comes. */
const REFERENCE_ONLY = /^\$\{(?:file:[^}]*|[^}:]*)\}$/

/** A piece of a secret, perhaps: a comma in a value that has no quotes ends it, and what follows is taken for a key. */
function hiddenKey(here: Path, known: readonly string[], tree: Tree): Fault {
  const isAlone = tree.entryAt(here)?.written === ''
  const way = isAlone ? '; a value with a comma stands in quotes' : ''
  const message = `unknown key, which is not shown; expected ${known.map((name) => `\`${name}\``).join(', ')}${way}`
  return { ...tree.fault(here, message, 'key'), path: pathText(here.slice(0, -1)) }
}

/** Where a key belongs that does not belong at this path: `in \`policy\``, `at the top of the file`; `null` for nowhere that is known. */
export type Home = (key: string, path: Path) => string | null

/** What zod found, as faults at their places: one for each path, unknown keys apart. */
export function explain(issues: readonly z.core.$ZodIssue[], tree: Tree, home: Home = homeIn(null)): readonly Fault[] {
  const seen = new Set<string>()
  return unknownFirst(issues)
    .flatMap((issue) => explainOne(issue, [], tree, home))
    .filter((fault) => {
      const key = `${fault.path} ${fault.line}`
      return !seen.has(key) && seen.add(key)
    })
}

/** That a key is written wrongly says more than that it is missing, which follows from it. */
function unknownFirst(issues: readonly z.core.$ZodIssue[]): readonly z.core.$ZodIssue[] {
  return issues.toSorted((a, b) => Number(b.code === 'unrecognized_keys') - Number(a.code === 'unrecognized_keys'))
}

/** An address without what stands behind its question mark. */
function withoutQuery(word: string): string {
  const query = word.includes('//') ? word.indexOf('?', word.indexOf('//')) : -1
  return query === -1 ? word : `${word.slice(0, query)}?***`
}

/** What was found at a path: as written, bounded, on one line; secrets are only said to be there. */
function found(path: Path, tree: Tree): string {
  const entry = tree.entryAt(path)
  if (entry === undefined) return ''
  if (entry.written === null) return `${Array.isArray(valueAt(path, tree.root)) ? 'a list' : 'a mapping'}`
  if (entry.written === '') return 'nothing'
  const isSecret = isSecretPlace(path) && typeof valueAt(path, tree.root) !== 'boolean'
  if (isSecret && !REFERENCE_ONLY.test(entry.written)) return 'a value that is not shown'
  const shown = bounded(oneLine(entry.written.replace(/\/\/[^/@\s]*@/g, '//***@')), MAX_SHOWN)
  return `\`${shown.split(' ').map(withoutQuery).join(' ')}\``
}

function explainOne(issue: z.core.$ZodIssue, before: Path, tree: Tree, home: Home): readonly Fault[] {
  const path = [...before, ...issue.path.map((key) => (typeof key === 'symbol' ? String(key) : key))]
  // Of a value that could not be resolved it was already said why.
  for (let length = path.length; length > 0; length--) if (tree.entryAt(path.slice(0, length))?.broken) return []
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => unknownKey(key, path, issue.message.split(' '), tree, home))
  if (issue.code === 'invalid_key')
    return [tree.fault(path, `expected ${issue.issues[0]?.message.replace(/^expected /, '') ?? 'another name'}`, 'key')]
  if (issue.code === 'invalid_union') {
    // A mapping is judged by the form that is a mapping, a list by the one that is a list, and all else by the sentence that names every form.
    const value = valueAt(path, tree.root)
    const isWithin = isMapping(value) ? isWithinMapping : Array.isArray(value) ? isWithinList : null
    const form = isWithin === null ? undefined : issue.errors.find((errors) => errors.every(isWithin))
    if (form !== undefined) return unknownFirst(form).flatMap((inner) => explainOne(inner, path, tree, home))
  }
  const entry = tree.entryAt(path)
  if (entry === undefined) return [tree.fault(path, `required: ${issue.message}`)]
  if (issue.message === QUOTE_ACCOUNT) return [tree.fault(path, quoteAccount(entry.written ?? ''))]
  if (issue.message === NEEDS_UNIT) {
    const meant = entry.referred ? '30s' : `${entry.written ?? '30'}s`
    return [tree.fault(path, `a duration needs its unit; did you mean \`${meant}\`?`)]
  }
  // A hint that quotes the value is left out when the value came from elsewhere.
  const detail = issue.code === 'custom' && !entry.referred ? issue.params?.['detail'] : undefined
  const hint = typeof detail === 'string' ? ` (${detail})` : ''
  const message = entry.referred ? issue.message.replace(/; did you mean .*$/, '') : issue.message
  const isText = TEXT.test(pathText(path)) && typeof valueAt(path, tree.root) === 'number'
  if (issue.code === 'custom' && issue.params?.['at'] === 'key') return [tree.fault(path, message, 'key')]
  return [tree.fault(path, `${withFound(message, path, tree)}${hint}${isText ? '; put it in quotes' : ''}`)]
}

/** What was expected, then what was found, then a way out; or what was found, and what is wrong with it. */
export function withFound(message: string, path: Path, tree: Tree): string {
  const shown = found(path, tree)
  if (shown === '') return message
  if (!message.startsWith('expected ')) return shown.startsWith('`') ? `${shown}: ${message}` : message
  const split = message.indexOf('; ')
  return split === -1 ? `${message}, found ${shown}` : `${message.slice(0, split)}, found ${shown}${message.slice(split)}`
}

function isWithinMapping(issue: z.core.$ZodIssue): boolean {
  return issue.path.length > 0 || issue.code === 'unrecognized_keys'
}

function isWithinList(issue: z.core.$ZodIssue): boolean {
  return issue.path.length > 0 || issue.code === 'too_small' || issue.code === 'too_big'
}

function isMapping(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function quoteAccount(written: string): string {
  const digits = /^\d{1,12}$/.test(written) ? written.padStart(12, '0') : null
  if (digits === null) return `expected twelve digits in quotes, found \`${bounded(oneLine(written), MAX_SHOWN)}\``
  const lost = written.length < 12 ? ` (found ${written.length} digits: zeros at the front may have been lost)` : ''
  return `an account is text: quote it: "${digits}"${lost}`
}

function unknownKey(key: string, path: Path, known: readonly string[], tree: Tree, home: Home): Fault {
  const here = [...path, key]
  const before = keyBeforeValue(key)
  if (before !== null)
    return { ...tree.fault(here, `a space is missing after \`${before}:\``, 'key'), path: pathText([...path, before]) }
  const meant = nearest(key, known)
  if (meant === null && holdsSecret(path)) return hiddenKey(here, known, tree)
  if (meant !== null) {
    const fault = tree.fault(here, `unknown key; did you mean \`${meant}\`?`, 'key')
    return { ...fault, path: path.length === 0 ? fault.path : `${pathText(path)}.${keyText(key)}` }
  }
  if (key === '<<') return tree.fault(here, 'merging is not read: an alias stands for a whole value', 'key')
  const belongs = home(key, path)
  const where = belongs === null ? `expected ${known.map((name) => `\`${name}\``).join(', ')}` : `it belongs ${belongs}`
  return tree.fault(here, `unknown key; ${where}`, 'key')
}

/** The homes of the configuration's keys, where all of it stands beneath this key of another file; `null`: where it is the file. */
export function homeIn(outer: string | null): Home {
  return (key) => {
    const section = sections().get(key)
    if (section === undefined) return null
    if (outer === null) return section === '' ? 'at the top of the file' : `in \`${section}\``
    return `in \`${[outer, section].filter((part) => part !== '').join('.')}\``
  }
}

/** Keys that stand in one section only, with that section; those at the top with the empty one. */
function sections(): ReadonlyMap<string, string> {
  known ??= sectionsOf()
  return known
}

let known: ReadonlyMap<string, string> | undefined

function sectionsOf(): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  const several = new Set<string>()
  for (const [section, shape] of Object.entries(ConfigSchema.shape)) {
    if (section !== 'recipients') found.set(section, '')
    for (const key of keysOf(shape)) {
      if (found.has(key)) several.add(key)
      found.set(key, section === 'monitors' ? 'monitors[]' : section)
    }
  }
  for (const key of several) found.delete(key)
  return found
}

function keysOf(schema: unknown): readonly string[] {
  const def = (schema as { def?: { shape?: object; innerType?: unknown; element?: unknown; options?: readonly unknown[] } }).def
  if (def?.shape !== undefined) return Object.keys(def.shape)
  if (def?.options !== undefined) return def.options.flatMap(keysOf)
  const inner = def?.innerType ?? def?.element
  return inner === undefined ? [] : keysOf(inner)
}

export function valueAt(path: Path, root: unknown): unknown {
  let value = root
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined
    value = (value as Record<string | number, unknown>)[key]
  }
  return value
}
