import { execFileSync } from 'node:child_process'
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { resolveEndpoint } from '@smithy/core/endpoints'
// Brings AWS's own functions of endpoint rules along.
import '@aws-sdk/client-sts'

/*
 * `npm run variant-data`: distils which FIPS and dual-stack endpoints there are into src/config/variant-data.ts.
 *
 * The source is botocore, the Python SDK, which alone still carries a list of the endpoints that exist (endpoints.json); the
 * JavaScript SDK has rules that make up a host for any service and region. An endpoint is taken only if those rules, which
 * botocore has as well, name the very host of the list. The newest version is taken, by pip.
 */
const TARGET = new URL('../src/config/variant-data.ts', import.meta.url)
const PARTITIONS = ['aws', 'aws-cn', 'aws-us-gov', 'aws-eusc']
/** Where the one endpoint of a partition is signed for, if it does not say so itself. */
const GLOBAL: Readonly<Record<string, string>> = {
  'aws-global': 'us-east-1',
  'aws-cn-global': 'cn-northwest-1',
  'aws-us-gov-global': 'us-gov-west-1',
}

type Variant = Readonly<{ tags: readonly string[]; hostname?: string; dnsSuffix?: string }>
type Listed = Readonly<{ variants?: readonly Variant[]; credentialScope?: { region?: string } }>
type Service = Readonly<{ defaults?: Listed; endpoints?: Readonly<Record<string, Listed>> }>
type Part = Readonly<{ partition: string; defaults: Listed; services: Readonly<Record<string, Service>> }>
type Rules = Parameters<typeof resolveEndpoint>[0]

const folder = mkdtempSync(join(tmpdir(), 'variant-data-'))
try {
  execFileSync('python3', ['-m', 'pip', 'download', '--quiet', '--no-deps', '--dest', folder, 'botocore'], { stdio: 'inherit' })
  const [wheel = ''] = globSync(join(folder, 'botocore-*.whl'))
  execFileSync('python3', ['-m', 'zipfile', '-e', wheel, folder])
  const version = basename(wheel).split('-')[1] ?? ''
  writeFileSync(TARGET, written(version, endpointsIn(join(folder, 'botocore/data'))))
} finally {
  rmSync(folder, { recursive: true, force: true })
}

function read<T>(path: string): T {
  const bytes = readFileSync(path)
  return JSON.parse((path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString()) as T
}

/** By variant: `fips` → `DYNAMODB` → its regions. */
function endpointsIn(data: string): ReadonlyMap<string, ReadonlyMap<string, ReadonlySet<string>>> {
  const { partitions } = read<{ partitions: readonly Part[] }>(join(data, 'endpoints.json'))
  const found = new Map<string, Map<string, Set<string>>>()
  // Of a service with several versions of its API the newest comes last, and counts.
  for (const path of globSync(join(data, '*/*/endpoint-rule-set-1.json*')).toSorted()) {
    const model = globSync(join(dirname(dirname(path)), '*/service-2.json*'))
      .toSorted()
      .at(-1)
    if (model === undefined) continue
    const { endpointPrefix, serviceId } = read<{ metadata: Record<'endpointPrefix' | 'serviceId', string> }>(model).metadata
    const service = serviceId.toUpperCase().replaceAll(/[ -]/g, '_')
    const rules = read<Rules>(path)
    for (const byService of found.values()) byService.delete(service)
    for (const part of partitions.filter(({ partition }) => PARTITIONS.includes(partition))) {
      for (const { tags, region, host } of variantsOf(part, endpointPrefix)) {
        if (resolved(rules, region, tags) !== host) continue
        const name = tags.toSorted().reverse().join('+')
        const byService = found.get(name) ?? new Map<string, Set<string>>()
        found.set(name, byService.set(service, (byService.get(service) ?? new Set()).add(region)))
      }
    }
  }
  return found
}

type Endpoint = Readonly<{ tags: readonly string[]; region: string; host: string }>

function variantsOf(part: Part, prefix: string): readonly Endpoint[] {
  const service = part.services[prefix]
  return Object.entries(service?.endpoints ?? {}).flatMap(([name, listed]) => {
    // Names that are no regions, such as `iam-govcloud`, tell theirs.
    const region = listed.credentialScope?.region ?? GLOBAL[name] ?? name
    if (!/^[a-z-]+-\d$/.test(region)) return []
    return (listed.variants ?? []).map((variant): Endpoint => {
      const same = (one: Variant) => one.tags.toSorted().join() === variant.tags.toSorted().join()
      const merged = { ...part.defaults.variants?.find(same), ...service?.defaults?.variants?.find(same), ...variant }
      const { hostname = '', dnsSuffix = '', tags } = merged
      const host = hostname.replace('{service}', prefix).replace('{region}', name).replace('{dnsSuffix}', dnsSuffix)
      return { tags, region, host }
    })
  })
}

function resolved(rules: Rules, region: string, tags: readonly string[]): string | null {
  const variant = { UseFIPS: tags.includes('fips'), UseDualStack: tags.includes('dualstack') }
  try {
    return resolveEndpoint(rules, { endpointParams: { Region: region, UseGlobalEndpoint: false, ...variant } }).url.hostname
  } catch {
    return null
  }
}

function written(version: string, found: ReturnType<typeof endpointsIn>): string {
  const lines = [...found].flatMap(([variant, byService]) => {
    const services = [...byService].map(([service, regions]) => ({ service, regions: [...regions].toSorted().join(' ') }))
    return [...Map.groupBy(services, ({ regions }) => regions)].map(
      ([regions, some]) =>
        `${variant} in ${regions}: ${some
          .map(({ service }) => service)
          .toSorted()
          .join(' ')}`,
    )
  })
  return `/*
 * Made by \`npm run variant-data\` (scripts/variant-data.ts), not by hand: the FIPS and dual-stack endpoints in the list of botocore
 * ${version}, as far as the rules of the SDK name the same hosts.
 */

/** \`variant in regions: services\`, as the SDK's variables name them. */
export const VARIANT_LINES = \`
${lines.toSorted().join('\n')}
\`
`
}
