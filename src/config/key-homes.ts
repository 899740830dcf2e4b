import { ConfigSchema } from './schema.ts'
import type { Path } from './tree.ts'

/** Where a misplaced key belongs, such as `at the top of the file`; `null` if that is not known. The path is where it is now. */
export type KeyHome = (key: string, path: Path) => string | null

/** @param beneath the key of another file under which the whole configuration is; `null`: it is a file of its own */
export function keyHomes(beneath: string | null): KeyHome {
  return (key) => {
    const section = sections().get(key)
    if (section === undefined) return null
    if (beneath === null) return section === '' ? 'at the top of the file' : `in \`${section}\``
    return `in \`${[beneath, section].filter((part) => part !== '').join('.')}\``
  }
}

/** Keys that only one section has, with its name; those at the top have an empty one. */
function sections(): ReadonlyMap<string, string> {
  known ??= findSections()
  return known
}

let known: ReadonlyMap<string, string> | undefined

function findSections(): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  const several = new Set<string>()
  for (const [section, schema] of Object.entries(ConfigSchema.shape)) {
    if (section !== 'recipients') found.set(section, '')
    for (const key of keysOf(schema)) {
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
