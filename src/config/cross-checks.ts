import type * as z from 'zod'
import { serviceNamed } from '../domain/catalogue.ts'
import { partitionOf } from '../domain/policy.ts'
import { type Endpoints, isLoopback, isSafeUrl, SAFE_URL_TEXT, shownUrl } from './endpoints.ts'
import { keyText } from './fault.ts'
import { HealthSchema } from './health-schema.ts'
import { checkIdentities, type Named } from './identity.ts'
import type { LoadContext } from './load-context.ts'
import { checkMail } from './mail-checks.ts'
import { checkCredentials, checkMonitor, checkRecipients, type Readable } from './monitor-checks.ts'
import { MAX_RECIPIENTS, MonitorSchema } from './monitor-schema.ts'
import { callsIn, defaultRegion, listedAccounts, MAX_PROBES, probesOf } from './monitors.ts'
import { checkNetwork } from './network.ts'
import { isQueueUrl, regionOfQueue } from './queue-url.ts'
import { repeatsIn } from './repeats.ts'
import { MAX_MONITORS, RecipientName } from './schema.ts'
import { mayComeFromFile } from './secret.ts'
import { NO_SHARED_FILES } from './shared-files.ts'
import { type AddFault, isMapping, type Path, type Tree, valueAt } from './tree.ts'
import { checkVariants } from './variants.ts'
import { listenOf } from './web-schema.ts'

/**
 * Checks what concerns more than one key, or the file and the environment. Works on the plain values, key by key, so that a
 * fault in one key does not hide those of others.
 */
export function crossCheck(tree: Tree, context: LoadContext, endpoints: Endpoints, addFault: AddFault): void {
  const { env, sharedFiles = NO_SHARED_FILES, authorities, bundle = null } = context
  if (sharedFiles.unfit !== null) addFault([], sharedFiles.unfit)
  checkOrigins(tree, addFault)
  const recipients = recipientNames(tree, addFault)
  checkMonitors(tree, context, recipients, addFault)
  checkDigest(tree, recipients, addFault)
  checkHealth(tree, addFault)
  checkIdentities(profilesNamed(tree), env, sharedFiles, addFault)
  checkWeb(tree, addFault)
  checkStorage(tree, addFault)
  checkEndpoints(endpoints, addFault)
  checkMail(tree, authorities, addFault)
  checkNetwork(env, bundle, process.versions.node, addFault)
  checkVariants(env, sharedFiles, addFault)
}

function checkOrigins(tree: Tree, addFault: AddFault): void {
  for (const { path, from } of tree.drawn) {
    if (from === 'file' && !mayComeFromFile(path))
      addFault(
        path,
        'a value from a file is treated as a secret, but this one is shown in emails or logs: write it here, or use an environment variable',
      )
  }
}

/** Checks the recipients. Returns the names that can be used in lists, or `null` if they are not known. */
function recipientNames(tree: Tree, addFault: AddFault): readonly string[] | null {
  const recipients = valueAt(['recipients'], tree.root)
  if (!isMapping(recipients)) return null
  const names = Object.keys(recipients)
  if (names.length === 0) addFault(['recipients'], 'expected at least one recipient', 'key')
  else if (names.every((name) => valueAt([name, 'selfAlerts'], recipients) === false || isOnlyDigest(name, recipients)))
    addFault(
      ['recipients'],
      'expected at least one recipient without `selfAlerts: false` and `only: digest`: otherwise nobody learns that Alibi cannot work',
      'key',
    )
  if (names.length > MAX_RECIPIENTS) addFault(['recipients'], `expected at most ${MAX_RECIPIENTS} recipients`, 'key')
  for (const name of names.slice(0, MAX_RECIPIENTS)) {
    checkOnly(name, tree, addFault)
    const addresses = valueAt([name, 'to'], recipients)
    if (!Array.isArray(addresses)) continue
    for (const index of repeatsIn(addresses)) {
      if (typeof addresses[index] === 'string') addFault(['recipients', name, 'to', index], 'this address is in the list twice')
    }
  }
  const usable = names.length > MAX_RECIPIENTS ? [] : names.filter((name) => RecipientName.safeParse(name).success)
  return usable.length === 0 ? null : usable
}

function isOnlyDigest(name: string, recipients: unknown): boolean {
  return valueAt([name, 'only'], recipients) === 'digest'
}

