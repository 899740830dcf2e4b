// What the probes are measured against: a loop around the SDK's call, and nothing else.
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
  requestHandler: { httpAgent: { keepAlive: true, maxSockets: atOnce } },
})

/** Each account once: `atOnce` calls, and when the last of them has ended the next. */
async function round(): Promise<void> {
  for (let i = 0; i < accounts.length; i += atOnce) {
    const some = accounts.slice(i, i + atOnce)
    await Promise.all(some.map((AccountId) => client.send(new GetAccountInformationCommand({ AccountId }))))
  }
}

answering(
  {
    lap: ({ rounds }: Course) =>
      measured(rounds * accounts.length, async () => {
        for (let i = 0; i < rounds; i++) await round()
      }),
  },
  async () => client.destroy(),
)
