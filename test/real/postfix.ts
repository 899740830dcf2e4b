/* Started by postfix.sh, which has set a Postfix up. Ends with 1 and says what was amiss. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Daemon, isDecision, isRun, type Line, type Stage, stage, until } from '../wire/daemon-process.ts'

const { PLACE = '', PLAIN = '', STRICT = '' } = process.env
const ONCALL = 'oncall@example.com'
const DEPUTY = 'deputy@example.com'
const GONE = 'gone@example.com'
const RECIPIENTS = `{ oncall: { to: [${ONCALL}, ${DEPUTY}, ${GONE}] } }`
const CA = join(PLACE, 'ca.pem')

const smtp = (port: string, more: string) => `smtp: { host: 127.0.0.1, port: ${port}, ${more} }`

/** What `check --live` says of the mail server. */
async function checked(on: Stage, mail: string): Promise<string> {
  await on.configure({ recipients: RECIPIENTS, mail })
  const { out } = await on.alibi('check', '--live')
  const lines = out.split('\n')
  const at = lines.findIndex((line) => line.includes('mail server 127.0.0.1'))
  return lines.slice(at, at + 2).join('\n')
}

async function connections(on: Stage): Promise<void> {
  const good = `name: alibi.example.com`
  assert.match(await checked(on, smtp(PLAIN, `security: none, ${good}`)), /^ok .*answers without TLS/)
  assert.match(await checked(on, smtp(PLAIN, `security: starttls, ${good}, ca: ${CA}`)), /^ok .*answers over TLS/)
  const untrusted = await checked(on, smtp(PLAIN, `security: starttls, ${good}`))
  assert.match(untrusted, /^FAIL .*STARTTLS: .*certificate[\s\S]*-> .*set mail\.smtp\.ca to a file/)
  const nameless = await checked(on, smtp(STRICT, 'security: none, name: container'))
  assert.match(nameless, /^FAIL .*Helo command rejected: need fully-qualified hostname[\s\S]*-> .*set mail\.smtp\.name/)
  console.log('postfix: check --live says what is well, what is not, and which key to change')
}

/** The emails in the mailbox of an address: Message-ID and kind of each. */
function arrived(name: string): readonly string[] {
  try {
    return readdirSync(join(PLACE, 'mail', name, 'new'))
      .toSorted()
      .map((file) => {
        const source = readFileSync(join(PLACE, 'mail', name, 'new', file), 'utf8')
        const header = (key: string) => new RegExp(`^${key}: (.*)$`, 'im').exec(source)?.[1]?.trim() ?? ''
        return `${header('X-Alibi-Kind')} ${header('Message-ID')}`
      })
  } catch {
    return []
  }
}

const isOf = (message: string, address: string) => (line: Line) =>
  line['message'] === message && JSON.stringify(line['to'] ?? []).includes(address)

async function addresses(on: Stage, daemon: Daemon): Promise<void> {
  await daemon.line('an ok run', isRun('ok'))
  on.sandbox.answer({}, 'InternalServerException')
  const deferred = await daemon.line('one to be deferred', isOf('mail deferred', DEPUTY))
  assert.match(String(deferred['error']), /RCPT TO: 450 4\.2\.0 .*Greylisted/)
  const refused = await daemon.line('one to be refused', isOf('mail refused', GONE))
  assert.match(String(refused['error']), /RCPT TO: 550 5\.1\.1 .*User unknown/)
  const delivered = await daemon.line('one to be delivered', isOf('mail delivered', ONCALL))
  assert.match(String(delivered['reply']), /^250 2\.0\.0 Ok: queued as/)
  await until('the mail in the box', async () => arrived('oncall').length === 1)
  assert.deepEqual(arrived('deputy'), [])
  const { status, body } = await on.get('/healthz')
  assert.equal(status, 503)
  assert.match(body, /550 5\.1\.1/)

  // Its greylisting is over.
  writeFileSync(join(PLACE, 'access'), '')
  execFileSync('postfix', ['-c', join(PLACE, 'etc'), 'reload'], { stdio: 'ignore' })
  await daemon.line('it to be delivered', isOf('mail delivered', DEPUTY))
  await until('the same mail in the other box', async () => arrived('deputy').length === 1)
  assert.deepEqual(arrived('deputy'), arrived('oncall'))

  on.sandbox.answer({}, 'ok')
  await daemon.line('the end', isDecision('closed'))
  await until('the end in both boxes', async () => arrived('deputy').length === 2 && arrived('oncall').length === 2)
  assert.deepEqual(arrived('deputy'), arrived('oncall'))
  assert.deepEqual(
    arrived('oncall')
      .map((mail) => mail.split(' ')[0])
      .toSorted(),
    ['failing', 'recovered'],
  )
  assert.deepEqual(arrived('gone'), [])
  console.log('postfix: each address got what was owed to it, once, under one Message-ID')
}

await using on = await stage({ recipients: RECIPIENTS })
await connections(on)
await on.configure({ recipients: RECIPIENTS, mail: smtp(PLAIN, `security: starttls, name: alibi.example.com, ca: ${CA}`) })
await addresses(on, on.daemon())
process.exitCode = 0
