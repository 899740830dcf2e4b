import { compose } from '../config/compose.ts'
import type { Config } from '../config/config.ts'
import { type Fault, pathText } from '../config/fault.ts'
import { isMapping, type Path, parseTree, type Tree, valueAt } from '../config/tree.ts'
import { yamlOf } from '../config/yaml-text.ts'
import type { Instant } from '../domain/probe.ts'

/** The configuration of a scenario that says nothing else (docs/reference.md, Scenario files). */
const SIMULATORS_OWN = `
monitors:
  - name: default
    schedule: "* * * * *"
    spread: 0s
    accounts: [self]
    operations: [GetContactInformation]
recipients:
  oncall: { to: [oncall@example.com] }
mail:
  from: Alibi <alibi@example.com>
  smtp: { host: smtp.example.com }
`

const NOTHING_OUTSIDE = { env: {}, files: new Map() }

function ownTree(): Tree {
  const { tree, faults } = parseTree(yamlOf(SIMULATORS_OWN), NOTHING_OUTSIDE, [])
  if (tree === null) throw new Error(`the simulator's own configuration cannot be read: ${faults[0]?.message}`)
  return tree
}

/**
 * The part of a configuration at `at` in a scenario, merged over the simulator's own: mappings are merged, a list replaces a list.
 * Faults point to where the scenario is wrong.
 */
export function configAt(scenario: Tree, at: Path, file: string, now: Instant) {
  return compose(mergedTree(ownTree(), scenario, at), { file, env: {}, cwd: '/', now, secrets: [], beneath: pathText(at) })
}

export function simulatorsConfig(now: Instant): Config {
  const composed = compose(ownTree(), { file: 'simulator', env: {}, cwd: '/', now, secrets: [] })
  if (!composed.ok) throw new Error(`the simulator's own configuration is at fault: ${composed.faults[0]?.message}`)
  return composed.config
}

function mergedTree(base: Tree, over: Tree, at: Path): Tree {
  const root = merge(base.root, valueAt(at, over.root))
  /** Whether a list was replaced there: nothing of the base shows through. */
  const replaced = (path: Path) => path.some((_, i) => Array.isArray(valueAt([...at, ...path.slice(0, i)], over.root)))
  const entryAt = (path: Path) => over.entryAt([...at, ...path]) ?? (replaced(path) ? undefined : base.entryAt(path))
  const fault = (path: Path, message: string, where: 'key' | 'value' = 'value'): Fault =>
    over.fault([...at, ...path], message, where)
  return { root, entryAt, fault, drawn: over.drawn }
}

function merge(base: unknown, over: unknown): unknown {
  if (over === undefined) return base
  if (!isMapping(base) || !isMapping(over)) return over
  const out: Record<string, unknown> = Object.create(null)
  for (const key of new Set([...Object.keys(base), ...Object.keys(over)])) out[key] = merge(base[key], over[key])
  return out
}
