import { isAlias, isMap, isScalar, isSeq, type ParsedNode, Scalar, type YAMLMap } from 'yaml'
import { type Fault, pathText } from './fault.ts'
import { resolve, type Sources } from './reference.ts'
import { MAX_DEPTH, placeOf, syntaxFaults, type YamlText } from './yaml-text.ts'

/** Far more than a configuration of 20,000 probes has. The values of an alias count every time it is used. */
const MAX_NODES = 100_000
const MAX_ALIASES = 1000

export type Path = readonly (string | number)[]

/** Where a value is in the file, and how it is written there. */
type Entry = Readonly<{
  /** Offset of its key; `null` in a list. */
  key: number | null
  /** Offset of the value. */
  value: number
  /** A scalar as it is written, with its `${…}`; `null` for a mapping or a list. */
  written: string | null
  /** It contains a `${…}`. */
  referred: boolean
  /** Its `${…}` could not be resolved; that is a fault already. */
  broken: boolean
  /** It is a mapping or a list in `{ }` or `[ ]`. */
  isFlow: boolean
}>

/** A value that comes from outside the file. */
type Drawn = Readonly<{ path: Path; from: 'env' | 'file'; name: string; value: string }>

/** A YAML document as plain values, which know where they are in the file. Mappings have no prototype. */
export type Tree = Readonly<{
  root: unknown
  entryAt(path: Path): Entry | undefined
  /** A fault at a value or its key; if that does not exist, at the nearest mapping that does. */
  fault(path: Path, message: string, at?: 'key' | 'value'): Fault
  drawn: readonly Drawn[]
}>

export type Parsed = Readonly<{
  /** `null` if the text is no YAML, or no mapping: the faults say why. */
  tree: Tree | null
  faults: readonly Fault[]
}>

const EMPTY = 'the file is empty: it needs at least `mail.from` and a recipient'

/** @param topKeys the known keys at the top. One of them without a value counts as absent; any other key is kept. */
export function parseTree(yaml: YamlText, sources: Sources, topKeys: readonly string[]): Parsed {
  if (yaml.isTooLong) return { tree: null, faults: [atStart('the file has too many words, symbols and line ends')] }
  const faults = syntaxFaults(yaml)
  const { contents, errors } = yaml.document
  if (errors.length > 0) return { tree: null, faults }
  if (contents === null || (isScalar(contents) && contents.value === null)) return { tree: null, faults: [atStart(EMPTY)] }
  if (!isMap(contents)) {
    const message = 'expected a mapping of keys such as `recipients:` and `mail:`'
    return { tree: null, faults: [...faults, { ...placeOf(yaml, contents.range[0]), path: '', message }] }
  }
  const builder = new TreeBuilder(yaml, sources, topKeys)
  try {
    const tree = builder.build(contents)
    return { tree, faults: [...faults, ...builder.faults] }
  } catch (error) {
    if (!(error instanceof Abandoned)) throw error
    return { tree: null, faults: [...faults, ...builder.faults, error.fault] }
  }
}

function atStart(message: string): Fault {
  return { line: 1, column: 1, path: '', message }
}

/** Ends the walk where it could take forever: an alias bomb, or a list within itself. */
class Abandoned extends Error {
  readonly fault: Fault
  constructor(fault: Fault) {
    super(fault.message)
    this.fault = fault
  }
}

/** Where a node is on the way through the document. */
type Spot = Readonly<{ path: Path; key: number | null; parent: number }>

/** Walks one document, and remembers where its values are. */
class TreeBuilder {
  readonly faults: Fault[] = []
  private readonly entries = new Map<string, Entry>()
  private readonly drawn: Drawn[] = []
  private readonly anchors = new Map<string, ParsedNode>()
  private nodes = 0
  private aliases = 0
  private readonly yaml: YamlText
  private readonly sources: Sources
  private readonly topKeys: readonly string[]

  constructor(yaml: YamlText, sources: Sources, topKeys: readonly string[]) {
    this.yaml = yaml
    this.sources = sources
    this.topKeys = topKeys
  }

  build(contents: ParsedNode): Tree {
    const root = this.valueOf(contents, { path: [], key: null, parent: 0 })
    const { yaml, drawn, entries } = this
    const entryAt = (path: Path) => entries.get(keyOf(path))
    const fault = (path: Path, message: string, at: 'key' | 'value' = 'value'): Fault => {
      for (let length = path.length; length >= 0; length--) {
        const entry = entryAt(path.slice(0, length))
        if (entry === undefined) continue
        const isValue = length === path.length && at === 'value'
        return { ...placeOf(yaml, isValue ? entry.value : (entry.key ?? entry.value)), path: pathText(path), message }
      }
      return { line: 1, column: 1, path: pathText(path), message }
    }
    return { root, entryAt, fault, drawn }
  }

