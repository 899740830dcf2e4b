import { once } from 'node:events'
import { chmod, glob, readFile, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { OTHER_ACCOUNT, PERSONAL } from '../../src/sandbox/aws.ts'
import { LogsStandIn } from '../../src/sandbox/logs.ts'
import type { Caught } from '../../src/sandbox/mailbox.ts'
import { type Daemon, DEADLINE_MS, isDecision, isRun, type Line, type Stage, stage, until } from './daemon-process.ts'

/** The grace that a stop may take, and what a busy machine adds to it: pm2 does not wait longer. */
const STOP_MS = 15_000

const KNOWN = {
  id: 'known',
  service: 'MULTIPLE_SERVICES',
  region: 'us-east-1',
  text: 'Increased error rates.',
  impacted: ['account'],
} as const
const isDelivered = (line: Line) => line['message'] === 'mail delivered'
const isSilence = (line: Line) => line['decision'] === 'withheld' && line['rule'] === 'suppression'
const kindOf = (mail: Caught) => mail.headers['x-alibi-kind'] ?? ''
const kinds = ({ mailbox }: Stage) => mailbox.mails.map(kindOf)
const mailOf = ({ mailbox }: Stage, kind: string) => mailbox.waitFor((mail) => kindOf(mail) === kind, DEADLINE_MS)

/** Every email once, by the id that a mail program knows it by. */
function expectNoneTwice({ mailbox }: Stage) {
  const ids = mailbox.mails.map((mail) => mail.messageId)
  expect(ids).toEqual([...new Set(ids)])
}

async function stopped(daemon: Daemon, signal: NodeJS.Signals = 'SIGTERM') {
  const began = performance.now()
  daemon.kill(signal)
  const { code, err } = await daemon.exited
  expect({ code, err }).toEqual({ code: 0, err: '' })
  expect(performance.now() - began).toBeLessThan(STOP_MS)
}

async function killed(daemon: Daemon) {
  daemon.kill('SIGKILL')
  expect((await daemon.exited).signal).toBe('SIGKILL')
}

test('it watches, serves its page, and ends at SIGTERM with everything on disk', async () => {
  await using on = await stage()
  const daemon = on.daemon()
  await daemon.ready()
  await daemon.line('an ok run', isRun('ok'))
  expect(await on.get('/healthz')).toMatchObject({ status: 200 })
  const page = await on.get('/')
  expect(page.status).toBe(200)
  expect(page.body).toContain('production')
  expect(daemon.printed()).toContain('AWS_ENDPOINT_URL_ACCOUNT')
  await stopped(daemon)
  expect(daemon.lines.at(-1)?.['message']).toBe('stopped')
  expect(on.mailbox.mails).toEqual([])
})

test('an unexplained failure is emailed and listed, and so is its end', async () => {
  await using on = await stage()
  const daemon = on.daemon()
  await daemon.line('an ok run', isRun('ok'))
  on.sandbox.answer({}, 'InternalServerException')
  const failing = await mailOf(on, 'failing')
  expect(failing.text).toMatch(/^FAILING/)
  expect(failing.envelope.to).toEqual(['oncall@example.com'])
  expect(failing.subject).toMatch(/^\[alibi\] production: AWS Account trouble #[0-9a-f]{4}$/)

  const overHttp = JSON.parse((await on.get('/api/incidents')).body) as unknown[]
  expect(overHttp).toMatchObject([
    { family: 'outage', state: 'announced', verdict: 'unexplained', explainedBy: null, monitors: ['production'], closedAt: null },
  ])
  expect(await on.incidents()).toEqual(overHttp)
  expect((await on.get('/')).body).toContain('InternalServerException')

  on.sandbox.answer({}, 'ok')
  const recovered = await mailOf(on, 'recovered')
  expect(recovered.headers['in-reply-to']).toBe(failing.messageId)
  expect(recovered.subject).toBe(`Re: ${failing.subject}`)
  expect(recovered.headers['x-alibi-incident']).toBe(failing.headers['x-alibi-incident'])
  await daemon.line('the second mail on disk', (line) => line['message'] === 'mail delivered' && line['kind'] === 'recovered')
  await stopped(daemon)
  expect(await on.incidents()).toMatchObject([{ state: 'closed', closedAt: expect.stringMatching(/Z$/) }])
  expect(kinds(on)).toEqual(['failing', 'recovered'])
  expectNoneTwice(on)
})

test('a failure that AWS has explained is not mailed, and its end neither', async () => {
  await using on = await stage()
  const daemon = on.daemon()
  await daemon.line('an ok run', isRun('ok'))
  on.aws.publish(KNOWN)
  on.sandbox.answer({}, 'InternalServerException')
  const silence = await daemon.line('the silence', isSilence)
  expect(String(silence['reason'])).toContain('lists ACCOUNT among')
  expect(await on.incidents()).toMatchObject([
    { state: 'suppressed', verdict: 'explained', explainedBy: on.aws.arnOf('known'), announcedAt: null },
  ])
  on.sandbox.answer({}, 'ok')
  await daemon.line('the end', isDecision('closed'))
  await stopped(daemon)
  expect(on.mailbox.mails).toEqual([])
})

/** A run that outlasts any grace. The probe of an open incident runs as soon as the daemon starts. */
const ENDLESS = `
  - name: production
    spread: 0s
    operations: [GetContactInformation]
    attempts: 1
    timeout: 25s
    retryInterval: 30s
    recheckEvery: 30s`

test.for([
  ['SIGTERM', 1, 9_000, STOP_MS],
  ['SIGINT', 2, 0, 9_000],
] as const)(
  '%s ×%i ends it with code 0, and loses nothing, while AWS and the mail server hang',
  async ([signal, times, atLeast, atMost]) => {
    await using on = await stage({}, { mailbox: { mode: 'hanging' } })
    on.sandbox.answer({}, 'InternalServerException')
    const first = on.daemon()
    await first.line('the mail to be owed', isDecision('mailed'))
    await killed(first)
    on.sandbox.answer({}, 'timeout')
    await on.configure({ monitors: ENDLESS })
    const before = on.sandbox.count('GetContactInformation')
    const daemon = on.daemon()
    await daemon.ready()
    await until('a run in flight', () => on.sandbox.count('GetContactInformation') > before)
    await until('a mail on its way', () => on.mailbox.connections() > 0)

    const began = performance.now()
    for (let i = 0; i < times; i++) {
      if (i > 0) await daemon.line('the first signal to be heard', (line) => line['message'] === 'stopping')
      daemon.kill(signal)
    }
    expect(await daemon.exited).toMatchObject({ code: 0, err: '' })
    const ms = performance.now() - began
    expect(ms).toBeGreaterThan(atLeast)
    expect(ms).toBeLessThan(atMost)

    await on.mailbox.setMode('up')
    await on.configure({})
    on.sandbox.answer({}, 'InternalServerException')
    const last = on.daemon()
    await mailOf(on, 'failing')
    await last.line('the mail on disk', isDelivered)
    await stopped(last)
    expect(kinds(on)).toEqual(['failing'])
  },
)

test('killed while it is undecided: it decides afterwards, and says so once', async () => {
  await using on = await stage()
  on.sandbox.answer({}, 'InternalServerException')
  const first = on.daemon()
  await first.line('a failed run', isRun('failed'))
  await killed(first)
  expect(first.lines.filter(isDecision('mailed'))).toEqual([])
  expect(on.mailbox.mails).toEqual([])

  const second = on.daemon()
  const failing = await mailOf(on, 'failing')
  on.sandbox.answer({}, 'ok')
  const recovered = await mailOf(on, 'recovered')
  expect(recovered.headers['in-reply-to']).toBe(failing.messageId)
  await stopped(second)
  expect(kinds(on)).toEqual(['failing', 'recovered'])
})

test('killed while an email is owed and the mail server is down: it is sent afterwards, once, under the same id', async () => {
  await using on = await stage({}, { mailbox: { mode: 'down' } })
  on.sandbox.answer({}, 'InternalServerException')
  const first = on.daemon()
  await first.line('the first attempt', (line) => line['message'] === 'mail deferred')
  await killed(first)
  const owed = JSON.parse((await on.alibi('outbox', 'list', '--json')).out) as { id: string }[]
  expect(owed).toMatchObject([{ kind: 'failing', to: ['oncall@example.com'], state: 'retrying', attempts: 1 }])

  await on.mailbox.setMode('up')
  const second = on.daemon()
  const failing = await mailOf(on, 'failing')
  expect(failing.messageId).toBe(`<${owed[0]?.id}@example.com>`)
  on.sandbox.answer({}, 'ok')
  const recovered = await mailOf(on, 'recovered')
  expect(recovered.headers['in-reply-to']).toBe(failing.messageId)
  await second.line('nothing to be owed', (line) => isDelivered(line) && line['kind'] === 'recovered')
  await stopped(second)
  expect(kinds(on)).toEqual(['failing', 'recovered'])
  expect(JSON.parse((await on.alibi('outbox', 'list', '--json')).out)).toEqual([])
})

test('killed when the server had the email and had not confirmed it: sent again under the same id, and shown once', async () => {
  await using on = await stage({}, { mailbox: { mode: 'silent-in-data' } })
  on.sandbox.answer({}, 'InternalServerException')
  const first = on.daemon()
  await first.line('the mail to be owed', isDecision('mailed'))
  await until('the mail on its way', () => on.mailbox.connections() > 0)
  await on.mailbox.setMode('dropping-after-dot')
  await killed(first)
  const second = on.daemon()
  await second.line('the line that broke after the dot', (line) => line['message'] === 'mail deferred')
  await killed(second)
  expect(on.mailbox.mails).toHaveLength(1)

  await on.mailbox.setMode('up')
  const third = on.daemon()
  await third.line('the mail on disk', isDelivered)
  await stopped(third)
  expect(kinds(on)).toEqual(['failing', 'failing'])
  expect(new Set(on.mailbox.mails.map((mail) => mail.messageId)).size).toBe(1)
})

test('killed while AWS explains: still silent afterwards, and it speaks when AWS says fixed and it is not', async () => {
  await using on = await stage()
  on.aws.publish(KNOWN)
  on.sandbox.answer({}, 'InternalServerException')
  const first = on.daemon()
  await first.line('the silence', isSilence)
  await killed(first)

  const second = on.daemon()
  await second.next('runs that fail', isRun('failed'), 4)
  expect(second.lines.filter(isDecision('opened'))).toEqual([])
  expect(await on.incidents()).toMatchObject([{ state: 'suppressed', verdict: 'explained' }])
  expect(on.mailbox.mails).toEqual([])

  on.aws.close('known')
  const failing = await mailOf(on, 'failing')
  expect(failing.text).toContain('AWS')
  on.sandbox.answer({}, 'ok')
  await mailOf(on, 'recovered')
  await stopped(second)
  expect(kinds(on)).toEqual(['failing', 'recovered'])
  expect(await on.incidents()).toHaveLength(1)
})

test('a recovery while it was dead is emailed after the start, to those who were notified', async () => {
  await using on = await stage()
  on.sandbox.answer({}, 'InternalServerException')
  const first = on.daemon()
  const failing = await mailOf(on, 'failing')
  await first.line('the mail on disk', isDelivered)
  await killed(first)
  on.sandbox.answer({}, 'ok')
  const second = on.daemon()
  const recovered = await mailOf(on, 'recovered')
  expect(recovered.headers['in-reply-to']).toBe(failing.messageId)
  await stopped(second)
  expect(kinds(on)).toEqual(['failing', 'recovered'])
})

test('a second one on the same database refuses and names the first; a killed one holds nothing', async () => {
  await using on = await stage()
  const first = on.daemon()
  await first.ready()
  const second = await on.daemon().exited
  expect(second).toMatchObject({ code: 69, out: '' })
  expect(second.err).toContain(`process ${first.pid}`)
  expect(second.err.trim().split('\n')).toHaveLength(1)
  await first.next('the first to go on', isRun('ok'))
  await killed(first)
  const third = on.daemon()
  await third.line('an ok run', isRun('ok'))
  await stopped(third)
})

test('a port that is taken keeps the page away and nothing else', async () => {
  await using on = await stage()
  const other = createServer((_, response) => response.end('another')).listen(on.port, '127.0.0.1')
  await once(other, 'listening')
  try {
    const daemon = on.daemon()
    const said = await daemon.line(
      'what it says',
      (line) => line['level'] === 'warn' && line['message'] === 'cannot serve the status page',
    )
    expect(said['why']).toContain(String(on.port))
    on.sandbox.answer({}, 'InternalServerException')
    await mailOf(on, 'failing')
    await stopped(daemon)
  } finally {
    other.close()
  }
})

test('a database that is none is named in one sentence, and left alone', async () => {
  await using on = await stage()
  await stopped(await ready(on.daemon()))
  await writeFile(on.database, 'this is no database '.repeat(1000))
  const ended = await on.daemon().exited
  expect(ended.code).toBe(69)
  expect(ended.err).toContain(on.database)
  expect(ended.err).not.toMatch(/^\s+at /m)
  expect(await readFile(on.database, 'utf8')).toMatch(/^this is no database/)
})

async function ready(daemon: Daemon): Promise<Daemon> {
  await daemon.ready()
  return daemon
}

test.for<[string, (file: string) => Promise<void>, RegExp]>([
  ['missing', async () => undefined, /does not exist/],
  ['empty', (file) => writeFile(file, ''), /1:1 /],
  ['of 5 MB', (file) => writeFile(file, `# ${'x'.repeat(5 * 1024 * 1024)}\n`), /larger than 256 KiB/],
  ['of binary', (file) => writeFile(file, Buffer.from([0x6d, 0, 0xff, 0xfe])), /not UTF-8 text/],
  ['an alias bomb', (file) => writeFile(file, bomb()), /alias/i],
  ['with three faults', (file) => writeFile(file, THREE), /^(.*:\d+:\d+ .*\n){3}$/],
  [
    'not readable',
    (file) => writeFile(file, 'x').then(() => chmod(file, 0)),
    process.getuid?.() === 0 ? /expected/ : /may not be read/,
  ],
])('a configuration that is %s ends it with 78, and a line for each fault', async ([, make, says]) => {
  await using on = await stage()
  const file = join(on.directory, 'faulty.yaml')
  await make(file)
  const ended = await on.alibi('run', '--config', file)
  expect(ended).toMatchObject({ code: 78, out: '' })
  expect(ended.err).toMatch(says)
  for (const line of ended.err.trimEnd().split('\n')) expect(line).toContain(`${file}:`)
})

test('a running daemon reports a faulty file, and reports it again after a start with a good one', async () => {
  await using on = await stage()
  const told = () => on.mailbox.mails.filter((mail) => mail.headers['x-alibi-kind'] === 'misconfigured')
  for (const times of [1, 2]) {
    const daemon = await ready(on.daemon())
    await on.configure({ policy: '{ extenssion: 2s }' })
    daemon.kill('SIGHUP')
    await until('its mail', () => told().length >= times)
    await on.configure({})
    await stopped(daemon)
  }
  expect(told().map((mail) => mail.subject)).toEqual(Array(2).fill('[alibi] the configuration on disk is faulty'))
  expect(told()[0]?.text).toContain('See what `alibi check` says')
  expect(told()[0]?.text).not.toContain('--live')
})

/** Runs in the process before anything of ours does. */
const before = (code: string) => ({ NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(code)}` })

/** Sends SIGHUP to the process itself at the moment when it begins to load this file of ours. */
const hangUpAt = (file: string) => {
  return before(`import { registerHooks } from 'node:module'
    registerHooks({ resolve(given, context, next) {
      if (given.endsWith(${JSON.stringify(file)})) process.kill(process.pid, 'SIGHUP')
      return next(given, context)
    } })`)
}

test.for(['/program.js', '/run.js'])('a reload that comes before %s is there does not end it', async (file) => {
  await using on = await stage()
  const daemon = await ready(on.daemon(hangUpAt(file)))
  await stopped(daemon)
})

test('a reload that comes while it reads its configuration is remembered', async () => {
  await using on = await stage()
  // The first thing that `run` does.
  const daemon = on.daemon(
    before(
      "const { umask } = process; process.umask = (...mask) => { process.kill(process.pid, 'SIGHUP'); return umask(...mask) }",
    ),
  )
  await daemon.line('the reload', (line) => line['message'] === 'configuration reloaded')
  await stopped(daemon)
})

function bomb(): string {
  const levels = Array.from({ length: 12 }, (_, i) => `a${i + 1}: &a${i + 1} [${Array(10).fill(`*a${i}`).join(', ')}]`)
  return `a0: &a0 [x]\n${levels.join('\n')}\nmonitors: *a12\n`
}

const THREE = `
monitors: [{ name: a, atempts: 3, timeout: 30 }]
recipients: { oncall: { to: [oncall@example.com] } }
mail: { from: nobody }
`

test('whatever the umask, what it leaves is for its own user', async () => {
  await using on = await stage({ mail: 'directory: data/mail', more: 'log: { file: { path: data/log/alibi.log } }' })
  process.umask(0o000)
  on.sandbox.answer({}, 'InternalServerException')
  const daemon = on.daemon()
  process.umask(0o022)
  await daemon.line('a mail as a file', isDelivered)
  const modes = async () => {
    const found: string[] = []
    for await (const name of glob('data/**', { cwd: on.directory })) {
      const { mode } = await stat(join(on.directory, name))
      found.push(`${(mode & 0o777).toString(8)} ${name.replaceAll(/[0-9a-f.-]{12,}/g, '…')}`)
    }
    return found
  }
  const running = await modes()
  await stopped(daemon)
  const all = [...running, ...(await modes())]
  expect(all.filter((line) => !/^(600|700) /.test(line))).toEqual([])
  expect(all.filter((line) => /^600 .*\.db$|^600 .*\.eml$|^600 .*log/.test(line)).length).toBeGreaterThan(5)
})

const PASSWORD = 'PLANTED-smtp-pass/word+7'
const TWO_KINDS = `
  - name: production
    schedule: "* * * * * *"
    spread: 0s
    operations: [GetAccountInformation, GetContactInformation, GetAlternateContact: { type: SECURITY }, GetPrimaryEmailUpdateStatus, GetGovCloudAccountInformation]
    attempts: 1
    timeout: 900ms
    retryInterval: 1s
    recheckEvery: 1s
  - name: members
    schedule: "* * * * * *"
    spread: 0s
    credentials: { roleArn: "arn:aws:iam::123456789012:role/prober", externalId: PLANTED-external-id }
    accounts: ["111122223333"]
    operations: [GetPrimaryEmail, GetContactInformation]
    attempts: 1
    timeout: 900ms
    retryInterval: 1s
    recheckEvery: 1s`

/** CloudWatch Logs, and whoever listens to the heartbeat: the first beats are refused, so that the log speaks of it. */
async function listeners() {
  const logs = new LogsStandIn(['/alibi'])
  const beats: { url: string; body: string }[] = []
  const server = createServer((req, res) => {
    let body = ''
    req.setEncoding('utf8').on('data', (chunk: string) => {
      body += chunk
    })
    req.on('end', () => {
      if (logs.handle(req, body, res)) return
      beats.push({ url: req.url ?? '', body })
      res.writeHead(beats.length === 1 ? 404 : 200).end()
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const close = async () => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  }
  return { logs, beats, url, close }
}

test('nothing secret and nothing personal is kept, logged, mailed or shown', async () => {
  const smtp = (port: number) =>
    `smtp: { host: 127.0.0.1, port: ${port}, security: none, user: alibi, password: "\${file:smtp-password}" }`
  await using on = await stage({}, { mailbox: { auth: { user: 'alibi', password: PASSWORD } } })
  const outside = await listeners()
  on.env['AWS_ENDPOINT_URL_CLOUDWATCH_LOGS'] = outside.url
  const more = `log: { level: debug, file: { path: data/alibi.log }, cloudwatch: { group: /alibi } }
heartbeat: { url: "${outside.url}/PLANTED-heartbeat-4711?key=PLANTED-query", every: 10s }
digest: { schedule: "*/10 * * * * *" }`
  const web = `{ listen: "127.0.0.1:${on.port}", token: PLANTED-web-token-4711 }`
  await on.configure({ monitors: TWO_KINDS, mail: smtp(on.mailbox.port), web, more })
  await writeFile(join(on.directory, 'smtp-password'), `${PASSWORD}\n`)
  const verbs: string[] = []
  const verb = async (...args: string[]) => {
    const { out, err } = await on.alibi(...args)
    verbs.push(`$ alibi ${args.join(' ')}\n${out}${err}`)
  }

  const first = on.daemon()
  await first.next('ok runs of all', isRun('ok'), 14)
  on.sandbox.answer({ operation: 'GetAccountInformation' }, 'AccessDeniedException')
  on.sandbox.answer({ operation: 'GetContactInformation' }, 'ValidationException')
  on.sandbox.answer({ operation: 'GetAlternateContact' }, 'InvalidSignatureException')
  on.sandbox.answer({ operation: 'GetPrimaryEmail' }, '200-garbage')
  on.sandbox.answer({ operation: 'GetPrimaryEmailUpdateStatus' }, '200-misfit')
  on.sandbox.answer({ operation: 'GetGovCloudAccountInformation' }, '200-truncated')
  await mailOf(on, 'misconfigured')
  await mailOf(on, 'failing')
  await mailOf(on, 'digest')
  const headers = { authorization: 'Bearer PLANTED-web-token-4711' }
  const ask = async (path: string) => {
    const response = await fetch(`http://127.0.0.1:${on.port}${path}`, { headers, signal: AbortSignal.timeout(DEADLINE_MS) })
    return { status: response.status, body: await response.text() }
  }
  const ids = (await on.incidents()).map(({ id }) => String(id))
  const pages = ids.flatMap((id) => [`/incidents/${id}`, `/api/incidents/${id}`])
  const shown = ['/', '/healthz', '/metrics', '/api/incidents', ...pages]
  const answers = await Promise.all(shown.map(async (path) => `${path}\n${(await ask(path)).body}`))
  // Without the token, and with a wrong one: neither learns anything.
  expect((await on.get('/')).status).toBe(401)
  await verb('probe', '--json')
  await verb('probe')
  await verb('check', '--live')
  await verb('incidents', '--json')
  await verb('incidents', '--patterns')
  await verb('incidents', '--patterns', '--json')
  for (const id of ids) {
    await verb('explain', id)
    await verb('explain', id, '--json')
    await verb('explain', id, '--support-case')
  }
  await verb('health', '--json')
  await verb('iam-policy')
  await verb('mail', 'preview', '--out', 'data/preview')
  expect(verbs.join('\n')).toContain('What stands out')
  expect(verbs.join('\n')).toContain('Read-only calls to the AWS Account Management API are failing.')
  await stopped(first)

  // A server that refuses the password says so, and may well repeat what it was sent.
  await writeFile(join(on.directory, 'smtp-password'), `${PASSWORD}-old\n`)
  on.sandbox.answer({}, 'ok')
  const second = on.daemon()
  await second.line('the refused login', (line) => line['message'] === 'mail deferred')
  await verb('outbox', 'list')
  await verb('mail', 'test')
  const health = await ask('/healthz')
  expect(health.status).toBe(503)
  await until('the heartbeat to say so', () =>
    outside.beats.some(({ url, body }) => url.includes('/fail') && body.includes('takes nothing from this host')),
  )
  await stopped(second)
  await outside.close()

  const kept = new Map<string, string>()
  for await (const name of glob('data/**', { cwd: on.directory })) {
    const path = join(on.directory, name)
    if ((await stat(path)).isFile())
      kept.set(name, await readFile(path, 'latin1').then((bytes) => `${bytes}${Buffer.from(bytes, 'latin1').toString('utf8')}`))
  }
  expect([...kept.keys()].join(' ')).toMatch(/alibi\.db.*alibi\.log|alibi\.log.*alibi\.db/)
  for (const [i, { source, text, html }] of on.mailbox.mails.entries()) kept.set(`mail ${i}`, `${source}\n${text}\n${html}`)
  kept.set('printed by the daemon', first.printed() + second.printed())
  kept.set('answered over HTTP', [...answers, health.body].join('\n'))
  kept.set('printed by verbs', verbs.join('\n'))
  kept.set('logged to CloudWatch', outside.logs.messages.map(({ message }) => message).join('\n'))
  // Of the heartbeat the bodies: its address is where the secret belongs.
  kept.set('told by the heartbeat', outside.beats.map(({ body }) => body).join('\n'))
  expect(outside.beats.every(({ url }) => /^\/PLANTED-heartbeat-4711(\/fail)?\?key=PLANTED-query$/.test(url))).toBe(true)
  // What must be there, or nothing would be proved by what is not.
  for (const name of [
    'alibi.db',
    'mail ',
    'printed by the daemon',
    'answered over HTTP',
    'printed by verbs',
    'logged to CloudWatch',
  ]) {
    const text = [...kept]
      .filter(([key]) => key.includes(name))
      .map(([, value]) => value)
      .join('')
    expect(/Get[A-Z]\w+Information/.test(text), name).toBe(true)
  }
  const markers = [
    PASSWORD,
    Buffer.from(PASSWORD).toString('base64').replace(/=+$/, ''),
    Buffer.from(`\0alibi\0${PASSWORD}`).toString('base64').replace(/=+$/, ''),
    on.env['AWS_SECRET_ACCESS_KEY'] ?? '?',
    'PLANTED-external-id',
    'PLANTED-heartbeat',
    'PLANTED-query',
    'PLANTED-web-token',
    'PLANTEDTOKEN',
    'planted-secret',
    'planted-token',
    OTHER_ACCOUNT,
    ...Object.values(PERSONAL),
  ]
  const leaks = [...kept].flatMap(([name, text]) =>
    markers.filter((marker) => text.includes(marker)).map((marker) => `${marker} in ${name}`),
  )
  expect(leaks).toEqual([])
})
