import { cloudWatch } from '../adapters/cloudwatch.ts'
import type { Config } from '../config/config.ts'
import { outletOf, type Wired } from '../wire.ts'
import { type Finding, failed, passed } from './finding.ts'

const TIMEOUT_MS = 15_000

/** Writes one line, as the daemon would: there is no other way to find out whether that is allowed. */
export async function cloudWatchChecks(config: Config, { env }: Wired): Promise<readonly Finding[]> {
  const wanted = config.log.cloudwatch
  if (wanted === null) return []
  let failure: string | null = null
  const { stream, finish } = cloudWatch({
    wanted,
    outlet: outletOf(config),
    env,
    closeMs: TIMEOUT_MS,
    failed: (why) => {
      failure = why
    },
    recovered: () => {},
  })
  stream.write(JSON.stringify({ time: new Date().toISOString(), level: 'info', message: 'test line of `alibi check --live`' }))
  await finish()
  const what = `CloudWatch Logs ${wanted.group} (${wanted.region})`
  if (failure === null) return [passed(what, 'one line was accepted')]
  return [
    failed(
      what,
      failure,
      'create the log group, and allow logs:CreateLogStream and logs:PutLogEvents on it, as `alibi iam-policy` shows',
    ),
  ]
}
