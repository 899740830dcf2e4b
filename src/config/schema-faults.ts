import type * as z from 'zod'
import { bounded, type Fault, keyText, oneLine, pathText } from './fault.ts'
import { withFound } from './found.ts'
import { type KeyHome, keyHomes } from './key-homes.ts'
import { nearest } from './nearest.ts'
import { isSecretKey, keyBeforeValue, maySpillSecret } from './secret.ts'
import { isMapping, type Path, type Tree, valueAt } from './tree.ts'
import { NEEDS_UNIT, QUOTE_ACCOUNT } from './values.ts'

const MAX_SHOWN = 80
/** Keys whose value is text, but a number to YAML if it consists of digits. */
const TEXT = /\.(?:name|password|user|externalId|sessionName|profile|impact)$/

type Issue = z.core.$ZodIssue

/** What is being described: one file, and where its keys belong. */
type Context = Readonly<{ tree: Tree; home: KeyHome }>

/** The issues that zod found, as faults with their places: one for each path, and one for each unknown key. */
export function schemaFaults(issues: readonly Issue[], tree: Tree, home: KeyHome = keyHomes(null)): readonly Fault[] {
  const seen = new Set<string>()
  return unknownKeysFirst(issues)
    .flatMap((issue) => faultsOf(issue, [], { tree, home }))
    .filter((fault) => {
      const key = `${fault.path} ${fault.line}`
      return !seen.has(key) && seen.add(key)
    })
}

/** A misspelt key says more than that the right one is missing. */
function unknownKeysFirst(issues: readonly Issue[]): readonly Issue[] {
  return issues.toSorted((a, b) => Number(b.code === 'unrecognized_keys') - Number(a.code === 'unrecognized_keys'))
}

function faultsOf(issue: Issue, parent: Path, context: Context): readonly Fault[] {
  const { tree } = context
  const path = [...parent, ...issue.path.map((key) => (typeof key === 'symbol' ? String(key) : key))]
  if (isBroken(path, tree)) return []
  if (issue.code === 'unrecognized_keys')
    return unknownKeys(issue.keys, { parent: path, known: issue.message.split(' ') }, context)
  if (issue.code === 'invalid_key') {
    const expected = issue.issues[0]?.message.replace(/^expected /, '') ?? 'another name'
    return [tree.fault(path, `expected ${expected}`, 'key')]
  }
  const form = issue.code === 'invalid_union' ? formOf(issue.errors, valueAt(path, tree.root)) : undefined
  if (form !== undefined) return unknownKeysFirst(form).flatMap((inner) => faultsOf(inner, path, context))
  return [valueFault(issue, path, tree)]
}

/** The value, or one that contains it, has a reference that could not be resolved. That is a fault already. */
function isBroken(path: Path, tree: Tree): boolean {
  return path.some((_, index) => tree.entryAt(path.slice(0, index + 1))?.broken === true)
}

/** The errors of the form that was meant: that of a mapping for a mapping, that of a list for a list. */
function formOf(forms: readonly (readonly Issue[])[], value: unknown): readonly Issue[] | undefined {
  const isWithin = isMapping(value) ? isWithinMapping : Array.isArray(value) ? isWithinList : null
  return isWithin === null ? undefined : forms.find((errors) => errors.every(isWithin))
}

function isWithinMapping({ path, code }: Issue): boolean {
  return path.length > 0 || code === 'unrecognized_keys'
}

function isWithinList({ path, code }: Issue): boolean {
  return path.length > 0 || code === 'too_small' || code === 'too_big'
}