  private valueOf(given: ParsedNode | null, spot: Spot): unknown {
    const node = isAlias(given) ? this.targetOf(given, spot) : given
    if (node === undefined) return null
    if (node !== null && node === given && 'anchor' in node && typeof node.anchor === 'string')
      this.anchors.set(node.anchor, node)
    const offset = node?.range?.[0] ?? spot.key ?? spot.parent
    this.checkSize(spot.path, offset)
    const enter = (entry: Partial<Entry>) =>
      this.entries.set(keyOf(spot.path), {
        ...{ key: spot.key, value: offset, written: null, referred: false, broken: false, isFlow: false },
        ...entry,
      })
    if (isMap(node)) {
      enter({ isFlow: node.flow === true })
      return this.mappingOf(node as YAMLMap.Parsed, spot.path, offset)
    }
    if (isSeq(node)) {
      enter({ isFlow: node.flow === true })
      return node.items.map((item, index) =>
        this.valueOf(item as ParsedNode | null, { path: [...spot.path, index], key: null, parent: offset }),
      )
    }
    if (!(node instanceof Scalar)) {
      enter({ written: '' })
      return null
    }
    const written = node.source ?? String(node.value)
    if (typeof node.value !== 'string') {
      enter({ written })
      return node.value
    }
    const { text, isBroken, referred } = this.resolved(node.value, spot.path, offset)
    enter({ written, referred, broken: isBroken })
    return text
  }

  private resolved(raw: string, path: Path, offset: number) {
    const { text, values, faults, referred } = resolve(raw, this.sources)
    for (const { from, name, value } of values) this.drawn.push({ path, from, name, value })
    for (const message of faults) this.faults.push(this.faultAt(offset, path, message))
    return { text, referred, isBroken: faults.length > 0 }
  }

  private faultAt(offset: number, path: Path, message: string): Fault {
    return { ...placeOf(this.yaml, offset), path: pathText(path), message }
  }

  /** `undefined` if there is no such anchor, which is a fault. */
  private targetOf(alias: ParsedNode & { source: string }, { path, key, parent }: Spot): ParsedNode | undefined {
    const offset = alias.range?.[0] ?? parent
    if (++this.aliases > MAX_ALIASES)
      throw new Abandoned(this.faultAt(offset, path, `more than ${MAX_ALIASES} aliases, counting every use`))
    const target = this.anchors.get(alias.source)
    if (target !== undefined) return target
    this.faults.push(this.faultAt(offset, path, 'this alias has no anchor above it'))
    this.entries.set(keyOf(path), { key, value: offset, written: null, referred: true, broken: true, isFlow: false })
    return undefined
  }

  private checkSize(path: Path, offset: number): void {
    if (++this.nodes > MAX_NODES) {
      const message = `more than ${MAX_NODES} values, counting those of an alias at every use`
      throw new Abandoned(this.faultAt(offset, path, message))
    }
    if (path.length > MAX_DEPTH) throw new Abandoned(this.faultAt(offset, path.slice(0, 4), `nested more than ${MAX_DEPTH} deep`))
  }

  private mappingOf(node: YAMLMap.Parsed, path: Path, offset: number): unknown {
    const out: Record<string, unknown> = Object.create(null)
    const empty = new Set<string>()
    for (const pair of node.items) {
      const name = isScalar(pair.key) ? String(pair.key.value) : ''
      const key = pair.key?.range?.[0] ?? offset
      if (Object.hasOwn(out, name) || empty.has(name)) this.faults.push(this.faultAt(key, [], 'this key is here twice'))
      if (!isScalar(pair.key) || name === '__proto__') {
        this.faults.push(this.faultAt(key, path, 'this cannot be a key'))
        continue
      }
      // A section whose lines are all commented out counts as absent.
      const isEmpty = isScalar(pair.value) && pair.value.value === null && pair.value.source === ''
      if (path.length === 0 && isEmpty && this.topKeys.includes(name)) {
        empty.add(name)
        continue
      }
      out[name] = this.valueOf(pair.value as ParsedNode | null, { path: [...path, name], key, parent: offset })
    }
    return out
  }
}

function keyOf(path: Path): string {
  return JSON.stringify(path)
}

/** The value at a path; `undefined` if there is none. */
export function valueAt(path: Path, root: unknown): unknown {
  let value = root
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined
    value = (value as Record<string | number, unknown>)[key]
  }
  return value
}

export function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Adds a fault at a path; at its key if the value is not what is wrong. */
export type AddFault = (path: Path, message: string, at?: 'key' | 'value') => void
