import { callerIdentity } from '../adapters/aws/caller.ts'
import type { Config } from '../config/config.ts'
import { holdersOf, type Wired } from '../wire.ts'
import { faultAdvice } from './failure-advice.ts'
import { type Finding, failed, passed } from './finding.ts'

const TIMEOUT_MS = 10_000

/** Finds out whose the credentials are, and whether a monitor lists the account of its own credentials by its id. */
export async function identityChecks(config: Config, wired: Wired, signal: AbortSignal): Promise<readonly Finding[]> {
  const { keyring, clock, env } = wired
  const all = await Promise.all(
    holdersOf(config).map(async ({ monitors, holder }) => {
      const what = `credentials of ${monitors.map(({ name }) => name).join(', ')}`
      const who = await callerIdentity(holder, { keyring, clock, env, timeoutMs: TIMEOUT_MS, signal })
      if ('why' in who)
        return [failed(what, who.why, who.fault === null ? 'make sure that this host can reach STS' : faultAdvice(who.fault))]
      const { account, arn, origin } = who
      const listsItself = monitors.filter(({ probes }) => probes.some((probe) => probe.account === account))
      return [
        passed(what, `${arn} (account ${account}), from ${origin}`),
        ...listsItself.map(({ name }) =>
          failed(
            `accounts of ${name}`,
            `${account} is the account of its own credentials: AWS rejects calls that pass their own account id`,
            'write `self` instead',
          ),
        ),
      ]
    }),
  )
  return all.flat()
}
