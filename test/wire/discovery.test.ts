import { expect, test, vi } from 'vitest'
import { CALLER, PERSONAL } from '../../src/sandbox/aws.ts'
import { DEADLINE_MS, type Line, type Stage, stage } from './daemon-process.ts'

const A = '111122223333'
const B = '444455556666'
const MONITORS = (organization = '{}', schedule = '*/2 * * * * *') => `
  - name: found
    schedule: "${schedule}"
    spread: 0s
    accounts: { organization: ${organization} }
    operations: [GetContactInformation]
    attempts: 1
    timeout: 900ms
    retryInterval: 1s
    recheckEvery: 1s`

const isListed = (line: Line) => line['message'] === 'organization listed'
const isChanged = (line: Line) => line['message'] === 'accounts changed'
const probed = ({ sandbox }: Stage) =>
  [...new Set(sandbox.received({ operation: 'GetContactInformation' }).map(({ account }) => account ?? 'self'))].toSorted()
/** These tests run beside each other: `expect.poll` would not know for which of them it waits. */
const until = (what: () => unknown, is: unknown) =>
  vi.waitFor(() => expect(what()).toEqual(is), { timeout: DEADLINE_MS, interval: 50 })

async function stopped(daemon: ReturnType<Stage['daemon']>) {
  daemon.kill('SIGTERM')
  expect(await daemon.exited).toMatchObject({ code: 0, err: '' })
}

test('accounts are found, probed, and known to the next start without asking; nothing of a person is kept', async () => {
  await using on = await stage({ monitors: MONITORS() })
  on.organization.accounts = [{ id: CALLER.account }, { id: A }, { id: B, state: 'SUSPENDED' }]
  const first = on.daemon()
  await first.line('the accounts', isChanged)
  await until(() => probed(on), [A, 'self'])
  // The management account may not name itself.
  expect(on.sandbox.received({ account: CALLER.account })).toEqual([])
  await stopped(first)

  const asked = on.organization.asked.length
  const second = on.daemon()
  const ready = await second.line('the watch', (line) => line['message'] === 'watching')
  expect(ready).toMatchObject({ probes: 2 })
  await stopped(second)
  expect(on.organization.asked.length).toBe(asked)
  for (const planted of Object.values(PERSONAL)) expect(first.printed() + second.printed()).not.toContain(planted)
  expect(new Set(on.organization.asked)).toEqual(new Set(['ListAccounts']))
  expect(on.mailbox.mails).toEqual([])
})

test('a listing that fails leaves the accounts as they were; a changed file takes effect on what is known', async () => {
  await using on = await stage({ monitors: MONITORS() })
  on.organization.accounts = [{ id: CALLER.account }, { id: A }, { id: B }]
  const daemon = on.daemon()
  await daemon.line('the accounts', isChanged)
  on.organization.answers = ['denied']
  // Of other units nothing is known; of the same ones, what was listed stays.
  await on.configure({ monitors: MONITORS(`{ exclude: ["${A}"] }`) })
  daemon.kill('SIGHUP')
  await daemon.line('the reload', (line) => line['message'] === 'configuration reloaded')
  expect(daemon.lines.findLast((line) => line['message'] === 'watching')).toMatchObject({ probes: 2 })
  await on.configure({ monitors: MONITORS('{ ous: [r-ab12] }') })
  daemon.kill('SIGHUP')
  await daemon.line('the failure', (line) => line['message'] === 'organization could not be listed')
  expect(daemon.lines.findLast((line) => line['message'] === 'watching')).toMatchObject({ probes: 0 })
  await stopped(daemon)
  expect(daemon.lines.filter(isListed).length).toBe(1)
})

test('check says how many accounts and probes that makes, from what was listed, or by listing', async () => {
  await using on = await stage({ monitors: MONITORS() })
  on.organization.accounts = [{ id: CALLER.account }, { id: A }, { id: B, state: 'CLOSED' }]
  const before = await on.alibi('check')
  expect(before).toMatchObject({ code: 0, err: '' })
  expect(before.out).toContain('organization of found: not listed yet: `alibi check --live` lists it')
  expect(on.organization.asked).toEqual([])
  const live = await on.alibi('check', '--live')
  expect(live.out).toContain('organization of found: 2 active accounts to probe, 1 left out')
  expect(live.out).toContain('organization of found: 2 accounts, 2 probes (listed ')
  expect(live.out).toContain(`found/${A}/GetContactInformation`)
  const daemon = on.daemon()
  await daemon.line('the accounts', isChanged)
  await stopped(daemon)
  const asked = on.organization.asked.length
  const after = JSON.parse((await on.alibi('check', '--json')).out) as Record<string, unknown>
  expect(after['organizations']).toEqual([{ monitor: 'found', accounts: 2, listedAt: expect.stringMatching(/Z$/), why: null }])
  expect(on.organization.asked.length).toBe(asked)
  on.organization.answers = ['denied']
  const denied = await on.alibi('check', '--live')
  expect(denied.code).toBe(69)
  expect(denied.out).toMatch(/^FAIL {3}organization of found: the credentials may not list the organization/m)
})

test('check refuses a schedule that AWS allows nobody to keep, with the numbers; run starts with it and says so', async () => {
  const ids = Array.from({ length: 60 }, (_, i) => `"${200_000_000_000 + i}"`)
  const monitors = `
  - { name: many, schedule: "*/10 * * * * *", spread: 0s, accounts: [${ids}], attempts: 1, timeout: 900ms, retryInterval: 2s }`
  await using on = await stage({ monitors })
  const sentence =
    '60 accounts × GetAccountInformation every 10s needs 6 calls/s, but AWS allows 3/s: a round takes at least 20 s (25 s with room for repeated runs)'
  const ended = await on.alibi('check')
  expect(ended.code).toBe(78)
  expect(ended.err).toContain(sentence)
  expect(ended.out).not.toContain('The configuration is valid.')
  const daemon = on.daemon()
  await daemon.line('the warning', (line) => line['warning'] === sentence)
  await daemon.ready()
  await stopped(daemon)
})

test('probe asks the accounts that were found, and never says that all is well when none could be', async () => {
  await using on = await stage({ monitors: MONITORS() })
  on.organization.answers = ['ok', 'denied']
  on.organization.accounts = [{ id: CALLER.account }, { id: A }]
  const ended = await on.alibi('probe')
  expect(ended).toMatchObject({ code: 0, err: '' })
  expect(ended.out).toContain(`found/${A}/GetContactInformation`)
  const denied = await on.alibi('probe')
  expect(denied.code).toBe(69)
  expect(denied.err).toContain('the accounts of monitor found are not known: the credentials may not list the organization')
})
