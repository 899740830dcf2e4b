import type { Env } from './endpoints.ts'
import type { Tell } from './monitors.ts'
import { originOf, profileFault } from './profile.ts'
import type { SharedFiles } from './shared-files.ts'
import type { Path } from './tree.ts'

/** Where the configuration names a profile; `profile` is `null` where it leaves the choice to the SDK's chain. */
export type Named = Readonly<{ path: Path; profile: string | null }>

/** Refuses the profiles with which the SDK would sign as somebody else than was meant, and not say so. */
export function checkIdentities(all: readonly Named[], env: Env, files: SharedFiles, tell: Tell): void {
  for (const { path, profile } of all) {
    if (profile === null) continue
    const fault = profileFault(profile, files)
    if (fault?.silent) tell(path, `this profile of the AWS SDK's shared files ${fault.why}`)
  }
  const name = chainProfile(all, env)
  const fault = name === null ? null : profileFault(name, files)
  if (!fault?.silent) return
  if (env['AWS_PROFILE'])
    tell(['AWS_PROFILE'], `the environment variable AWS_PROFILE names the profile ${name}, which ${fault.why}`)
  else tell([], `the profile [default] of the AWS SDK's shared files ${fault.why}`, 'key')
}

/** What cannot work as it stands, and is no reason not to start: the files may be put right at any time. */
export function identityWarnings(all: readonly Named[], env: Env, files: SharedFiles): readonly string[] {
  const origins = [...new Set(all.map(({ profile }) => profile))].map((profile) => originOf(env, profile, files))
  const warnings = origins.flatMap((origin) => (origin.from === 'nowhere' ? [`credentials: ${origin.why}`] : []))
  const usesChain = all.some(({ profile }) => profile === null)
  if (usesChain && env['AWS_PROFILE'] && env['AWS_ACCESS_KEY_ID'])
    warnings.push(
      `credentials: AWS_PROFILE and AWS_ACCESS_KEY_ID are both set in the environment: the profile ${env['AWS_PROFILE']} is used, not the key`,
    )
  return warnings
}

/** The profile that the chain goes by, where it is used and would come to one. */
function chainProfile(all: readonly Named[], env: Env): string | null {
  if (all.every(({ profile }) => profile !== null)) return null
  if (env['AWS_PROFILE']) return env['AWS_PROFILE']
  return env['AWS_ACCESS_KEY_ID'] && env['AWS_SECRET_ACCESS_KEY'] ? null : 'default'
}
