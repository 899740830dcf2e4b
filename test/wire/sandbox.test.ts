import { afterEach, beforeEach, expect, test } from 'vitest'
import { OPERATIONS, WRITING_OPERATIONS } from '../../src/domain/probe.ts'
import { type Sandbox, startSandbox } from '../../src/sandbox/aws.ts'
import { HealthStandIn } from '../../src/sandbox/health.ts'

let sandbox: Sandbox
beforeEach(async () => {
  const health = new HealthStandIn({ now: () => Date.now() })
  sandbox = await startSandbox({ handlers: [(request, body, response) => health.handle(request, body, response)] })
})
afterEach(() => sandbox.close())

const path = (operation: string) => `${sandbox.url}/${operation[0]?.toLowerCase()}${operation.slice(1)}`
const ask = (operation: string, input = {}) => fetch(path(operation), { method: 'POST', body: JSON.stringify(input) })

test('AWS Health is mounted beside the others', async () => {
  expect((await fetch(`${sandbox.url}/public/currentevents`)).status).toBe(200)
  expect((await fetch(sandbox.url, { redirect: 'manual' })).status).toBe(302)
  expect(sandbox.count('Control')).toBe(1)
})

test.for(WRITING_OPERATIONS.map((operation) => [operation] as const))('%s is refused, and counted', async ([operation]) => {
  expect((await ask(operation)).status).toBe(403)
  expect(sandbox.count(operation)).toBe(1)
})

test.for(OPERATIONS.map((operation) => [operation] as const))('%s is answered as AWS does', async ([operation]) => {
  const response = await ask(operation)
  expect(response.status).toBe(200)
  expect(response.headers.get('x-amzn-requestid')).not.toBeNull()
  expect(await response.json()).toBeTypeOf('object')
})

test('answers can be scripted for an operation, an account, both, and one after another', async () => {
  const statuses = async () => {
    const asked = [ask('ListRegions'), ask('ListRegions', { AccountId: '111122223333' }), ask('GetPrimaryEmail')]
    return (await Promise.all(asked)).map(({ status }) => status)
  }
  sandbox.answer({}, 'InternalServerException')
  expect(await statuses()).toEqual([500, 500, 500])
  sandbox.answer({ account: '111122223333' }, '429')
  expect(await statuses()).toEqual([500, 429, 500])
  sandbox.answer({ operation: 'ListRegions', account: 'self' }, ['ok', 'AccessDeniedException'])
  expect(await statuses()).toEqual([200, 429, 500])
  expect(await statuses()).toEqual([403, 429, 500])
  sandbox.answer({}, 'ok')
  expect(await statuses()).toEqual([200, 200, 200])
})

test('closing does not wait for those who were left hanging', async () => {
  sandbox.answer({}, 'timeout')
  const hanging = ask('ListRegions').catch((error: unknown) => error)
  await expect.poll(() => sandbox.count('ListRegions')).toBe(1)
  await sandbox.close()
  expect(await hanging).toBeInstanceOf(Error)
})
