// What the probes are measured against: a loop around the SDK's call, and nothing else.
import { setTimeout as sleep } from 'node:timers/promises'
import { AccountClient, GetAccountInformationCommand } from '@aws-sdk/client-account'
import { answering } from './child.ts'
import { type Course, measured } from './lap.ts'

const accounts: readonly string[] = JSON.parse(process.argv[2] ?? '[]')
const atOnce = Number(process.argv[3])

const client = new AccountClient({
  region: 'us-east-1',
  // Not left to the SDK's own variable: an explicit one is parsed at each call, and Alibi hands one over as well.
  endpoint: process.env['AWS_ENDPOINT_URL_ACCOUNT'] ?? '',
  maxAttempts: 1,
  requestHandler: { httpAgent: { keepAlive: true, maxSockets: atOnce }, httpsAgent: { keepAlive: true, maxSockets: atOnce } },
})

/** Each account once: `atOnce` calls, and when the last of them has ended the next. */
async function round(): Promise<void> {
  for (let i = 0; i < accounts.length; i += atOnce) {
    const some = accounts.slice(i, i + atOnce)
    await Promise.all(some.map((AccountId) => client.send(new GetAccountInformationCommand({ AccountId }))))
  }
}

/** Each account once, evenly over that time. */
async function evenly(overMs: number): Promise<void> {
  const began = performance.now()
  const calls: Promise<unknown>[] = []
  for (const [i, AccountId] of accounts.entries()) {
    const waitMs = began + (i * overMs) / accounts.length - performance.now()
    if (waitMs > 0) await sleep(waitMs)
    calls.push(client.send(new GetAccountInformationCommand({ AccountId })))
  }
  await Promise.all(calls)
}

answering(
  {
    paced: ({ overMs, inMs }: Readonly<{ overMs: number; inMs: number }>) =>
      measured(
        accounts.length,
        () => evenly(overMs),
        () => sleep(inMs - overMs),
      ),
    lap: ({ rounds }: Course) =>
      measured(rounds * accounts.length, async () => {
        for (let i = 0; i < rounds; i++) await round()
      }),
  },
  async () => client.destroy(),
)
