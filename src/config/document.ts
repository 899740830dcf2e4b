import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  Lexer,
  LineCounter,
  type ParsedNode,
  parseDocument,
  Scalar,
  visit,
  type YAMLError,
} from 'yaml'
import { type Fault, pathText } from './fault.ts'
import { filesIn, resolve, type Sources } from './reference.ts'

/** Far above what a configuration of 20000 probes needs; aliases count each time they are used. */
const MAX_NODES = 100_000
/** Words, signs, spaces and line ends as the lexer cuts them: more than a file of this size holds that somebody wrote, and the parser has less than a second's work with them. */
export const MAX_LEXEMES = 150_000
const MAX_ALIASES = 1000
/** The deepest key of the configuration stands at seven. */
const MAX_DEPTH = 16
const MAX_SYNTAX_FAULTS = 10

export type Path = readonly (string | number)[]

/** Where a value stands, and how it is written. */
type Entry = Readonly<{
  key: number | null
  value: number
  /** A scalar as written, with its `${…}`; `null` for a mapping or a list. */
  written: string | null
  /** The scalar holds a `${…}` that was resolved or could not be. */
  referred: boolean
  /** It could not be resolved: nothing more is to be said about it. */
  broken: boolean
}>

/** A value that came from outside the file. */
type Drawn = Readonly<{ path: Path; from: 'env' | 'file'; name: string; value: string }>

/** The YAML document as plain values without prototypes, with the place of each. */
export type Tree = Readonly<{
  root: unknown
  entryAt(path: Path): Entry | undefined
  /** A fault at a value, or at its key; of what is not there, at the nearest mapping that is. */
  fault(path: Path, message: string, at?: 'key' | 'value'): Fault
  drawn: readonly Drawn[]
}>

export type Parsed = Readonly<{
  /** `null` when the text is no YAML at all: then the faults say why. */
  tree: Tree | null
  faults: readonly Fault[]
}>

/** Paths of all secret files that a text refers to; empty when it is no YAML. */
export function filesReferred({ document }: Yaml): readonly string[] {
  const paths = new Set<string>()
  visit(document, {
    Scalar: (_, node) => {
      if (typeof node.value === 'string') for (const path of filesIn(node.value)) paths.add(path)
    },
  })
  return [...paths]
}

/** @param known the keys at the top: one of them without a value says as much as none; any other is a fault, value or not */
export function parseTree({ text, document, lines, isTooMany }: Yaml, sources: Sources, known: readonly string[]): Parsed {
  if (isTooMany)
    return {
      tree: null,
      faults: [{ line: 1, column: 1, path: '', message: 'it holds too many words, signs and line ends' }],
    }
  const place = (offset: number) => {
    const { line, col } = lines.linePos(offset)
    return { line: Math.max(1, line), column: Math.max(1, col) }
  }
  const faults: Fault[] = []
  const broken = document.errors
  // One slip makes the parser stumble over all that follows on its line.
  const stumbles = new Map(broken.toReversed().map((error) => [place(error.pos[0]).line, error]))
  for (const error of [...stumbles.values()].toReversed().slice(0, MAX_SYNTAX_FAULTS)) {
    faults.push({ ...place(error.pos[0]), path: '', message: syntaxMessage(error, lineOf(text, error.pos[0])) })
  }
  for (const warning of document.warnings.slice(0, MAX_SYNTAX_FAULTS)) {
    faults.push({ ...place(warning.pos[0]), path: '', message: syntaxMessage(warning, '') })
  }
  if (document.directives?.yaml.explicit === true && document.directives.yaml.version !== '1.2') {
    faults.push({ line: 1, column: 1, path: '', message: 'only YAML 1.2 is read: leave out the %YAML line' })
  }
  if (broken.length > 0) return { tree: null, faults }
  const contents = document.contents
  if (contents === null || (isScalar(contents) && contents.value === null)) {
    return {
      tree: null,
      faults: [{ line: 1, column: 1, path: '', message: 'the file is empty: it needs at least `mail.from` and a recipient' }],
    }
  }
  if (!isMap(contents)) {
    faults.push({
      ...place(contents.range[0]),
      path: '',
      message: 'expected a mapping of keys such as `recipients:` and `mail:`',
    })
    return { tree: null, faults }
  }

  const entries = new Map<string, Entry>()
  const drawn: Drawn[] = []
  const anchors = new Map<string, ParsedNode>()
  let nodes = 0
  let aliases = 0

  /** Builds the plain value. Throws a fault where going on could take for ever: an alias bomb, a list within itself. */
  const walk = (given: ParsedNode | null, path: Path, keyOffset: number | null, parentOffset: number): unknown => {
    let node = given
    if (isAlias(node)) {
      const at = place(node.range?.[0] ?? parentOffset)
      if (++aliases > MAX_ALIASES)
        throw new Stop({ ...at, path: pathText(path), message: `more than ${MAX_ALIASES} aliases, each use counted` })
      const target = anchors.get(node.source)
      if (target === undefined) {
        faults.push({ ...at, path: pathText(path), message: 'an alias of an anchor that is not defined above it' })
        entries.set(keyOf(path), {
          key: keyOffset,
          value: node.range?.[0] ?? parentOffset,
          written: null,
          referred: true,
          broken: true,
        })
        return null
      }
      node = target
    } else if (node !== null && 'anchor' in node && typeof node.anchor === 'string') anchors.set(node.anchor, node)
    const value = node?.range?.[0] ?? keyOffset ?? parentOffset
    if (++nodes > MAX_NODES) {
      throw new Stop({
        ...place(value),
        path: pathText(path),
        message: `more than ${MAX_NODES} values, those of aliases counted each time`,
      })
    }
    if (path.length > MAX_DEPTH) {
      throw new Stop({ ...place(value), path: pathText(path.slice(0, 4)), message: `nested more than ${MAX_DEPTH} deep` })
    }
    const enter = (written: string | null, referred: boolean, isBroken: boolean) =>
      entries.set(keyOf(path), { key: keyOffset, value, written, referred, broken: isBroken })

    if (isMap(node)) {
      enter(null, false, false)
      const out: Record<string, unknown> = Object.create(null)
      const empty = new Set<string>()
      for (const pair of node.items) {
        const name = isScalar(pair.key) ? String(pair.key.value) : ''
        const offset = pair.key?.range?.[0] ?? value
        if (Object.hasOwn(out, name) || empty.has(name)) {
          faults.push({ ...place(offset), path: '', message: 'this key stands here twice' })
        }
        if (!isScalar(pair.key) || name === '__proto__') {
          faults.push({ ...place(offset), path: pathText(path), message: 'this cannot be a key' })
          continue
        }
        // A key whose lines are all commented out says as much as none at all.
        const isEmpty = isScalar(pair.value) && pair.value.value === null && pair.value.source === ''
        if (path.length === 0 && isEmpty && known.includes(name)) {
          empty.add(name)
          continue
        }
        out[name] = walk(pair.value as ParsedNode | null, [...path, name], offset, value)
      }
      return out
    }
    if (isSeq(node)) {
      enter(null, false, false)
      return node.items.map((item, index) => walk(item as ParsedNode | null, [...path, index], null, value))
    }
    if (!(node instanceof Scalar)) {
      enter('', false, false)
      return null
    }
    const written = node.source ?? String(node.value)
    if (typeof node.value !== 'string') {
      enter(written, false, false)
      return node.value
    }
    const resolved = resolve(node.value, sources)
    for (const { from, name, value: text } of resolved.values) drawn.push({ path, from, name, value: text })
    for (const message of resolved.faults) faults.push({ ...place(value), path: pathText(path), message })
    enter(written, resolved.referred, resolved.faults.length > 0)
    return resolved.text
  }

  let root: unknown
  try {
    root = walk(contents, [], null, 0)
  } catch (error) {
    if (!(error instanceof Stop)) throw error
    return { tree: null, faults: [...faults, error.fault] }
  }
  const entryAt = (path: Path) => entries.get(keyOf(path))
  const fault = (path: Path, message: string, at: 'key' | 'value' = 'value'): Fault => {
    for (let length = path.length; length >= 0; length--) {
      const entry = entryAt(path.slice(0, length))
      if (entry === undefined) continue
      const whole = length === path.length && at === 'value'
      return { ...place(whole ? entry.value : (entry.key ?? entry.value)), path: pathText(path), message }
    }
    return { line: 1, column: 1, path: pathText(path), message }
  }
  return { tree: { root, entryAt, fault, drawn }, faults }
}

