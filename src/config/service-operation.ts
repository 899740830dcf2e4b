import { serviceNamed, serviceNames, servicesSharing } from '../domain/catalogue.ts'
import { readingOf, readingOperations, revealedBy } from '../domain/only-reads.ts'
import { parameterOf, type ServiceCall } from '../domain/probe.ts'
import { nearest } from './nearest.ts'
import type { Refuse } from './operation.ts'

/** A call to any service as it is in the file. */
export type ServiceAsk = Omit<ServiceCall, 'region'>

const OPERATION = /^([a-z][a-z0-9-]{1,63}):([A-Za-z0-9]{1,100})$/
const MEMBER = /^[A-Za-z][A-Za-z0-9_]{0,99}$/
const MIN_RATE = 0.01
const MAX_RATE = 100
const MAX_INPUT = 4_000
const MAX_DEPTH = 8

/** Suggested by editors: of widely used services, an operation that needs no parameters and one that has some. */
const COMMON = [
  'cloudformation:ListStacks',
  'cloudwatch:ListMetrics',
  'dynamodb:ListTables',
  'ec2:DescribeInstances',
  'ec2:DescribeVpcs',
  'ecr:DescribeRepositories',
  'ecs:ListClusters',
  'eks:ListClusters',
  'elastic-load-balancing-v2:DescribeLoadBalancers',
  'events:ListEventBuses',
  'iam:GetAccountSummary',
  'kinesis:ListStreams',
  'kms:ListKeys',
  'lambda:ListFunctions',
  'logs:DescribeLogGroups',
  'organizations:DescribeOrganization',
  'rds:DescribeDBInstances',
  'route53:ListHostedZones',
  's3:ListBuckets',
  'secretsmanager:ListSecrets',
  'sns:ListTopics',
  'sqs:ListQueues',
  'ssm:DescribeParameters',
  'states:ListStateMachines',
  'sts:GetCallerIdentity',
]
const COMMON_WITH_INPUT = {
  'dynamodb:DescribeTable': { TableName: 'orders' },
  'ecs:DescribeServices': { cluster: 'main', services: ['web'] },
  'eks:DescribeCluster': { name: 'main' },
  'kms:DescribeKey': { KeyId: 'alias/main' },
  'lambda:GetFunctionConfiguration': { FunctionName: 'checkout' },
  's3:HeadBucket': { Bucket: 'my-bucket' },
  'secretsmanager:DescribeSecret': { SecretId: 'main' },
  'sqs:GetQueueUrl': { QueueName: 'orders' },
}

const INPUT_SCHEMA = { type: ['object', 'null'], description: 'The parameters of the operation, as the API names them.' }

/** For editors. */
export const SERVICE_OPERATION_SCHEMAS: readonly object[] = [
  { type: 'string', enum: COMMON },
  { type: 'string', pattern: OPERATION.source },
  {
    type: 'object',
    properties: {
      expect: {
        type: 'string',
        pattern: MEMBER.source,
        description: 'A member that every healthy answer has; `nothing`: an empty answer is healthy, too.',
      },
      rate: {
        type: 'number',
        minimum: MIN_RATE,
        maximum: MAX_RATE,
        description: 'Calls per second that AWS allows. Default: 3.',
      },
      ...Object.fromEntries(
        Object.entries(COMMON_WITH_INPUT).map(([name, example]) => [name, { ...INPUT_SCHEMA, examples: [example] }]),
      ),
    },
    patternProperties: { [OPERATION.source]: INPUT_SCHEMA },
    additionalProperties: false,
  },
]

