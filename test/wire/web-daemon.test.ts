import { glob, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ROOT, stage } from './daemon-process.ts'

/** The value of a series, such as `alibi_offline`; 0 where it is missing. */
const numberAt = (text: string, line: string) =>
  Number(
    text
      .split('\n')
      .find((one) => one.startsWith(`${line} `))
      ?.split(' ')[1] ?? 0,
  )

/** A module that writes to a file, when the process ends, whether Node has loaded undici: 14 MB for as long as it runs. */
const telling = (file: string) => `import { writeFileSync } from 'node:fs'
process.on('exit', () => writeFileSync(${JSON.stringify(file)}, String(process.moduleLoadList.some((name) => name.includes('undici')))))`

test('the real daemon counts what it does, and loads no undici for it', async () => {
  await using on = await stage()
  const [told, hook] = [join(on.directory, 'undici'), join(on.directory, 'hook.mjs')]
  await writeFile(hook, telling(told))
  const daemon = on.daemon({ NODE_OPTIONS: `--import=${hook}` })
  await daemon.line('an ok run', (line) => line['message'] === 'run' && line['outcome'] === 'ok')
  on.sandbox.answer({}, 'InternalServerException')
  await daemon.line('the mail delivered', (line) => line['message'] === 'mail delivered')
  const { status, body } = await on.get('/metrics')
  expect(status).toBe(200)
  const runs =
    'alibi_runs_total{monitor="production",service="account",region="us-east-1",operation="GetContactInformation",outcome='
  expect(numberAt(body, `${runs}"ok"}`)).toBeGreaterThanOrEqual(1)
  expect(numberAt(body, `${runs}"internal"}`)).toBeGreaterThanOrEqual(3)
  for (const line of [
    'alibi_mails_total{kind="failing",result="delivered"}',
    'alibi_verdicts_total{verdict="unexplained"}',
    'alibi_decisions_total{decision="opened"}',
    'alibi_incidents_open{state="announced"}',
    'alibi_probes{monitor="production",standing="failing"}',
    'alibi_health_source_up{partition="aws",source="api"}',
    'alibi_healthy',
  ])
    expect(numberAt(body, line), line).toBe(1)
  for (const line of [
    'alibi_run_duration_seconds_count{operation="GetContactInformation"}',
    'alibi_store_blocking_seconds_count',
    'alibi_health_source_last_success_timestamp_seconds{partition="aws",source="dashboard"}',
    'alibi_monitor_last_run_timestamp_seconds{monitor="production"}',
    'alibi_resident_memory_bytes',
    'alibi_start_time_seconds',
  ])
    expect(numberAt(body, line), line).toBeGreaterThan(0)
  expect(body).toMatch(/^alibi_schedule_lag_seconds\{monitor="production"\} /m)
  expect(body).not.toMatch(/@|\d{12}"/)

  const page = (await on.get('/')).body
  expect(page).toContain('Last hour: ')
  const [incident] = JSON.parse((await on.get('/api/incidents')).body) as { id: string }[]
  expect((await on.get(`/incidents/${incident?.id}`)).body).toContain('Our failures')

  daemon.kill('SIGTERM')
  await daemon.exited
  expect(await readFile(told, 'utf8')).toBe('false')
})

test('stuck emails are counted, and nothing is shown without the token', async () => {
  await using on = await stage({}, { mailbox: { mode: 'deferring' } })
  const token = 'a-token-of-some-length-0123456789'
  await on.configure({ web: `{ listen: "127.0.0.1:${on.port}", token: "${token}" }` })
  const daemon = on.daemon()
  await daemon.ready()
  on.sandbox.answer({}, 'InternalServerException')
  await daemon.line('the mail deferred', (line) => line['message'] === 'mail deferred')
  for (const path of ['/metrics', '/', '/healthz']) expect((await on.get(path)).status, path).toBe(401)
  const answer = await fetch(`http://127.0.0.1:${on.port}/metrics`, { headers: { Authorization: `Bearer ${token}` } })
  const body = await answer.text()
  expect(numberAt(body, 'alibi_mails_total{kind="failing",result="deferred"}')).toBeGreaterThanOrEqual(1)
  expect(numberAt(body, 'alibi_mail_oldest_owed_seconds')).toBeGreaterThan(0)
  const pending = ['due', 'sending', 'retrying'].map((state) => numberAt(body, `alibi_mails_owed{state="${state}"}`))
  expect(pending.reduce((a, b) => a + b)).toBe(1)
  expect(`${body}${daemon.printed()}`).not.toContain(token)
})

test('no chunk has a letter beyond Latin-1: V8 would keep all of it with two bytes a letter', async () => {
  const wide: string[] = []
  for await (const file of glob('dist/**/*.js', { cwd: ROOT })) {
    const text = await readFile(join(ROOT, file), 'utf8')
    if ([...text].some((letter) => letter > '\u00ff')) wide.push(file)
  }
  expect(wide).toEqual([])
})
