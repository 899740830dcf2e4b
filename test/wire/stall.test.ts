import { once } from 'node:events'
import { stat } from 'node:fs'
import { performance } from 'node:perf_hooks'
import { setTimeout as wait } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { accountProber } from '../../src/adapters/aws/account.ts'
import type { Monitor, Probe } from '../../src/domain/probe.ts'
import type { Clock } from '../../src/ports/time.ts'

/* A monitor that stands still must not call its own absence an outage (docs/rules.md, Failure kinds). */

const ANSWERED_IN_MS = 50
const BLOCKED_MS = 1_200
const TIMEOUT_MS = 1_000

const clock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  uptime: () => performance.now(),
  moment: () => null,
  sleep: (ms, signal) => wait(ms, undefined, { signal }).catch(() => undefined),
}
const never = new AbortController().signal
const probe: Probe = {
  id: 'm/self/ListRegions',
  monitor: 'm',
  account: 'self',
  call: { operation: 'ListRegions', parameter: null },
}
const monitor = {
  name: 'm',
  partition: 'aws',
  region: 'us-east-1',
  credentials: { profile: null, roleArn: null, externalId: null, sessionName: null },
  attempts: 1,
  backoffMs: 1,
  timeoutMs: TIMEOUT_MS,
  probes: [probe],
} as unknown as Monitor

let worker: Worker
let endpoints: Record<string, string>

beforeAll(async () => {
  worker = new Worker(new URL('./sandbox-worker.ts', import.meta.url), { workerData: { afterMs: ANSWERED_IN_MS } })
  ;[endpoints] = (await once(worker, 'message')) as [Record<string, string>]
  for (const [name, value] of Object.entries(endpoints)) vi.stubEnv(name, value)
})
afterAll(async () => {
  vi.unstubAllEnvs()
  await worker.terminate()
})

function blockInIo(): Promise<void> {
  return new Promise((resolve) => {
    stat('/', () => {
      const until = performance.now() + BLOCKED_MS
      while (performance.now() < until);
      resolve()
    })
  })
}

test('blocked for longer than a try has: ten of ten runs are not called failed', async () => {
  const control = { url: endpoints['AWS_ENDPOINT_URL_STS'] ?? '', timeoutMs: 1_000 }
  const prober = accountProber({ monitors: [monitor], control, clock, random01: () => 1, env: process.env, version: '0.0.0' })
  const results: string[] = []
  for (let i = 0; i < 10; i++) {
    const running = prober.run(probe, never)
    // By turns while the request is being made, and while its answer is awaited.
    if (i % 2 === 1) await wait(ANSWERED_IN_MS / 2)
    await blockInIo()
    results.push((await running).result)
  }
  prober.close()
  expect(results).not.toContain('failed')
  // The answers that lay in the sockets when the loop turned again were read.
  expect(results).toContain('ok')
})
