import { healthApi } from '../src/adapters/aws/health-api.ts'
import { ACCOUNT_REGION } from '../src/domain/policy.ts'
import { HOUR_MS, MINUTE_MS } from '../src/domain/probe.ts'
import { startSandbox } from '../src/sandbox/aws.ts'
import { HealthStandIn } from '../src/sandbox/health.ts'
import { parseScenario } from '../src/simulate/parse.ts'
import { play } from '../src/simulate/play.ts'
import { accountsOf, type Bench } from './bench.ts'

/** How long an outage is watched, and when it begins. */
const WATCHED_MS = 5 * MINUTE_MS
const BEGINS_MS = 10 * MINUTE_MS
/** Fires as the outage begins. A round of a thousand accounts takes two minutes at the pace that AWS allows. */
const SCHEDULE = '*/5 * * * *'

/** How often AWS Health is asked from an outage: of one account, and of very many that fail at once. */
export const health: Bench = async ({ size, say }) => {
  const figures = []
  for (const accounts of size.outage) {
    const readings = await readingsIn(accounts)
    const calls = await callsOf(readings)
    say(`${accounts} accounts fail at once: AWS Health is read ${readings} times in five minutes, by ${calls} calls`)
    figures.push({
      name: 'healthCalls',
      of: String(accounts),
      what: `calls to AWS Health in five minutes, ${accounts.toLocaleString('en')} failing`,
      value: calls,
      unit: '',
      atMost: 60,
      note: `${readings} readings; on a virtual clock`,
    })
  }
  return figures
}

/** How often AWS Health is read in the first five minutes of an outage of all accounts: the real daemon, on a virtual clock. */
export async function readingsIn(accounts: number): Promise<number> {
  const parsed = parseScenario(scenarioOf(accounts), 'an outage')
  if (!parsed.ok) throw new Error(parsed.faults.map(({ message }) => message).join('\n'))
  let readings = 0
  await play(parsed.scenario, {
    rig: (deps, { elapsed }) => {
      const sources = [...deps.sources].map(([partition, { api, dashboard }]) => {
        const ask: NonNullable<typeof api>['ask'] = (now, since, signal) => {
          if (elapsed() >= BEGINS_MS) readings += 1
          return api?.ask(now, since, signal) ?? Promise.resolve({ state: 'off', why: '' })
        }
        return [partition, { api: { ask }, dashboard }] as const
      })
      return { ...deps, sources: new Map(sources) }
    },
  })
  return readings
}

function scenarioOf(accounts: number): string {
  return `
title: An outage of ${accounts} accounts
start: 2026-03-02T12:00:00Z
length: ${(BEGINS_MS + WATCHED_MS) / MINUTE_MS}m
config:
  monitors:
    - { name: all, spread: 0s, schedule: "${SCHEDULE}", operations: [GetContactInformation], accounts: [${accountsOf(accounts)
      .map((id) => `"${id}"`)
      .join(', ')}] }
events:
  - { at: ${BEGINS_MS / MINUTE_MS}m, account: InternalServerException }
`
}

/** How many calls so many readings are, one after the other, of an organization on an ordinary day. */
async function callsOf(readings: number): Promise<number> {
  const aws = new HealthStandIn({ now: Date.now })
  aws.organization = true
  for (const service of ['IAM', 'EC2', 'STS']) aws.publish({ id: service, service })
  const sandbox = await startSandbox({ handlers: [(request, body, response) => aws.handle(request, body, response)] })
  const api = healthApi({
    partition: 'aws',
    credentials: async () => ({ accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' }),
    env: sandbox.endpoints(),
    timeoutMs: 10_000,
    services: ['ACCOUNT', 'STS', 'IAM', 'ORGANIZATIONS', 'MULTIPLE_SERVICES'],
    regions: [ACCOUNT_REGION.aws, 'us-west-2'],
    owners: () => [],
    members: true,
  })
  const { signal } = new AbortController()
  try {
    for (let i = 0; i < readings; i++) {
      const { state } = await api.ask(Date.now(), Date.now() - 7 * HOUR_MS, signal)
      if (state !== 'answered') throw new Error(`AWS Health is ${state}`)
    }
    return aws.asked.length
  } finally {
    api.close()
    await sandbox.close()
  }
}
