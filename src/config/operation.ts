import * as z from 'zod'
import { type AccountCall, ALTERNATE_CONTACT_TYPES, OPERATIONS, type Operation, WRITING_OPERATIONS } from '../domain/probe.ts'
import { nearest } from './nearest.ts'
import { SERVICE_OPERATION_SCHEMAS, type ServiceAsk, serviceAskOf, serviceOperationMeant } from './service-operation.ts'
import { REGION, REGION_TEXT } from './values.ts'

/** Operations with a parameter, its key, and an example of its value. */
const PARAMETERS = {
  GetAlternateContact: { key: 'type', example: 'SECURITY' },
  GetRegionOptStatus: { key: 'region', example: 'af-south-1' },
} as const

function hasParameter(operation: Operation): operation is keyof typeof PARAMETERS {
  return Object.hasOwn(PARAMETERS, operation)
}

/** Adds an issue at a path beneath the operation, at the key there or at its value. */
export type Refuse = (message: string, path?: string[], at?: 'key' | 'value') => never

/** A call as it is in the file. The regions of a call to another service than Account are those of its monitor. */
export type ParsedCall = AccountCall | ServiceAsk

/** An operation of the Account API or, as `service:Operation`, of any other; its name, or a mapping of its name to its parameters. */
export const OperationCall = z
  .any()
  .transform((given, context): ParsedCall => {
    const refuse: Refuse = (message, path = [], at = 'value') => {
      context.addIssue({ code: 'custom', message, path, params: { at } })
      return z.NEVER
    }
    const isMapping = typeof given === 'object' && given !== null && !Array.isArray(given)
    if (typeof given !== 'string' && !isMapping) return refuse('expected an operation such as `GetAccountInformation`')
    const names = isMapping ? Object.keys(given) : [given]
    if (names.some((one) => String(one).includes(':'))) return serviceAskOf(given, refuse)
    const name = names[0]
    if (isMapping && (name === 'expect' || name === 'rate'))
      return refuse(`expected an operation beside \`${name}\``, [name], 'key')
    if (name === undefined || names.length > 1) return refuse('expected one operation per entry of the list')
    const operation = OPERATIONS.find((known) => known === name)
    if (operation === undefined) {
      const text = isMapping && typeof given[name] === 'string' ? `${name}: ${given[name]}` : name
      const meant = serviceOperationMeant(text)
      const why = meant === null ? unknownOperation(name) : `an operation of another service is one word: expected \`${meant}\``
      return refuse(why, isMapping ? [name] : [])
    }
    return callOf(operation, isMapping ? given[name] : undefined, refuse)
  })
  .meta({
    description: 'One of the eight read-only operations of the Account API, or `service:Operation` of any other service.',
    anyOf: [
      { type: 'string', enum: OPERATIONS.filter((name) => !hasParameter(name)) },
      parameterSchema('GetAlternateContact', {
        type: 'string',
        enum: [...ALTERNATE_CONTACT_TYPES],
        description: 'Which alternate contact.',
      }),
      parameterSchema('GetRegionOptStatus', { type: 'string', pattern: REGION.source, description: 'Which region.' }),
      ...SERVICE_OPERATION_SCHEMAS,
    ],
  })

function unknownOperation(name: string): string {
  const isWriting = [...WRITING_OPERATIONS].some((known) => known.toLowerCase() === name.toLowerCase())
  if (isWriting) return 'this operation writes; Alibi only reads'
  const meant = nearest(name, OPERATIONS)
  return meant === null
    ? `expected one of ${OPERATIONS.join(', ')}, or an operation of another service such as \`dynamodb:DescribeTable\``
    : `no such operation; did you mean \`${meant}\`?`
}

function callOf(operation: Operation, given: unknown, refuse: Refuse): AccountCall {
  if (!hasParameter(operation)) {
    if (given !== undefined) return refuse(`it takes no parameters: write \`- ${operation}\``, [operation])
    return { operation, parameter: null }
  }
  const { key, example } = PARAMETERS[operation]
  const mapping = typeof given === 'object' && given !== null ? (given as Record<string, unknown>) : {}
  const unknown = Object.keys(mapping).find((name) => name !== key)
  if (unknown !== undefined) return refuse(`unknown key; ${operation} takes only \`${key}\``, [operation, unknown], 'key')
  const value = mapping[key]
  if (value === undefined)
    return refuse(`it requires \`${key}\`: \`{ ${operation}: { ${key}: ${example} } }\``, given === undefined ? [] : [operation])
  if (key === 'type') {
    if (ALTERNATE_CONTACT_TYPES.some((type) => type === value)) return { operation, parameter: String(value) }
    return refuse(`expected one of ${ALTERNATE_CONTACT_TYPES.join(', ')}`, [operation, key])
  }
  if (typeof value === 'string' && REGION.test(value)) return { operation, parameter: value }
  return refuse(`expected ${REGION_TEXT}`, [operation, key])
}

function parameterSchema(operation: keyof typeof PARAMETERS, value: object) {
  const { key } = PARAMETERS[operation]
  const inner = {
    type: 'object',
    properties: { [key]: value },
    required: [key],
    additionalProperties: false,
    description: `${operation} requires \`${key}\`.`,
  }
  return { type: 'object', properties: { [operation]: inner }, required: [operation], additionalProperties: false }
}