function valueFault(issue: Issue, path: Path, tree: Tree): Fault {
  const entry = tree.entryAt(path)
  if (entry === undefined) return tree.fault(path, `required: ${issue.message}`)
  if (issue.message === QUOTE_ACCOUNT) return tree.fault(path, unquotedAccount(entry.written ?? ''))
  if (issue.message === NEEDS_UNIT) {
    const meant = entry.referred ? '30s' : `${entry.written ?? '30'}s`
    return tree.fault(path, `a duration needs a unit; did you mean \`${meant}\`?`)
  }
  // A hint that quotes the value must not quote what a reference resolved to.
  const detail = issue.code === 'custom' && !entry.referred ? issue.params?.['detail'] : undefined
  const message = entry.referred ? issue.message.replace(/; did you mean .*$/, '') : issue.message
  if (issue.code === 'custom' && issue.params?.['at'] === 'key') return tree.fault(path, message, 'key')
  const isUnquoted = TEXT.test(pathText(path)) && typeof valueAt(path, tree.root) === 'number'
  const parts = [
    withFound(message, path, tree),
    typeof detail === 'string' ? ` (${detail})` : '',
    isUnquoted ? '; put it in quotes' : '',
  ]
  return tree.fault(path, parts.join(''))
}

/** An account id without quotes is a number to YAML, which may lose leading zeros. */
function unquotedAccount(written: string): string {
  if (!/^\d{1,12}$/.test(written)) return `expected twelve digits in quotes, found \`${bounded(oneLine(written), MAX_SHOWN)}\``
  const lost = written.length < 12 ? ` (found ${written.length} digits: leading zeros may have been lost)` : ''
  return `put the account id in quotes: "${written.padStart(12, '0')}"${lost}`
}

/** A mapping with unknown keys. */
type Mapping = Readonly<{ parent: Path; known: readonly string[] }>

function unknownKeys(keys: readonly string[], mapping: Mapping, context: Context): readonly Fault[] {
  const firstSecret = firstSecretIn(mapping.parent, context.tree)
  return keys.map((key) => unknownKey(key, { ...mapping, firstSecret }, context))
}

/** Where in the file the first secret of a mapping is. Its keys as JavaScript has them are in another order: numbers come first. */
function firstSecretIn(parent: Path, tree: Tree): number {
  const keys = Object.keys(valueAt(parent, tree.root) ?? {}).filter((key) => isSecretKey(parent, key))
  return Math.min(...keys.map((key) => tree.entryAt([...parent, key])?.key ?? Number.POSITIVE_INFINITY))
}

function unknownKey(
  key: string,
  { parent, known, firstSecret }: Mapping & Readonly<{ firstSecret: number }>,
  { tree, home }: Context,
): Fault {
  const path = [...parent, key]
  const before = keyBeforeValue(key)
  if (before !== null)
    return { ...tree.fault(path, `there is no space after \`${before}:\``, 'key'), path: pathText([...parent, before]) }
  const meant = nearest(key, known)
  const shownPath = parent.length === 0 ? keyText(key) : `${pathText(parent)}.${keyText(key)}`
  const faultAtKey = (message: string): Fault => ({ ...tree.fault(path, message, 'key'), path: shownPath })
  if (meant !== null) return faultAtKey(`unknown key; did you mean \`${meant}\`?`)
  const entry = tree.entryAt(path)
  const isAlone = entry?.written === ''
  const isFlow = tree.entryAt(parent)?.isFlow === true
  const isAfterSecret = (entry?.key ?? Number.POSITIVE_INFINITY) > firstSecret
  if (maySpillSecret(parent, { key, isAfterSecret, isFlow, isAlone })) {
    const hint = isFlow ? `; put ${isAlone ? 'a colon after a key, and ' : ''}a value with a comma in quotes` : ''
    const message = `unknown key, not shown because it may be part of a secret; expected ${namesText(known)}${hint}`
    return { ...tree.fault(path, message, 'key'), path: pathText(parent) }
  }
  if (key === '<<') return faultAtKey('merge keys are not supported: an alias replaces a whole value')
  const belongs = home(key, parent)
  return faultAtKey(`unknown key; ${belongs === null ? `expected ${namesText(known)}` : `it belongs ${belongs}`}`)
}

function namesText(names: readonly string[]): string {
  return names.map((name) => `\`${name}\``).join(', ')
}
