import { globSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { until } from '../wire/daemon-process.ts'
import { fleetStage } from './fleet-stage.ts'
import { startPostgres } from './server.ts'

test('a database that is down for a while: reported once, unhealthy meanwhile, and afterwards everything continues', async () => {
  await using held = new AsyncDisposableStack()
  const postgres = await startPostgres()
  held.defer(() => postgres.stop())
  const fleet = await fleetStage(postgres.url, 'alibi')
  held.use(fleet.on)
  const { on } = fleet
  const [one, two] = [await fleet.machine('one'), await fleet.machine('two')]
  const first = await one.start()
  await first.ready()
  const second = await two.start()
  await second.ready()
  await postgres.halt()
  const kinds = () => on.mailbox.mails.map((mail) => mail.headers['x-alibi-kind'])
  await until('the email about the database', () => kinds().includes('misconfigured'), 90_000)
  expect((await one.get('/healthz')).status).toBe(503)
  expect((await two.get('/healthz')).status).toBe(503)
  on.sandbox.answer({}, 'InternalServerException')
  await postgres.restart()
  await until('the outage', () => kinds().includes('failing'), 90_000)
  on.sandbox.answer({}, 'ok')
  await until('the recovery', () => kinds().includes('recovered'), 90_000)
  expect(kinds()).toEqual(['misconfigured', 'failing', 'recovered'])
  await until(
    'both to be well',
    async () => (await one.get('/healthz')).status === 200 && (await two.get('/healthz')).status === 200,
  )
})

test('nothing of PostgreSQL is loaded where the state is in a file', () => {
  const faults = globSync('src/**/*.ts', { exclude: ['src/**/*.test.ts', 'src/adapters/postgres/**'] }).flatMap((file) =>
    [...readFileSync(file, 'utf8').matchAll(/^import (?!type )[^;]*? from '([^']+)'/gm)].flatMap(([, from = '']) =>
      from === 'pg' || from === 'pg-boss' || from.includes('/postgres/') ? [`${file}: ${from}`] : [],
    ),
  )
  expect(faults).toEqual([])
})
