import { expect, test } from 'vitest'
import type { Caught } from '../../src/sandbox/mailbox.ts'
import { DEADLINE_MS, isDecision, isRun, type Line, type Stage, stage, until } from './daemon-process.ts'

/* What is owed to each address, by the real daemon and a real mail server. */

const A = 'oncall@example.com'
const B = 'deputy@example.com'
const GONE = 'gone@example.com'
const recipients = (...to: readonly string[]) => `{ oncall: { to: [${to.join(', ')}] } }`

type Address = Readonly<{ address: string; state: string; error: string | null; reply: string | null; nextAt: string | null }>
type Row = Readonly<{ kind: string; state: string; to: readonly string[]; addresses: readonly Address[] }>

const kindOf = (mail: Caught) => mail.headers['x-alibi-kind']
const listed = async (on: Stage) => JSON.parse((await on.alibi('outbox', 'list', '--json')).out) as readonly Row[]
const to = (on: Stage, address: string) =>
  on.mailbox.mails.filter(({ envelope }) => envelope.to.includes(address)).map((mail) => kindOf(mail))
const mailTo = ({ mailbox }: Stage, kind: string, address: string) =>
  mailbox.waitFor((mail) => kindOf(mail) === kind && mail.envelope.to.includes(address), DEADLINE_MS)
const isOf = (message: string, address: string) => (line: Line) =>
  line['message'] === message && JSON.stringify(line['to'] ?? []).includes(address)
