import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { incident, member, NOON } from '../../test/given.ts'
import { openStore } from '../adapters/sqlite/store.ts'
import { loadConfig } from '../config/file.ts'
import { keyOf, scopeOf } from '../daemon/account-discovery.ts'
import { explain } from './explain.ts'
import { incidents } from './incidents.ts'

const place = mkdtempSync(join(tmpdir(), 'alibi-names-'))
afterAll(() => rmSync(place, { recursive: true }))

const A = '111122223333'
const B = '444455556666'
const path = join(place, 'alibi.db')
const config = join(place, 'alibi.yaml')

function configure(names: string): void {
  writeFileSync(
    config,
    `recipients: { oncall: { to: [oncall@example.com] } }
mail: { from: alibi@example.com }
storage: { path: ${path} }
monitors: [{ name: main, schedule: "@hourly", accounts: { organization: {} } }]
accounts: { names: ${names} }\n`,
  )
}

beforeAll(async () => {
  configure('true')
  const loaded = await loadConfig(config, {}, { cwd: place, now: NOON })
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.faults))
  const [discovery] = loaded.config.discoveries
  await using held = new AsyncDisposableStack()
  const store = held.adopt(await openStore({ path }), (one) => one.close())
  const members = [A, B, 'self'].map((account) => member({ probe: `main/${account}/ListRegions`, monitor: 'main', account }))
  await store.commit({
    ...{ probes: [], selfAlerts: { set: [], cleared: [] }, connectivity: null, notifications: [], readings: [], outcomes: [] },
    ...{ incidents: [incident({ id: 'a3f9', members })], ledger: [] },
  })
  const scope = scopeOf(discovery!, loaded.config.monitors[0])
  const names = { [A]: 'payments\u001B[2J', '777788889999': 'management' }
  const known = { scope, caller: '777788889999', accounts: [A, B], listedAt: NOON, failingSince: null, names }
  await store.remember(keyOf('main'), JSON.stringify(known))
})

async function said(command: (io: Parameters<typeof incidents>[1]) => Promise<number>): Promise<string> {
  let output = ''
  const out = (text: string) => {
    output += `${text}\n`
  }
  await command({ out, err: () => {}, env: {}, isTty: false, columns: null })
  return output
}
const all = async () => [
  await said((io) => explain('a3f9', { config }, io)),
  await said((io) => incidents({ config }, io)),
  await said((io) => explain('a3f9', { config, json: true }, io)),
  await said((io) => incidents({ config, json: true }, io)),
]

test('names of the organization stand beside the ids in `explain` and `incidents`', async () => {
  configure('true')
  const [story = '', list = '', storyJson = '', listJson = ''] = await all()
  expect(story).toContain(`main/${A}/ListRegions “payments [2J”: failing`)
  expect(story).toContain('main/self/ListRegions “management”: failing')
  expect(story).toContain(`main/${B}/ListRegions: failing`)
  expect(list).toContain(`${A} “payments [2J”, ${B}, self “management”`)
  expect(JSON.parse(listJson)).toMatchObject([{ accountNames: { [A]: 'payments [2J', self: 'management' } }])
  expect(JSON.parse(storyJson).members).toMatchObject([{ accountName: 'payments [2J' }, { accountName: null }, {}])
})

test('names stand beside the ids in the patterns, too', async () => {
  configure('true')
  const patterns = await said((io) => incidents({ config, patterns: true }, io))
  expect(patterns).toContain(`${A} “payments [2J”  1`)
})

test('names of the file are shown in their place', async () => {
  configure(`{ "${A}": shop }`)
  const [story = '', list = ''] = await all()
  expect(story).toContain(`main/${A}/ListRegions “shop”: failing`)
  expect(list).toContain(`${A} “shop”, ${B}, self`)
  expect(story + list).not.toMatch(/payments|management/)
})

test('without `accounts.names` nothing is said of names', async () => {
  configure('false')
  const shown = (await all()).join()
  expect(shown).not.toMatch(/payments|management|accountName|“/)
})
