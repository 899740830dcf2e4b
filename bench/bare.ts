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

/** Each account once, `atOnce` calls at a time. */
async function round(): Promise<void> {
  const left = accounts.values()
  const worker = async () => {
    for (const AccountId of left) await client.send(new GetAccountInformationCommand({ AccountId }))
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
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
