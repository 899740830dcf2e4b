import type { Env } from './endpoints.ts'
import { originOf, profileFault } from './profile.ts'
import type { SharedFiles } from './shared-files.ts'
import type { AddFault, Path } from './tree.ts'

/** A place where the configuration names a profile, or leaves the choice to the SDK (`null`). */
export type Named = Readonly<{ path: Path; profile: string | null }>

/** Refuses profiles for which the SDK would silently use other credentials than those that were meant. */
export function checkIdentities(all: readonly Named[], env: Env, files: SharedFiles, addFault: AddFault): void {
  for (const { path, profile } of all) {
    if (profile === null) continue
    const fault = profileFault(profile, files)
    if (fault?.silent) addFault(path, `this profile of the AWS SDK's shared files ${fault.why}`)
  }
  const name = chainProfile(all, env)
  const fault = name === null ? null : profileFault(name, files)
  if (!fault?.silent) return
  if (env['AWS_PROFILE'])
    addFault(['AWS_PROFILE'], `the environment variable AWS_PROFILE names the profile ${name}, which ${fault.why}`)
  else addFault([], `the profile [default] of the AWS SDK's shared files ${fault.why}`, 'key')
}

/** What cannot work now. It is no reason not to start, since the files can be corrected at any time. */
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

/** The profile that the SDK's chain uses, if any. */
function chainProfile(all: readonly Named[], env: Env): string | null {
  if (all.every(({ profile }) => profile !== null)) return null
  if (env['AWS_PROFILE']) return env['AWS_PROFILE']
  return env['AWS_ACCESS_KEY_ID'] && env['AWS_SECRET_ACCESS_KEY'] ? null : 'default'
}
