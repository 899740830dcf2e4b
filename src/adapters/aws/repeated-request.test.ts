import { AccountClient, GetContactInformationCommand, GetPrimaryEmailCommand } from '@aws-sdk/client-account'
import { expect, test } from 'vitest'
import { repeatRequests } from './repeated-request.ts'

type Sent = Readonly<{ path: string; headers: Readonly<Record<string, string>>; body: string | Uint8Array }>

/** A client that sends nothing, what it would have sent, and how often it has built a request. */
function clientOf(isRepeating: boolean) {
  const sent: Sent[] = []
  let built = 0
  const client = new AccountClient({
    region: 'us-east-1',
    credentials: { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'secret' },
    endpoint: async () => {
      built++
      return { protocol: 'https:', hostname: 'account.example', path: '/' }
    },
    retryStrategy: { retry: (next, args) => next(args) },
    cacheMiddleware: true,
    requestHandler: {
      handle: async (request: Sent) => {
        sent.push(request)
        return { response: { statusCode: 200, headers: {}, body: new TextEncoder().encode('{}') } }
      },
    } as never,
  })
  if (isRepeating) repeatRequests(client)
  return { client, sent, built: () => built }
}

const asSent = ({ path, headers, body }: Sent) => {
  const { authorization, 'x-amz-date': _, ...others } = headers
  // The signature differs with the second in which it was made.
  return {
    path,
    headers: others,
    scope: authorization?.replace(/Signature=.*/, ''),
    body: typeof body === 'string' ? body : new TextDecoder().decode(body),
  }
}

test('of the same input a request is built once, and sent as if it had been built each time', async () => {
  const [one, other] = [{ AccountId: '111122223333' }, { AccountId: '444455556666' }]
  const [ours, theirs] = [clientOf(true), clientOf(false)]
  for (const { client } of [ours, theirs]) {
    for (const input of [one, other, one, other, one]) {
      await client.send(new GetContactInformationCommand(input))
      await client.send(new GetPrimaryEmailCommand(input))
    }
    await client.send(new GetContactInformationCommand({}))
  }
  expect(ours.sent).toHaveLength(11)
  expect(ours.sent.map(asSent)).toEqual(theirs.sent.map(asSent))
  expect(ours.built() / theirs.built()).toBe(5 / 11)
})

test('a request is dated and signed each time', async () => {
  const { client, sent } = clientOf(true)
  const ask = () => client.send(new GetContactInformationCommand({ AccountId: '111122223333' }))
  await ask()
  client.config.systemClockOffset = 3_600_000
  await ask()
  const dates = sent.map(({ headers }) => headers['x-amz-date'])
  const signatures = sent.map(({ headers }) => headers['authorization'])
  expect(new Set(dates).size).toBe(2)
  expect(new Set(signatures).size).toBe(2)
})

test('errors are read by the client, also of a request that is repeated', async () => {
  const { client } = clientOf(true)
  let status = 200
  client.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args)
      if (status !== 200)
        Object.assign(result.response as object, {
          statusCode: status,
          body: new TextEncoder().encode('{"__type":"AccessDeniedException"}'),
        })
      return result
    },
    { step: 'deserialize', priority: 'low' },
  )
  const ask = () => client.send(new GetContactInformationCommand({ AccountId: '111122223333' }))
  await ask()
  status = 403
  await expect(ask()).rejects.toMatchObject({ name: 'AccessDeniedException', $metadata: { httpStatusCode: 403 } })
})
