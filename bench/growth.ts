import { redact } from '../src/adapters/aws/failure.ts'
import { dashboardEvent } from '../src/adapters/aws/health-answer.ts'
import { parseConfig } from '../src/config/file.ts'
import { judge as judgeFailure } from '../src/domain/judge.ts'
import type { HealthEvent, SourceAnswer } from '../src/domain/outage.ts'
import { HOUR_MS, MINUTE_MS } from '../src/domain/probe.ts'
import { join } from '../src/domain/reading.ts'
import { regionsNamed } from '../src/domain/region.ts'
import type { Bench } from './bench.ts'
import { median, rounded } from './figure.ts'

const NOW = Date.UTC(2025, 9, 20, 7, 0)
const TIMES = 16
const ROUNDS = 5
/** Texts that are bad for whoever looks for something in them. */
const SHAPES = [
  'a',
  ' \n',
  '<a ',
  '&#x',
  '\u0315\u0300',
  '\ufdfa',
  'US East (N. Virginia ',
  'us-east us-east-',
  '//',
  '(1 ',
  'a@',
] as const

/**
 * How work on foreign text grows: the processor's time for each letter of sixteen times the text, as a multiple of that for each
 * letter of the text itself, the worst of all shapes. What takes a time of the square comes to sixteen.
 */
export const growth: Bench = async ({ say }) => {
  const works: Readonly<Record<string, (shape: string, size: number) => unknown>> = {
    'an answer of the dashboard': (shape, size) => readAnswer(shape, size / 5_000),
    'regions named in a text': (shape, size) => regionsNamed(text(shape, size / 16)),
    'a message of Account': (shape, size) => redact(text(shape, size / 64), ''),
    'a configuration': (shape, size) =>
      parseConfig(`x: |\n${text(`  ${shape.replace(/\s/g, '')}: \${${shape}\n`, size / 4)}`, '/x', {}),
  }
  const figures = []
  for (const [what, work] of Object.entries(works)) {
    let worst = 0
    for (const shape of SHAPES) {
      const [few, many] = [await cpuOf(() => work(shape, 40_000)), await cpuOf(() => work(shape, TIMES * 40_000))]
      worst = Math.max(worst, many / few / TIMES)
    }
    say(`  ${what}: ${worst.toFixed(2)}`)
    figures.push({
      name: 'growth',
      of: what,
      what: `growth of the work on ${what}`,
      value: rounded(worst, 2),
      unit: '×',
      atMost: 4,
      note: `a letter of ${TIMES} times the text`,
    })
  }
  return figures
}

/** In microseconds: the median of some rounds, each of as many calls as a millisecond takes at least. */
async function cpuOf(work: () => unknown): Promise<number> {
  await work()
  const took: number[] = []
  for (let i = 0; i < ROUNDS; i++) {
    const began = process.cpuUsage()
    let calls = 0
    let spent = 0
    do {
      await work()
      calls += 1
      const { user, system } = process.cpuUsage(began)
      spent = user + system
    } while (spent < 20_000)
    took.push(spent / calls)
  }
  return median(took)
}

function text(shape: string, length: number): string {
  return shape.repeat(Math.max(1, Math.floor(length / shape.length)))
}

/** Parsed, joined with a copy that is nearly the same, and judged; each of the events has five thousand letters. */
function readAnswer(shape: string, events: number): unknown {
  const elements = Array.from({ length: events }, (_, i) => ({
    arn: `arn:aws:health:global::event/IAM/AWS_IAM_OPERATIONAL_ISSUE/AWS_IAM_OPERATIONAL_ISSUE_${i}`,
    date: NOW / 1_000 - 600,
    service: 'iam',
    status: 1,
    summary: text(shape, 1_000),
    event_log: [{ timestamp: NOW / 1_000 - 600, message: `${text(shape, 4_000)}.` }],
  }))
  const read = elements.flatMap((element) => dashboardEvent(element, NOW) ?? [])
  const answer = (given: readonly HealthEvent[]): SourceAnswer => ({
    state: 'answered',
    at: NOW,
    events: given,
    skipped: 0,
    detail: '',
  })
  const reading = join(
    { api: answer(read.map((one) => ({ ...one, text: `${one.text.slice(1)}x` }))), dashboard: answer(read) },
    'aws',
    NOW,
  )
  const failure = {
    kind: 'internal',
    service: 'ACCOUNT',
    region: 'us-east-1',
    onset: NOW - MINUTE_MS,
    at: NOW,
    owners: [],
  } as const
  const law = {
    policy: { lookbackMs: 7 * HOUR_MS, extensionMs: 15 * MINUTE_MS, staleAfterMs: 24 * HOUR_MS },
    relevance: { related: ['IAM'], ignore: [], codes: [] },
  }
  return judgeFailure(failure, reading, { ...law, peers: () => ({ others: 0, ok: 0 }), now: NOW })
}