/** @param given `dynamodb:ListTables`, or `{ dynamodb:DescribeTable: { TableName: orders }, expect: Table, rate: 5 }` */
export function serviceAskOf(given: string | object, refuse: Refuse): ServiceAsk {
  const mapping = typeof given === 'string' ? { [given]: null } : (given as Record<string, unknown>)
  const names = Object.keys(mapping)
  const [name = '', second] = names.filter((key) => key.includes(':'))
  if (second !== undefined) return refuse('expected one operation per entry of the list', [second], 'key')
  const unknown = names.find((key) => key !== name && key !== 'expect' && key !== 'rate')
  if (unknown !== undefined)
    return refuse(`unknown key; beside the operation there can be \`expect\` and \`rate\``, [unknown], 'key')
  const at = typeof given === 'string' ? [] : [name]
  const { operation, why } = operationNamed(name)
  if (operation === null) return refuse(why, at, typeof given === 'string' ? 'value' : 'key')
  const input = inputOf(mapping[name], [name], refuse)
  const revealed = revealedBy(input)
  if (revealed !== null) return refuse(`it is not called so: ${revealed.why}`, [name, revealed.parameter])
  const { expect = null, rate = null } = mapping as { expect?: unknown; rate?: unknown }
  if (expect !== null && !(typeof expect === 'string' && MEMBER.test(expect)))
    return refuse('expected the name of a member of the answer, or `nothing`', ['expect'])
  const perSecond = typeof rate === 'string' ? Number(rate) : rate
  if (perSecond !== null && !(typeof perSecond === 'number' && perSecond >= MIN_RATE && perSecond <= MAX_RATE))
    return refuse(`expected calls per second, from ${MIN_RATE} to ${MAX_RATE}`, ['rate'])
  return { operation, parameter: parameterOf(input), input, expect, rate: perSecond }
}

/** For what is nearly an operation of another service: `DynamoDB:listTables`, `dynamodb.ListTables`, `dynamodb: ListTables`; `null`: it is not. */
export function serviceOperationMeant(text: string): string | null {
  const [, prefix = '', action = ''] = /^([A-Za-z][\w-]{1,63})\s?[:.]\s?([A-Za-z]\w{1,99})$/.exec(text) ?? []
  const service = serviceNamed(prefix.toLowerCase())
  if (service === null) return null
  const known = readingOperations(service)
  const meant = known.find((one) => one.toLowerCase() === action.toLowerCase()) ?? nearest(action, known)
  return meant === null ? null : `${service.name}:${meant}`
}

function operationNamed(name: string): Readonly<{ operation: ServiceCall['operation'] | null; why: string }> {
  const none = (why: string) => ({ operation: null, why })
  const [, prefix = '', action = ''] = OPERATION.exec(name) ?? []
  if (prefix === '') {
    const meant = serviceOperationMeant(name)
    return none(`expected \`service:Operation\`, such as \`${meant ?? 'dynamodb:DescribeTable'}\``)
  }
  if (prefix === 'account') return none(`operations of Account have no prefix: write \`${action}\``)
  const service = serviceNamed(prefix)
  if (service === null) {
    const several = servicesSharing(prefix)
    if (several.length > 0) return none(`several services share this name: expected \`${several.join('`, `')}\``)
    const meant = nearest(prefix, serviceNames())
    return none(`no such service${meant === null ? '' : `; did you mean \`${meant}:${action}\`?`}`)
  }
  const reading = readingOf(service, action)
  if (reading.ok) return { operation: `${service.name}:${action}`, why: '' }
  const isMisspelt = reading.isUnknown === true || !/^[A-Z]/.test(action)
  const known = isMisspelt ? readingOperations(service) : []
  const meant = known.find((one) => one.toLowerCase() === action.toLowerCase()) ?? nearest(action, known)
  return none(meant === null ? reading.why : `no such operation; did you mean \`${service.name}:${meant}\`?`)
}

/** The parameters, as plain values that the SDK can take. */
function inputOf(given: unknown, path: string[], refuse: Refuse): Readonly<Record<string, unknown>> {
  if (given === null || given === undefined) return {}
  if (typeof given !== 'object' || Array.isArray(given)) return refuse('expected a mapping of parameters', path)
  const odd = oddIn(given, path, 0)
  if (odd !== null) return refuse(odd.why, [...odd.path])
  if (JSON.stringify(given).length > MAX_INPUT) return refuse(`expected parameters of at most ${MAX_INPUT} characters`, path)
  return given as Record<string, unknown>
}

function oddIn(
  value: unknown,
  path: readonly string[],
  depth: number,
): Readonly<{ why: string; path: readonly string[] }> | null {
  if (depth > MAX_DEPTH) return { why: `expected parameters of at most ${MAX_DEPTH} levels`, path }
  if (typeof value === 'bigint' || (typeof value === 'number' && !Number.isFinite(value)))
    return { why: 'expected a number of ordinary size, or text in quotes', path }
  if (typeof value !== 'object' || value === null) return null
  for (const [key, inner] of Object.entries(value)) {
    if (key === '__proto__') return { why: 'expected the name of a parameter', path }
    const odd = oddIn(inner, [...path, key], depth + 1)
    if (odd !== null) return odd
  }
  return null
}