class Stop extends Error {
  readonly fault: Fault
  constructor(fault: Fault) {
    super(fault.message)
    this.fault = fault
  }
}

/** A text as YAML, parsed once. One of too many lexemes is not: its document is empty. */
export type Yaml = Readonly<{ text: string; document: Document.Parsed; lines: LineCounter; isTooMany: boolean }>

export function yamlOf(text: string, mostLexemes = MAX_LEXEMES): Yaml {
  const isTooMany = hasTooMany(text, mostLexemes)
  return { text, isTooMany, ...parse(isTooMany ? '' : text) }
}

function parse(text: string) {
  const lines = new LineCounter()
  // Each error would walk its own stack; a file can have as many as it has lines, and nobody looks at them.
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 0
  try {
    return { document: documentOf(text, lines), lines }
  } finally {
    Error.stackTraceLimit = stackTraceLimit
  }
}

function documentOf(text: string, lines: LineCounter): Document.Parsed {
  return parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    stringKeys: true,
    // The library compares each key with all before it, which takes a minute for a thousand lines: they are looked for when it is walked.
    uniqueKeys: false,
    resolveKnownTags: false,
    merge: false,
    version: '1.2',
    logLevel: 'error',
  })
}

function hasTooMany(text: string, most: number): boolean {
  let count = 0
  for (const _ of new Lexer().lex(text)) if (++count > most) return true
  return false
}

function keyOf(path: Path): string {
  return JSON.stringify(path)
}

function lineOf(text: string, offset: number): string {
  return text.slice(text.lastIndexOf('\n', offset - 1) + 1).split('\n', 1)[0] ?? ''
}

/** A value that begins as no plain text can: a schedule such as `* * * * *` or `@hourly` more often than not. */
const UNQUOTED = /(?:[:-]\s+|[[{,]\s*)[*@%`]/

/** The library's messages may end in what they found, in quotes: a piece of the file, which can be a piece of a password. */
function syntaxMessage(error: YAMLError, line: string): string {
  switch (error.code) {
    case 'MULTIPLE_DOCS':
      return 'a second document begins here: the configuration is one'
    case 'TAB_AS_INDENT':
      return 'indented with a tab: YAML takes spaces only'
    case 'TAG_RESOLVE_FAILED':
      return 'tags (`!…`) are not read'
    case 'RESOURCE_EXHAUSTION':
      return `nested more than ${MAX_DEPTH} deep`
    case 'NON_STRING_KEY':
      return 'a key must be plain text'
    default: {
      const said = error.message.split('\n', 1)[0]?.replace(/: *".*$/s, '') ?? ''
      const hint = line.includes('${')
        ? `; inside { } and [ ] a \${…} must stand in quotes`
        : UNQUOTED.test(line)
          ? '; put the value in quotes'
          : ''
      return `not YAML: ${said}${hint}`
    }
  }
}
