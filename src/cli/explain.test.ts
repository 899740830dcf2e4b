import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { incident, MIN, member, NOON, run } from '../../test/given.ts'
import { openStore } from '../adapters/sqlite/store.ts'
import type { LedgerRow } from '../domain/ledger.ts'
import { explain } from './explain.ts'

const place = mkdtempSync(join(tmpdir(), 'alibi-explain-'))
afterAll(() => rmSync(place, { recursive: true }))

const PROBES = 1_000
const RUNS = 700

/** An outage of a thousand accounts, one of which has recovered, after hours of runs and decisions. */
async function large(): Promise<string> {
  const path = join(place, 'large.db')
  await using held = new AsyncDisposableStack()
  const store = held.adopt(await openStore({ path }), (one) => one.close())
  const members = Array.from({ length: PROBES }, (_, nth) =>
    member({ probe: `main/${nth}/ListRegions`, account: `${nth}`, state: nth === 0 ? 'recovered' : 'failing' }),
  )
  const ledger = Array.from({ length: RUNS }, (_, nth) => ({
    at: NOON + nth * MIN,
    incident: 'a3f9',
    probe: null,
    decision: 'withheld' as const,
    rule: 'suppression' as const,
    reason: `reason ${nth}`,
    evidence: null,
  }))
  const outcomes = Array.from({ length: RUNS }, (_, nth) => ({
    outcome: run(`main/${nth % PROBES}/ListRegions`, NOON + nth * MIN, 'internal'),
    incident: 'a3f9',
  }))
  await store.commit({
    incidents: [incident({ id: 'a3f9', members })],
    probes: [],
    selfAlerts: { set: [], cleared: [] },
    connectivity: null,
    notifications: [],
    readings: [],
    ledger,
    outcomes,
  })
  return path
}

/** One verdict that three decisions rest on, then another one. */
async function judged(): Promise<string> {
  const path = join(place, 'judged.db')
  await using held = new AsyncDisposableStack()
  const store = held.adopt(await openStore({ path }), (one) => one.close())
  const evidence = (why: string, readAt: number) => [
    {
      probe: 'main/self/ListRegions',
      readAt,
      verdict: { kind: 'unexplained', why, rejected: [] },
      carried: null,
      lapsed: null,
    },
  ]
  const row = (nth: number, decision: LedgerRow['decision'], why: string, readAt: number): LedgerRow => ({
    ...{ at: NOON + nth * MIN, incident: 'a3f9', probe: null, decision, rule: null, reason: `reason ${nth}` },
    evidence: evidence(why, readAt),
  })
  const nothing = {
    probes: [],
    selfAlerts: { set: [], cleared: [] },
    connectivity: null,
    notifications: [],
    readings: [],
    outcomes: [],
  }
  await store.commit({
    ...nothing,
    incidents: [incident({ id: 'a3f9' })],
    ledger: [
      row(0, 'verdict', 'no event', NOON),
      row(0, 'mailed', 'no event', NOON),
      row(1, 'withheld', 'no event', NOON),
      row(2, 'withheld', 'no event', NOON + MIN),
    ],
  })
  return path
}

async function textOf(path: string, json = false): Promise<string> {
  let output = ''
  const config = join(place, 'alibi.yaml')
  writeFileSync(
    config,
    `recipients: { oncall: { to: [oncall@example.com] } }\nmail: { from: alibi@example.com }\nstorage: { path: ${path} }\n`,
  )
  const out = (text: string) => {
    output += `${text}\n`
  }
  await explain('a3f9', { config, json }, { out, err: () => {}, env: {}, isTty: false, columns: null })
  return output
}

test('a verdict shared by several decisions is shown once', async () => {
  const text = await textOf(await judged())
  const verdicts = text.slice(text.indexOf('Verdicts'), text.indexOf('Emails'))
  expect(verdicts.match(/main\/self\/ListRegions: unexplained/g)).toHaveLength(2)
})

test('of a long history the newest part is shown, with how much is left out and that JSON has it', async () => {
  const path = await large()
  const text = await textOf(path)
  expect(text).toContain('Runs (the last 20 of 700; `--json` has all)')
  const runs = text.slice(text.indexOf('Runs (the last'))
  for (const [minute, isShown] of [
    [699, true],
    [680, true],
    [679, false],
    [0, false],
  ] as const)
    expect(runs.includes(new Date(NOON + minute * MIN).toISOString()), `minute ${minute}`).toBe(isShown)
  expect(text).toContain('Decisions (the last 60 of 700; `--json` has all)')
  expect(text).toMatch(/reason 699$/m)
  expect(text).not.toMatch(/reason 600$/m)
  expect(text).toContain('and 988 more (987 failing, 1 recovered); `--json` has all')
  expect(text.split('\n').length).toBeLessThan(200)
  const all = JSON.parse(await textOf(path, true))
  expect([all.runs.length, all.ledger.length, all.members.length]).toEqual([RUNS, RUNS, PROBES])
})
