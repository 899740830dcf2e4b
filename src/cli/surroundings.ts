import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { OrganizationStatus } from '../adapters/aws/organization-view.ts'
import { cloudWatch } from '../adapters/cloudwatch.ts'
import type { Config } from '../config/config.ts'
import { readText } from '../config/read-text.ts'
import type { Partition } from '../domain/probe.ts'
import { outletOf, type Wired } from '../wire.ts'
import type { Io } from './io.ts'
import { isAlibi, pm2Home } from './pm2.ts'
import { GRACE_MS } from './run.ts'

/** One line of `check --live`: what was tried, what came of it, and what to do about it. */
export type Finding = Readonly<{ what: string; ok: boolean; detail: string; fix: string | null }>

const PM2_MS = 10_000
const MAX_PID_BYTES = 64
const MAX_ECOSYSTEM_BYTES = 64 * 1024
const PM2_BYTES = 8 * 1024 * 1024
const CLOUDWATCH_MS = 15_000
/** pm2 kills after its own 1.6 s where nothing is said. */
const PM2_DEFAULT_MS = 1_600

/** What stands around the daemon: pm2, who listens to the heartbeat, the log. */
export async function trySurroundings(config: Config, wired: Wired, io: Io, signal: AbortSignal): Promise<readonly Finding[]> {
  const found = await Promise.all([tryHeartbeat(wired, signal), tryCloudWatch(config, wired), tryPm2(io.env, process.cwd())])
  return found.flat()
}

/** @param partitions whose Health API answers: where it does not, that is the fault, and the view has none of its own */
export async function tryOrganization(
  { organization }: Wired,
  partitions: readonly Partition[],
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const asked = [...organization].filter(([partition]) => partitions.includes(partition))
  return Promise.all(
    asked.map(async ([partition, ask]) =>
      organizationFinding(`organization view of AWS Health (${partition})`, await ask(signal)),
    ),
  )
}

const WITHOUT_VIEW = 'events that AWS sent to single member accounts explain nothing'

function organizationFinding(what: string, { state, detail }: OrganizationStatus): Finding {
  switch (state) {
    case 'enabled':
      return { what, ok: true, detail, fix: null }
    case 'off': {
      // A comfort, not a need: somebody may have chosen to leave it off.
      const how = 'it is enabled in the management account (AWS Health, organizational view)'
      return { what, ok: true, detail: `${detail}: ${WITHOUT_VIEW}; ${how}, which may name a delegated administrator`, fix: null }
    }
    case 'refused':
      return {
        what,
        ok: false,
        detail: `${detail}; without it ${WITHOUT_VIEW}`,
        fix: 'use credentials of the management account or of a delegated administrator of AWS Health, with the actions that `alibi iam-policy` names',
      }
    case 'unavailable':
      return { what, ok: false, detail, fix: `see that this host reaches it; while it cannot be asked, ${WITHOUT_VIEW}` }
  }
}

async function tryHeartbeat({ heartbeat }: Wired, signal: AbortSignal): Promise<readonly Finding[]> {
  if (heartbeat === null) return []
  const why = await heartbeat.beat([], signal)
  return [
    {
      what: 'heartbeat',
      ok: why === null,
      detail: why ?? 'one beat was taken',
      fix: why === null ? null : 'see heartbeat.url: the address of one check, as the service shows it',
    },
  ]
}

/** Writes one line, as the daemon would: whether it may can be learnt in no other way. */
async function tryCloudWatch(config: Config, { env }: Wired): Promise<readonly Finding[]> {
  const { log } = config
  if (log.cloudwatch === null) return []
  const { group, region } = log.cloudwatch
  let fault: string | null = null
  const { stream, finish } = cloudWatch({
    wanted: log.cloudwatch,
    outlet: outletOf(config),
    env,
    closeMs: CLOUDWATCH_MS,
    failed: (why) => {
      fault = why
    },
    recovered: () => {},
  })
  const line = { time: new Date().toISOString(), level: 'info', message: 'somebody ran `alibi check --live`' }
  stream.write(JSON.stringify(line))
  await finish()
  return [
    {
      what: `CloudWatch Logs ${group} (${region})`,
      ok: fault === null,
      detail: fault ?? 'one line was taken',
      fix:
        fault === null
          ? null
          : 'make the log group, and allow logs:CreateLogStream and logs:PutLogEvents on it: `alibi iam-policy` says how',
    },
  ]
}

/** pm2 has to wait for longer than the daemon's own grace, or it kills what is in flight. */
async function tryPm2(env: Io['env'], directory: string): Promise<readonly Finding[]> {
  const running = await killTimeoutOfPm2(env)
  if (running !== null) return [pm2Finding('pm2', running)]
  const planned = await killTimeoutOfFile(join(directory, 'ecosystem.config.js'))
  return planned === null ? [] : [pm2Finding('pm2 (ecosystem.config.js)', planned)]
}

export function pm2Finding(what: string, killTimeoutMs: number): Finding {
  const ok = killTimeoutMs > GRACE_MS
  const detail = `it kills ${killTimeoutMs} ms after it asked Alibi to end, which takes up to ${GRACE_MS} ms`
  return { what, ok, detail, fix: ok ? null : `set kill_timeout to ${GRACE_MS * 1.5}, as ecosystem.config.js does` }
}

/** Asks the pm2 that runs; it is not started by the question. `null` if none runs, or it does not run Alibi. */
async function killTimeoutOfPm2(env: Io['env']): Promise<number | null> {
  try {
    const pid = await readText(join(pm2Home(env), 'pm2.pid'), MAX_PID_BYTES)
    process.kill(pid.ok && /^\d+\s*$/.test(pid.text) ? Number(pid.text) : Number.NaN, 0)
    const { stdout } = await promisify(execFile)('pm2', ['jlist', '--silent'], {
      env: { ...env },
      timeout: PM2_MS,
      maxBuffer: PM2_BYTES,
    })
    return killTimeoutIn(stdout)
  } catch {
    return null // No pm2, or none that says anything: there is nothing to find fault with.
  }
}

/** Of what `pm2 jlist` prints: one line of JSON, after whatever else it has to say. */
export function killTimeoutIn(printed: string): number | null {
  const apps: unknown = JSON.parse(printed.slice(printed.indexOf('[{')))
  if (!Array.isArray(apps)) return null
  for (const app of apps as readonly Record<string, unknown>[]) {
    const env = app['pm2_env'] as Record<string, unknown> | undefined
    if (!isAlibi(app['name'], env?.['pm_exec_path'])) continue
    const timeout = env?.['kill_timeout']
    return typeof timeout === 'number' ? timeout : PM2_DEFAULT_MS
  }
  return null
}

/** Read, not run: what stands there in plain figures. */
export async function killTimeoutOfFile(path: string): Promise<number | null> {
  const read = await readText(path, MAX_ECOSYSTEM_BYTES)
  if (!read.ok || !/\balibi\b/.test(read.text)) return null
  const figures = /kill_timeout:\s*([\d_]+)/.exec(read.text)?.[1]
  return figures === undefined ? PM2_DEFAULT_MS : Number(figures.replaceAll('_', ''))
}
