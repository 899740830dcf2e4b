import * as z from 'zod'
import { configSchema } from '../config/json-schema.ts'
import { ScenarioSchema } from './schema.ts'

type Node = Readonly<Record<string, unknown>>

/** The JSON Schema of scenario files, for editors and `alibi schema --scenario`: draft 7, like that of the configuration. */
export function scenarioSchema(): object {
  const { $schema, ...schema } = z.toJSONSchema(ScenarioSchema, { io: 'input', target: 'draft-07', unrepresentable: 'any' })
  const whole = { $schema, title: 'Alibi scenario', description: 'What happens, and what Alibi is expected to do.', ...schema }
  const { $schema: _, title: __, description: ___, ...config } = configSchema() as Node
  return { ...(asInFiles(whole) as Node), definitions: { config: withoutRequired(config) } }
}

/** The schema as files are written, with that of the configuration for its parts. */
function asInFiles(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(asInFiles)
  if (!isNode(node)) return node
  if (isAnyMapping(node)) return { description: node['description'], allOf: [{ $ref: '#/definitions/config' }] }
  const { type, enum: values, ...rest } = node
  // `account: 500` means the same as `account: "500"`.
  const numbers = Array.isArray(values) ? values.filter((value) => /^\d+$/.test(String(value))).map(Number) : []
  if (numbers.length > 0) return { ...rest, enum: [...(values as unknown[]), ...numbers] }
  return Object.fromEntries(Object.entries(node).map(([key, value]) => [key, key === 'default' ? value : asInFiles(value)]))
}

/** A part of a configuration is merged over one that has all that is required. */
function withoutRequired(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(withoutRequired)
  if (!isNode(node)) return node
  const entries = Object.entries(node).filter(([key, value]) => !(key === 'required' && Array.isArray(value)))
  return Object.fromEntries(entries.map(([key, value]) => [key, key === 'default' ? value : withoutRequired(value)]))
}

function isAnyMapping({ type, propertyNames, properties }: Node): boolean {
  return type === 'object' && propertyNames !== undefined && properties === undefined
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