/** `only: digest` leaves nothing to choose, and needs a digest that goes to this recipient. */
function checkOnly(name: string, { root }: Tree, addFault: AddFault): void {
  const path = ['recipients', name]
  const at = (key: string) => valueAt([...path, key], root)
  if (at('only') !== 'digest') return
  for (const key of ['kinds', 'after']) {
    if (at(key) !== undefined) addFault([...path, key], `\`only: digest\` leaves \`${key}\` without effect`, 'key')
  }
  if (at('selfAlerts') === true) addFault([...path, 'selfAlerts'], '`only: digest` excludes self-alerts', 'key')
  const digest = valueAt(['digest'], root)
  const to = valueAt(['digest', 'to'], root)
  if (digest === undefined) addFault([...path, 'only'], '`only: digest` requires `digest`, which is not set', 'key')
  else if (Array.isArray(to) && !to.includes(name))
    addFault([...path, 'only'], '`digest.to` does not include this recipient', 'key')
}

function checkMonitors(tree: Tree, context: LoadContext, recipients: readonly string[] | null, addFault: AddFault): void {
  const { env, sharedFiles = NO_SHARED_FILES } = context
  checkDefaultRegion(context, addFault)
  const isGiven = (path: Path) => tree.entryAt(path) !== undefined
  const monitors = valueAt(['monitors'], tree.root)
  const given = valueAt(['recipients'], tree.root)
  let probes = 0
  const names = new Set<string>()
  // More monitors than are allowed are a fault of the schema.
  for (const [index, raw] of (Array.isArray(monitors) ? monitors.slice(0, MAX_MONITORS) : []).entries()) {
    const path = ['monitors', index]
    if (!isMapping(raw)) continue
    const monitor: Readable = readable(MonitorSchema.shape, raw)
    const { name = '', accounts = [], operations = [], regions = [] } = monitor
    const isFaulty = monitor.region === undefined && isGiven([...path, 'region'])
    const found = monitor.region ?? regions[0] ?? defaultRegion(env, monitor.credentials?.profile ?? null, sharedFiles)
    const region = !isFaulty && isRegion(found) ? found : null
    checkMonitor(monitor, path, { isGiven, region, recipients, addFault })
    if (recipients !== null) checkAlerted(monitor, path, { isGiven, recipients, given, addFault })
    if (monitor.name !== undefined && names.has(name))
      addFault(isGiven([...path, 'name']) ? [...path, 'name'] : path, 'every monitor needs a unique name')
    names.add(name)
    const calls = callsIn(operations, regions.length === 0 ? [found] : regions, partitionOf(found))
    probes += probesOf(name, listedAccounts(accounts), calls).length
  }
  if (monitors === undefined && recipients !== null) checkAlerted({}, ['monitors', 0], { isGiven, recipients, given, addFault })
  if (probes > MAX_PROBES) addFault(['monitors'], `${probes} probes are too many: expected at most ${MAX_PROBES}`, 'key')
}

type Alerted = Readonly<{
  isGiven: (path: Path) => boolean
  recipients: readonly string[]
  /** The recipients as they are in the file. */
  given: unknown
  addFault: AddFault
}>

/** A failure that nobody would be emailed is a missed alert, so it is a fault of the configuration. */
function checkAlerted(
  { name = 'default', notify }: Readable,
  path: Path,
  { isGiven, recipients, given, addFault }: Alerted,
): void {
  const names = notify ?? recipients
  if (!names.every((name) => recipients.includes(name))) return
  names.forEach((recipient, index) => {
    if (notify !== undefined && isOnlyDigest(recipient, given))
      addFault([...path, 'notify', index], 'this recipient gets only the digest: `only: digest`')
  })
  const isAlerted = (recipient: string) => {
    const kinds = valueAt([recipient, 'kinds'], given)
    return !isOnlyDigest(recipient, given) && (!Array.isArray(kinds) || kinds.includes('failing'))
  }
  if (names.some(isAlerted)) return
  const message = `nobody would be emailed if monitor ${keyText(name)} fails: expected a recipient without \`kinds\`, or with \`failing\` among them`
  if (isGiven([...path, 'notify'])) addFault([...path, 'notify'], message, 'key')
  else addFault(['recipients'], message, 'key')
}

function checkDefaultRegion({ env }: LoadContext, addFault: AddFault): void {
  if (isRegion(defaultRegion(env, null, NO_SHARED_FILES))) return
  const variable = env['AWS_REGION'] ? 'AWS_REGION' : 'AWS_DEFAULT_REGION'
  addFault([variable], `the environment variable ${variable} is not a region such as \`us-east-1\``)
}

function isRegion(text: string): boolean {
  return MonitorSchema.shape.region.safeParse(text).success
}