/** All of it but what parts the message in two, which is drawn anew. */
const letterOf = ({ source }: Caught) => source.replaceAll(/--_NmP-[^\s"]+/g, 'BOUNDARY')

test('one of three is greylisted and one is unknown: each gets what is owed to it, and nobody a second copy', async () => {
  await using on = await stage({ recipients: recipients(A, B, GONE) }, { mailbox: { refuse: { [B]: 450, [GONE]: 550 } } })
  const daemon = on.daemon()
  await daemon.line('an ok run', isRun('ok'))
  on.sandbox.answer({}, 'InternalServerException')
  const first = await mailTo(on, 'failing', A)
  expect(first.envelope.to).toEqual([A])
  expect(first.headers['to']).toBe([A, B, GONE].join(', '))
  expect(await daemon.line('one to wait', isOf('mail deferred', B))).toMatchObject({ error: expect.stringContaining('450') })
  expect(await daemon.line('one to be refused', isOf('mail refused', GONE))).toMatchObject({
    error: expect.stringContaining('550'),
  })
  await daemon.line('one to be delivered', isOf('mail delivered', A))

  const [row] = await listed(on)
  expect(row).toMatchObject({ kind: 'failing', state: 'retrying', to: [A, B, GONE] })
  expect(row?.addresses).toMatchObject([
    { address: A, state: 'delivered', reply: expect.stringMatching(/^250 /), nextAt: null },
    { address: B, state: 'retrying', error: expect.stringContaining('450 This recipient'), nextAt: expect.any(String) },
    { address: GONE, state: 'refused', error: expect.stringContaining('550 This recipient'), nextAt: null },
  ])
  const { status, body } = await on.get('/healthz')
  expect([status, body]).toEqual([503, expect.stringMatching(/was refused: .*550/)])
  const [incident] = await on.incidents()
  const told = (await on.alibi('explain', String(incident?.['id']))).out.replaceAll(/\s+/g, ' ')
  for (const [address, state, reply] of [
    [A, 'delivered', '250'],
    [B, 'retrying', '450'],
    [GONE, 'refused', '550'],
  ])
    expect(told).toMatch(new RegExp(`${address} ${state} .*${reply}`))
  const page = (await on.get('/')).body
  expect(page).toContain(`Yes: oncall at ${A}`)
  for (const address of [B, GONE]) expect(page).toContain(address)
  const metrics = (await on.get('/metrics')).body
  expect(metrics).toContain(`alibi_mails_undelivered{recipient="oncall",address="${GONE}",state="refused"} 1`)
  expect(metrics).toContain(`alibi_mails_undelivered{recipient="oncall",address="${B}",state="owed"} 1`)
  for (const result of ['delivered', 'refused'])
    expect(metrics).toContain(`alibi_mails_total{kind="failing",result="${result}"} 1`)

  on.mailbox.setRefuse({ [GONE]: 550 })
  const later = await mailTo(on, 'failing', B)
  expect([later.messageId, later.envelope.to]).toEqual([first.messageId, [B]])
  expect(letterOf(later)).toBe(letterOf(first))
  await daemon.line('it to be on disk', isOf('mail delivered', B))

  on.sandbox.answer({}, 'ok')
  await daemon.line('the end', isDecision('closed'))
  expect((await mailTo(on, 'recovered', B)).envelope.to).toEqual([A, B])
  await until('nothing to wait', async () => (await listed(on)).every(({ state }) => state === 'refused'))
  expect([to(on, A), to(on, B), to(on, GONE)]).toEqual([['failing', 'recovered'], ['failing', 'recovered'], []])
  expect(
    (await listed(on)).flatMap((one) => one.addresses.map(({ address, state }) => `${one.kind} ${address} ${state}`)),
  ).toEqual([`failing ${A} delivered`, `failing ${B} delivered`, `failing ${GONE} refused`, `recovered ${GONE} refused`])
  expect((await on.alibi('outbox', 'drop', '--all')).code).toBe(0)
  expect(await listed(on)).toEqual([])
})

test('an address that is deferred until it is over gets one email that reports both; killed in between, it is still owed', async () => {
  await using on = await stage({ recipients: recipients(A, B) }, { mailbox: { refuse: { [B]: 451 } } })
  const first = on.daemon()
  await first.line('an ok run', isRun('ok'))
  on.sandbox.answer({}, 'InternalServerException')
  const failing = await mailTo(on, 'failing', A)
  await first.line('it to be on disk', isOf('mail delivered', A))
  first.kill('SIGKILL')
  await first.exited

  const second = on.daemon()
  await second.line('an attempt', isOf('mail deferred', B))
  on.sandbox.answer({}, 'ok')
  const plain = await mailTo(on, 'recovered', A)
  expect(plain.envelope.to).toEqual([A])
  expect(plain.headers['in-reply-to']).toBe(failing.messageId)
  expect(plain.text).not.toContain('It was failing')
  on.mailbox.setRefuse({})
  const both = await mailTo(on, 'recovered', B)
  expect(both.messageId).not.toBe(plain.messageId)
  expect(both.headers['in-reply-to']).toBeUndefined()
  expect(both.text.replaceAll(/\s+/g, ' ')).toMatch(
    /It was failing .* to .*; the mail server did not accept the first email \(.*451/,
  )
  expect([to(on, A), to(on, B)]).toEqual([['failing', 'recovered'], ['recovered']])
})

test('a server that takes two recipients at once gets all five, one after the other and without a pause', async () => {
  const five = [1, 2, 3, 4, 5].map((n) => `n${n}@example.com`)
  await using on = await stage({ recipients: recipients(...five) }, { mailbox: { most: 2 } })
  const daemon = on.daemon()
  await daemon.line('an ok run', isRun('ok'))
  on.sandbox.answer({}, 'InternalServerException')
  await mailTo(on, 'failing', 'n5@example.com')
  const mails = on.mailbox.mails.filter((mail) => kindOf(mail) === 'failing')
  expect(mails.map(({ envelope }) => envelope.to)).toEqual([five.slice(0, 2), five.slice(2, 4), five.slice(4)])
  expect(new Set(mails.map(({ messageId }) => messageId)).size).toBe(1)
  await daemon.line('the last to be on disk', isOf('mail delivered', 'n5@example.com'))
  expect(await listed(on)).toEqual([])
})

test('a rejected login says nothing about the email: it waits, /healthz says why, and it is sent as soon as possible', async () => {
  const auth = { user: 'alibi', password: 'right-password' }
  await using on = await stage({}, { mailbox: { auth, mode: 'no-login' } })
  const login = `security: none, user: ${auth.user}, password: ${auth.password}`
  await on.configure({ mail: `smtp: { host: 127.0.0.1, port: ${on.mailbox.port}, ${login} }` })
  const daemon = on.daemon()
  await daemon.line('an ok run', isRun('ok'))
  on.sandbox.answer({}, 'InternalServerException')
  const line = await daemon.line('an attempt', (one) => one['message'] === 'mail deferred')
  expect(line).toMatchObject({ error: expect.stringMatching(/login: 535 5\.7\.8 Connection lost/) })
  const { status, body } = await on.get('/healthz')
  expect([status, body]).toEqual([503, expect.stringMatching(/takes nothing from this host: .*535 5\.7\.8/)])
  expect(await listed(on)).toMatchObject([{ state: 'retrying', error: expect.stringContaining('535') }])
  await on.mailbox.setMode('up')
  await mailTo(on, 'failing', A)
  await daemon.line('it to be on disk', isOf('mail delivered', A))
  expect((await on.get('/healthz')).status).toBe(200)
})
