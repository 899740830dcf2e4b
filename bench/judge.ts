import { judge as judgeFailure } from '../src/domain/judge.ts'
import type { HealthEvent, HealthReading } from '../src/domain/outage.ts'
import { HOUR_MS, MINUTE_MS } from '../src/domain/probe.ts'
import type { Failure } from '../src/domain/verdict.ts'
import type { Bench } from './bench.ts'
import { median, rounded } from './figure.ts'

const NOW = Date.UTC(2025, 9, 20, 7, 0)
const SERVICES = ['EC2', 'LAMBDA', 'IAM', 'MULTIPLE_SERVICES', 'STS', 'S3', 'ACCOUNT', 'CLOUDFRONT']
const REGIONS = ['us-east-1', 'eu-north-1', 'global', 'ap-southeast-2', null, 'us-west-2']
const CODES = ['OPERATIONAL_ISSUE', 'API_ISSUE', 'OPERATIONAL_NOTIFICATION', 'SCHEDULED_MAINTENANCE']
const TEXT =
  'We are investigating increased error rates and latencies for several AWS services in the N. Virginia (us-east-1) Region. '

/** The longest that a verdict can keep the event loop: one failure against very many events, none of which explains it. */
export const judge: Bench = async ({ size }) => {
  const reading: HealthReading = {
    partition: 'aws',
    at: NOW,
    events: Array.from({ length: size.events }, (_, i) => eventOf(i)),
    sources: {
      api: { state: 'answered', at: NOW, events: size.events, skipped: 0, detail: '' },
      dashboard: { state: 'answered', at: NOW, events: size.events, skipped: 0, detail: '' },
    },
  }
  const failure: Failure = {
    kind: 'internal',
    service: 'ACCOUNT',
    region: 'us-east-1',
    onset: NOW - 3 * MINUTE_MS,
    at: NOW - MINUTE_MS,
    owners: ['123456789012'],
  }
  const law = {
    policy: { lookbackMs: 7 * HOUR_MS, extensionMs: 15 * MINUTE_MS, staleAfterMs: 24 * HOUR_MS },
    relevance: { related: ['IAM', 'STS', 'ORGANIZATIONS', 'MULTIPLE_SERVICES'], ignore: [], codes: [] },
  }
  const took: number[] = []
  for (let i = 0; i < size.judgements; i++) {
    const began = performance.now()
    const verdict = judgeFailure(failure, reading, { ...law, peers: () => ({ others: 0, ok: 0 }), now: NOW })
    took.push(performance.now() - began)
    if (verdict.kind !== 'unexplained') throw new Error(`the verdict should be unexplained and is ${verdict.kind}`)
  }
  return [
    {
      name: 'judgeMs',
      what: 'one verdict',
      value: rounded(median(took), 2),
      unit: 'ms',
      note: `against ${size.events.toLocaleString('en')} events`,
    },
  ]
}

/** Every service, region and code in turn; all of them ended long ago, so that each is put to every test. */
function eventOf(i: number): HealthEvent {
  const service = pick(SERVICES, i)
  const region = pick(REGIONS, Math.floor(i / SERVICES.length))
  const code = `AWS_${service}_${pick(CODES, Math.floor(i / 48))}`
  const startedAt = NOW - (10 + (i % 500)) * HOUR_MS
  return {
    arn: `arn:aws:health:${region ?? 'global'}::event/${service}/${code}/${code}_${i}`,
    service,
    region,
    code,
    category: 'issue',
    scope: 'PUBLIC',
    status: 'closed',
    startedAt,
    endedAt: startedAt + 2 * HOUR_MS,
    updatedAt: startedAt + 2 * HOUR_MS,
    text: TEXT.repeat(1 + (i % 8)),
    impacted:
      service === 'MULTIPLE_SERVICES'
        ? [
            { key: 'account', resolvedAt: startedAt + 2 * HOUR_MS },
            { key: 'ec2-us-east-1', resolvedAt: null },
          ]
        : null,
    sources: ['api', 'dashboard'],
    owners: [],
  }
}

function pick<T>(list: readonly T[], i: number): T {
  return list[i % list.length] as T
}
