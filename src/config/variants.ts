import type { Env, Service } from './endpoints.ts'
import type { SharedFiles } from './shared-files.ts'
import type { AddFault } from './tree.ts'

/** Alternative AWS endpoints of a service: with FIPS-validated cryptography, or reachable by IPv6 as well. */
export type Variant = 'fips' | 'dualstack'
const VARIANTS = ['fips', 'dualstack'] as const

/** What asks for a variant: `AWS_USE_FIPS_ENDPOINT`, `profile prod: use_fips_endpoint`; `null`: nothing does. */
export type Wanted = Readonly<Record<Variant, string | null>>
export const NONE_WANTED: Wanted = { fips: null, dualstack: null }

const VARIABLE: Readonly<Record<Variant, string>> = {
  fips: 'AWS_USE_FIPS_ENDPOINT',
  dualstack: 'AWS_USE_DUALSTACK_ENDPOINT',
}
const KEY: Readonly<Record<Variant, string>> = { fips: 'use_fips_endpoint', dualstack: 'use_dualstack_endpoint' }

const US = ['us-east-1', 'us-east-2', 'us-west-1', 'us-west-2']
const GOV = ['us-gov-east-1', 'us-gov-west-1']
const EUROPE = 'eu-central-1 eu-central-2 eu-north-1 eu-south-1 eu-south-2 eu-west-1 eu-west-2 eu-west-3'.split(' ')
const ASIA = 'ap-east-1 ap-northeast-1 ap-northeast-2 ap-northeast-3 ap-south-1 ap-south-2'.split(' ')
const OCEANIA = 'ap-southeast-1 ap-southeast-2 ap-southeast-3 ap-southeast-4'.split(' ')
const OTHERS = 'af-south-1 ca-central-1 ca-west-1 il-central-1 me-central-1 me-south-1 sa-east-1 cn-north-1 cn-northwest-1'.split(
  ' ',
)

/**
 * The variants that exist (botocore 1.43.107, endpoints.json). The SDK invents a host for every service and region, such as
 * account-fips.us-east-1.amazonaws.com, which does not resolve.
 */
const EXISTS: Readonly<Record<Variant, Readonly<Partial<Record<Service, readonly string[]>>>>> = {
  fips: {
    STS: [...US, ...GOV],
    HEALTH: ['us-east-2', 'us-gov-west-1'],
    ORGANIZATIONS: ['us-east-1', 'us-gov-west-1'],
    CLOUDWATCH_LOGS: [...US, ...GOV, 'ca-central-1', 'ca-west-1'],
  },
  dualstack: { CLOUDWATCH_LOGS: [...US, ...GOV, ...EUROPE, ...ASIA, ...OCEANIA, ...OTHERS] },
}

/** As the SDK reads them: the variable, else the profile in use. */
export function variantsWanted(env: Env, files: SharedFiles): Wanted {
  const nameOf = (variant: Variant) => {
    const found = said(variant, env, files)
    return found?.value === 'true' ? found.name : null
  }
  return { fips: nameOf('fips'), dualstack: nameOf('dualstack') }
}

type Said = Readonly<{ name: string; value: string }>

function said(variant: Variant, env: Env, { configFile, credentialsFile }: SharedFiles): Said | null {
  const [variable, key] = [VARIABLE[variant], KEY[variant]]
  const ofEnvironment = env[variable]
  if (ofEnvironment) return { name: variable, value: ofEnvironment }
  const profile = env['AWS_PROFILE'] || 'default'
  const value = { ...credentialsFile[profile], ...configFile[profile] }[key]
  return value === undefined ? null : { name: `profile ${profile}: ${key}`, value }
}

/** For a value other than `true` and `false` the SDK fails every call, while the AWS CLI takes it for `false`. */
export function checkVariants(env: Env, files: SharedFiles, addFault: AddFault): void {
  for (const variant of VARIANTS) {
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
  return Object.fromEntries(VARIANTS.map((variant) => [VARIABLE[variant], String(wanted[variant] !== null)]))
}

/** The variant that is used for a service in a region; `null`: the default endpoint. */
export function variantIn(env: Env, service: Service, region: string): Variant | null {
  return VARIANTS.find((variant) => env[VARIABLE[variant]] === 'true' && EXISTS[variant][service]?.includes(region)) ?? null
}

/** A service that is called, and its name for people. */
export type Asked = Readonly<{ service: Service; name: string; region: string }>

/** What each requested variant changes, for people. */
export function variantsShown(wanted: Wanted, asked: readonly Asked[]): readonly string[] {
  const env = variantVariables(wanted)
  return VARIANTS.flatMap((variant) => {
    const name = wanted[variant]
    if (name === null) return []
    const by = asked.filter(({ service, region }) => variantIn(env, service, region) === variant)
    const rest = asked.filter((one) => !by.includes(one))
    const list = (all: readonly Asked[]) => all.map(({ name: shown, region }) => `${shown} in ${region}`).join(', ')
    const what = variant === 'fips' ? 'FIPS' : 'dual-stack'
    return [
      ...(by.length === 0 ? [] : [`${name}: ${what} endpoint used for ${list(by)}`]),
      ...(rest.length === 0 ? [] : [`${name}: no ${what} endpoint, default one used, for ${list(rest)}`]),
    ]
  })
}