function checkDigest(tree: Tree, recipients: readonly string[] | null, addFault: AddFault): void {
  const to = valueAt(['digest', 'to'], tree.root)
  if (Array.isArray(to) && recipients !== null) checkRecipients(to, ['digest', 'to'], recipients, addFault)
}

function checkHealth(tree: Tree, addFault: AddFault): void {
  const credentials = HealthSchema.shape.credentials.safeParse(valueAt(['health', 'credentials'], tree.root))
  if (credentials.success && credentials.data !== undefined)
    checkCredentials(credentials.data, ['health', 'credentials'], null, addFault)
  checkQueue(tree, addFault)
}

function checkQueue(tree: Tree, addFault: AddFault): void {
  const path = ['health', 'queue']
  const given = valueAt(path, tree.root)
  if (!isMapping(given)) return
  const credentials = HealthSchema.shape.credentials.safeParse(given['credentials'])
  if (credentials.success && credentials.data !== undefined)
    checkCredentials(credentials.data, [...path, 'credentials'], null, addFault)
  const { url, region } = given
  const inUrl = typeof url === 'string' && isQueueUrl(url) ? regionOfQueue(url) : null
  if (inUrl !== null && typeof region === 'string' && isRegion(region) && region !== inUrl)
    addFault([...path, 'region'], `expected \`${inUrl}\`, the region in the URL`)
}

function checkWeb(tree: Tree, addFault: AddFault): void {
  const text = valueAt(['web', 'listen'], tree.root)
  const listen = typeof text === 'string' ? listenOf(text) : null
  if (listen !== null && !isLoopback(listen.host) && valueAt(['web', 'token'], tree.root) === undefined)
    addFault(['web', 'listen'], 'expected a loopback address; any other address requires `web.token`')
}

function checkStorage(tree: Tree, addFault: AddFault): void {
  const isGiven = (key: string) => valueAt(['storage', key], tree.root) !== undefined
  if (isGiven('path') && isGiven('postgres'))
    addFault(
      ['storage', 'postgres'],
      'expected either `path` (a file of one machine) or `postgres` (a database for several), not both',
      'key',
    )
}

function checkEndpoints({ set }: Endpoints, addFault: AddFault): void {
  for (const { name, value, from } of set) {
    if (isSafeUrl(value)) continue
    const shown = shownUrl(value)
    if (from === 'environment') addFault([name], `the environment variable ${name} is ${shown}: expected ${SAFE_URL_TEXT}`)
    else addFault([], `the AWS SDK's shared file has ${name} = ${shown}: expected ${SAFE_URL_TEXT}`, 'key')
  }
}

/** Every place where the configuration names a profile, or leaves the choice to the SDK. */
export function profilesNamed({ root }: Tree): readonly Named[] {
  const monitors = valueAt(['monitors'], root)
  const places: Path[] = Array.isArray(monitors) ? monitors.map((_, index) => ['monitors', index]) : [['monitors', 0]]
  for (const place of [['health'], ['health', 'queue']])
    if (valueAt([...place, 'credentials'], root) !== undefined) places.push(place)
  return places.map((place) => {
    const path = [...place, 'credentials', 'profile']
    const profile = valueAt(path, root)
    return { path, profile: typeof profile === 'string' ? profile : null }
  })
}

/** The keys with a valid value; the others are left out. */
function readable<S extends Readonly<Record<string, z.core.$ZodType>>>(
  shape: S,
  raw: Record<string, unknown>,
): { [K in keyof S]?: z.output<S[K]> } {
  const out: Record<string, unknown> = {}
  for (const [key, schema] of Object.entries(shape)) {
    const read = (schema as z.ZodType).safeParse(raw[key])
    if (read.success) out[key] = read.data
  }
  return out as { [K in keyof S]?: z.output<S[K]> }
}

/** The SDK's clients of the other services than Account that monitors name. */
export function clientsNamed({ root }: Tree): readonly string[] {
  const monitors = valueAt(['monitors'], root)
  const operations = (Array.isArray(monitors) ? monitors.slice(0, MAX_MONITORS) : []).flatMap((monitor: unknown) => {
    const list = isMapping(monitor) ? monitor['operations'] : undefined
    return Array.isArray(list) ? list.flatMap((one: unknown) => (isMapping(one) ? Object.keys(one) : [one])) : []
  })
  const names = operations.flatMap((one) => (typeof one === 'string' && one.includes(':') ? [one.split(':')[0] ?? ''] : []))
  return [...new Set(names.flatMap((name) => serviceNamed(name)?.client ?? []))]
}
