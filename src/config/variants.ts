import type { Env, Service } from './endpoints.ts'
import type { SharedFiles } from './shared-files.ts'
import type { AddFault } from './tree.ts'
import { VARIANT_LINES } from './variant-data.ts'

/** What endpoints of AWS can have beside the default ones: FIPS-validated cryptography, or being reachable by IPv6 as well. */
type Trait = 'fips' | 'dualstack'
const TRAITS = ['fips', 'dualstack'] as const
/** Alternative AWS endpoints of a service. */
export type Variant = Trait | 'fips+dualstack'

/** What asks for a variant: `AWS_USE_FIPS_ENDPOINT`, `profile prod: use_fips_endpoint`; `null`: nothing does. */
export type Wanted = Readonly<Record<Trait, string | null>>
export const NONE_WANTED: Wanted = { fips: null, dualstack: null }

const VARIABLE: Readonly<Record<Trait, string>> = {
  fips: 'AWS_USE_FIPS_ENDPOINT',
  dualstack: 'AWS_USE_DUALSTACK_ENDPOINT',
}
const KEY: Readonly<Record<Trait, string>> = { fips: 'use_fips_endpoint', dualstack: 'use_dualstack_endpoint' }

let known: ReadonlySet<string> | null = null

/**
 * Whether AWS has such an endpoint. The SDK invents a host for every service and region, such as
 * account-fips.us-east-1.amazonaws.com, which does not resolve.
 */
function exists(variant: Variant, service: Service, region: string): boolean {
  // Most ask for no variant: then it is never read.
  known ??= new Set(VARIANT_LINES.trim().split('\n').flatMap(placesIn))
  return known.has(`${variant} ${service} ${region}`)
}

/** @param line `fips in us-east-1 us-west-2: DYNAMODB CLOUDWATCH_LOGS` */
function placesIn(line: string): readonly string[] {
  const [head = '', services = ''] = line.split(': ')
  const [variant = '', regions = ''] = head.split(' in ')
  return services.split(' ').flatMap((service) => regions.split(' ').map((region) => `${variant} ${service} ${region}`))
}

/** As the SDK reads them: the variable, else the profile in use. */
export function variantsWanted(env: Env, files: SharedFiles): Wanted {
  const nameOf = (variant: Trait) => {
    const found = said(variant, env, files)
    return found?.value === 'true' ? found.name : null
  }
  return { fips: nameOf('fips'), dualstack: nameOf('dualstack') }
}

type Said = Readonly<{ name: string; value: string }>

function said(variant: Trait, env: Env, { configFile, credentialsFile }: SharedFiles): Said | null {
  const [variable, key] = [VARIABLE[variant], KEY[variant]]
  const ofEnvironment = env[variable]
  if (ofEnvironment) return { name: variable, value: ofEnvironment }
  const profile = env['AWS_PROFILE'] || 'default'
  const value = { ...credentialsFile[profile], ...configFile[profile] }[key]
  return value === undefined ? null : { name: `profile ${profile}: ${key}`, value }
}

/** For a value other than `true` and `false` the SDK fails every call, while the AWS CLI takes it for `false`. */
export function checkVariants(env: Env, files: SharedFiles, addFault: AddFault): void {
  for (const variant of TRAITS) {
    const found = said(variant, env, files)
    if (found === null || /^(true|false)$/.test(found.value)) continue
    const isVariable = found.name === VARIABLE[variant]
    const message = `${isVariable ? 'the environment variable ' : "in the AWS SDK's shared files, "}${found.name} must be true or false`
    if (isVariable) addFault([found.name], message)
    else addFault([], message, 'key')
  }
}

/** Variables for the environment that our own clients read (`withEndpoints`). */
export function variantVariables(wanted: Wanted): Env {
  return Object.fromEntries(TRAITS.map((variant) => [VARIABLE[variant], String(wanted[variant] !== null)]))
}

/** The variant that is used for a service in a region; `null`: the default endpoint. Of two that are wanted, FIPS comes first. */
export function variantIn(env: Env, service: Service, region: string): Variant | null {
  const [fips, dualstack] = TRAITS.map((trait) => env[VARIABLE[trait]] === 'true')
  const wanted: readonly Variant[] = [
    ...(fips && dualstack ? (['fips+dualstack'] as const) : []),
    ...(fips ? (['fips'] as const) : []),
    ...(dualstack ? (['dualstack'] as const) : []),
  ]
  return wanted.find((variant) => exists(variant, service, region)) ?? null
}

/** A service that is called, and its name for people. */
export type Asked = Readonly<{ service: Service; name: string; region: string }>

/** What each requested variant changes, for people. */
export function variantsShown(wanted: Wanted, asked: readonly Asked[]): readonly string[] {
  const env = variantVariables(wanted)
  return TRAITS.flatMap((trait) => {
    const name = wanted[trait]
    if (name === null) return []
    const by = asked.filter(({ service, region }) => variantIn(env, service, region)?.includes(trait) === true)
    const rest = asked.filter((one) => !by.includes(one))
    const list = (all: readonly Asked[]) => all.map(({ name: shown, region }) => `${shown} in ${region}`).join(', ')
    const what = trait === 'fips' ? 'FIPS' : 'dual-stack'
    return [
      ...(by.length === 0 ? [] : [`${name}: ${what} endpoint used for ${list(by)}`]),
      ...(rest.length === 0 ? [] : [`${name}: no ${what} endpoint, default one used, for ${list(rest)}`]),
    ]
  })
}
