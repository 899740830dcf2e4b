import { AccountClient, GetContactInformationCommand } from '@aws-sdk/client-account'
import { expect, test } from 'vitest'
import { leaveUnread } from './unread-answer.ts'

/** What a client makes of an answer whose fields are left unread. */
async function told(statusCode: number, body: string): Promise<unknown> {
  const client = new AccountClient({
    region: 'us-east-1',
    credentials: { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'secret' },
    retryStrategy: { retry: (next, args) => next(args) },
    requestHandler: {
      handle: async () => ({ response: { statusCode, headers: {}, body: new TextEncoder().encode(body) } }),
    } as never,
  })
  leaveUnread(client)
  return client.send(new GetContactInformationCommand({}))
}

test.for(['{"ContactInformation":{"FullName":"Planted Personsdotter"}}', '{"ContactInformation":7}', '{}', ''])(
  'of %s nothing is handed on',
  async (body) => {
    expect(Object.keys((await told(200, body)) as object)).toEqual(['$metadata'])
  },
)

test.for(['{', '<html>', '{"a":1} and more'])('%s cannot be read', async (body) => {
  await expect(told(200, body)).rejects.toMatchObject({ name: 'SyntaxError' })
})

test('an error is read as ever', async () => {
  const refusal = told(403, '{"__type":"AccessDeniedException","message":"no"}')
  await expect(refusal).rejects.toMatchObject({ name: 'AccessDeniedException', message: 'no' })
})
