import * as z from 'zod'
import { ConfigSchema } from './schema.ts'

/** Matches a `${…}`, whose value only the daemon knows. */
const REFERENCE = '\\$\\{'

/** The JSON Schema of the configuration, for editors and `alibi schema`: draft 7, which the YAML language server supports best. */
export function configSchema(): object {
  const { $schema, ...schema } = z.toJSONSchema(ConfigSchema, { io: 'input', target: 'draft-07', unrepresentable: 'any' })
  const described = {
    $schema,
    title: 'Alibi',
    description: 'config/alibi.yaml: what is monitored, and who is notified.',
    ...schema,
  }
  return withReferences(described) as object
}

/** Allows a text with a `${…}` in it wherever more than plain text is expected. */
function withReferences(node: unknown, isName = false): unknown {
  if (Array.isArray(node)) return node.map((item) => withReferences(item))
  if (typeof node !== 'object' || node === null) return node
  const out = Object.fromEntries(
    // A default is a value, not a schema.
    Object.entries(node).map(([key, value]) => [key, key === 'default' ? value : withReferences(value, key === 'propertyNames')]),
  )
  const { type, pattern, enum: values, description, default: byDefault, ...rest } = out
  if (type === 'string' && typeof pattern === 'string') {
    const { pattern: _, ...plain } = out
    // Names of recipients are keys, where no `${…}` is resolved.
    if (isName) return { ...plain, pattern: forEditors(pattern) }
    return pattern.includes(NO_CONTROL) ? plain : { ...plain, pattern: `(?:${forEditors(pattern)})|${REFERENCE}` }
  }
  if (type !== 'integer' && type !== 'boolean' && !(type === 'string' && Array.isArray(values))) return out
  return {
    ...(description === undefined ? {} : { description }),
    ...(byDefault === undefined ? {} : { default: byDefault }),
    anyOf: [
      { type, ...(values === undefined ? {} : { enum: values }), ...rest },
      { type: 'string', pattern: REFERENCE },
    ],
  }
}

const NO_CONTROL = '\\P{Cc}'

/** Not every editor supports Unicode classes in patterns: any non-ASCII character counts as a letter. */
function forEditors(pattern: string): string {
  return pattern.replaceAll('\\p{L}\\p{N}', 'A-Za-z0-9\\u00a1-\\uffff')
}
