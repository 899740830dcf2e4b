import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { keyring as openKeyring } from '../../src/adapters/aws/credentials.ts'
import { listOrganization, type OrganizationOptions } from '../../src/adapters/aws/organizations.ts'
import { systemClock } from '../../src/adapters/clock.ts'
import { CALLER, PERSONAL, type Sandbox, startSandbox } from '../../src/sandbox/aws.ts'
import { type OrganizationAnswer, OrganizationStandIn, ROOT_ID } from '../../src/sandbox/organizations.ts'

let organization: OrganizationStandIn
let sandbox: Sandbox
let keyring: ReturnType<typeof openKeyring>
beforeEach(async () => {
  organization = new OrganizationStandIn()
  sandbox = await startSandbox({ handlers: [(request, body, response) => organization.handle(request, body, response)] })
  keyring = openKeyring({ clock: systemClock, env: sandbox.endpoints() })
  for (const [name, value] of Object.entries(sandbox.endpoints())) vi.stubEnv(name, value)
})
afterEach(async () => {
  vi.unstubAllEnvs()
  keyring.close()
  await sandbox.close()
})

const A = '111122223333'
const B = '444455556666'
const list = (options: Partial<OrganizationOptions> = {}, signal = new AbortController().signal) =>
  listOrganization(
    {
      ...{ partition: 'aws', region: 'us-east-1', ous: null, keyring, clock: systemClock, env: sandbox.endpoints() },
      credentials: { profile: null, roleArn: null, externalId: null, sessionName: null },
      ...options,
    },
    signal,
  )

test('every active account is listed, over many pages', async () => {
  const ids = Array.from({ length: 1_000 }, (_, i) => String(200_000_000_000 + i))
  organization.accounts = [{ id: CALLER.account }, ...ids.map((id) => ({ id }))]
  expect(await list()).toEqual({ ok: true, caller: CALLER.account, accounts: [CALLER.account, ...ids], left: 0 })
  expect(organization.asked).toEqual(Array(51).fill('ListAccounts'))
})

test.for(['State', 'Status'] as const)('only what is active by its %s is listed', async (tells) => {
  organization.tells = tells
  organization.accounts = [
    ...[{ id: CALLER.account }, { id: A }, { id: B, state: 'SUSPENDED' as const }],
    { id: '777788889999', state: 'PENDING_CLOSURE' },
    { id: '123412341234', state: 'CLOSED' },
    { id: '432143214321', state: 'PENDING_ACTIVATION' },
  ]
  expect(await list()).toEqual({ ok: true, caller: CALLER.account, accounts: [A, CALLER.account], left: 4 })
})

test('names are looked at only where they are wanted, and made fit to be shown', async () => {
  organization.accounts = [{ id: CALLER.account }, { id: A, name: 'pay\u202Ements\u0007 ' }, { id: B, name: '\u200B' }]
  const listing = { ok: true, caller: CALLER.account, accounts: [A, CALLER.account, B].toSorted(), left: 0 }
  expect(await list()).toEqual(listing)
  expect(await list({ named: true })).toEqual({ ...listing, names: { [CALLER.account]: PERSONAL.name, [A]: 'pay ments' } })
})

test('a delegated administrator sees itself, and not the management account, of which it may ask nothing', async () => {
  organization.management = B
  organization.accounts = [{ id: B }, { id: CALLER.account }, { id: A }]
  expect(await list()).toEqual({ ok: true, caller: CALLER.account, accounts: [A, CALLER.account], left: 1 })
})

test('of units, what is beneath them is listed once', async () => {
  const [one, two, other] = ['ou-ab12-aaaaaaaa', 'ou-ab12-bbbbbbbb', 'ou-ab12-cccccccc']
  organization.units = new Map([
    [one, ROOT_ID],
    [two, one],
    [other, ROOT_ID],
  ])
  organization.accounts = [{ id: CALLER.account }, { id: A, in: one }, { id: B, in: two }, { id: '777788889999', in: other }]
  const of = async (...ous: string[]) => {
    const listing = await list({ ous })
    return listing.ok ? listing.accounts : listing.why
  }
  expect(await of(one)).toEqual([A, B])
  expect(await of(two, one)).toEqual([A, B])
  expect(await of(ROOT_ID)).toEqual([A, CALLER.account, B, '777788889999'])
  expect(new Set(organization.asked)).toEqual(new Set(['ListAccountsForParent', 'ListOrganizationalUnitsForParent']))
  expect(await of('ou-ab12-dddddddd')).toMatch(/^one of `ous` is not in this organization/)
})

test.for<[OrganizationAnswer, RegExp]>([
  ['denied', /^the credentials may not list the organization: allow organizations:ListAccounts.*\(AccessDeniedException\)$/],
  ['not-in-use', /^the account of these credentials is in no organization/],
  ['garbage', /^its answer cannot be read$/],
  ['truncated', /^its answer cannot be read$/],
  ['no-list', /^an answer holds no list$/],
  ['misfit', /^an account in the list cannot be read$/],
  ['hang', /^no whole answer within/],
])('%s is no list, and no word of it is shown', async ([answer, why]) => {
  organization.accounts = Array.from({ length: 30 }, (_, i) => ({ id: String(200_000_000_000 + i) }))
  organization.answers = ['ok', answer]
  const listing = await list({ timeoutMs: answer === 'hang' ? 500 : 30_000 })
  expect(listing).toEqual({ ok: false, why: expect.stringMatching(why) })
  for (const planted of Object.values(PERSONAL)) expect(JSON.stringify(listing)).not.toContain(planted)
})

test('a page that is throttled is asked for again', async () => {
  organization.answers = ['throttled', '500', 'ok']
  expect(await list()).toMatchObject({ ok: true, accounts: [CALLER.account] })
})

test('pages without end come to one', async () => {
  organization.answers = ['never-ends']
  expect(await list({ maxPages: 30 })).toEqual({ ok: false, why: 'the list has more than 30 pages' })
  expect(organization.asked.length).toBe(30)
})

test('without an identity nothing is listed; a stop ends it', async () => {
  sandbox.answer({}, 'sts-denied')
  expect(await list()).toEqual({ ok: false, why: expect.stringMatching(/^whose credentials these are is not known: STS/) })
  expect(organization.asked).toEqual([])
  sandbox.answer({}, 'ok')
  organization.answers = ['hang']
  const stop = new AbortController()
  const listing = list({}, stop.signal)
  await expect.poll(() => organization.asked.length).toBe(1)
  stop.abort()
  expect(await listing).toMatchObject({ ok: false })
})
