import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { openStore } from '../src/adapters/sqlite/store.ts'
import { main } from '../src/cli/program.ts'
import { digestOf } from '../src/domain/digest.ts'
import type { Incident } from '../src/domain/incident.ts'
import { summaryOf } from '../src/domain/incident-summary.ts'
import { notificationsFor } from '../src/domain/notify.ts'
import { HOUR_MS, MINUTE_MS } from '../src/domain/probe.ts'
import { renderEmail } from '../src/email/render.ts'
import { PUNCTUAL } from '../src/email/samples.ts'
import { supportCase } from '../src/email/support-case.ts'
import { incidentPage, overview } from '../src/web/overview.ts'
import { record } from '../src/web/record.ts'
import { fakeStore } from './fakes/store.ts'
import { incidentOf, memberOf, PROBES, UNEXPLAINED, worldOf } from './wire/web-world.ts'

/*
 * How long an incident lasted is shown in many places, and a reader of two of them must not have to wonder which one is right.
 */

const scratch = mkdtempSync(join(tmpdir(), 'alibi-span-'))
afterAll(() => rmSync(scratch, { recursive: true }))

const SENT_BY = {
  version: '0',
  host: 'h',
  sdk: 's',
  endpoint: 'https://e.example',
  signingRegion: 'us-east-1',
  caller: null,
  callers: [],
}

/** Decided 5 s after the run that failed last, and closed 3 s after the one that was ok. */
function over(from: number, ms: number): Incident {
  const [opened, to] = [from + 5_000, from + ms]
  const member = memberOf(PROBES[0]!, UNEXPLAINED, {
    onset: from,
    failedAt: opened,
    state: 'recovered',
    recoveredAt: to,
    lastRunAt: to,
  })
  const state = { state: 'closed', closedAs: 'recovered', openedAt: opened, episodeAt: opened, closedAt: to + 3_000 } as const
  return incidentOf('a3f9c0de51b27764', [member], { ...state, announcedAt: opened })
}

/** Every text that says how long it lasted. */
async function everywhere(incident: Incident, now: number): Promise<Record<string, string>> {
  const scene = worldOf({ incidents: [incident] })
  const { view } = scene
  const known = await record(fakeStore(scene.disk), view, now, { error() {}, warn() {}, info() {}, debug() {} })
  const { recent } = overview(view, known, { ok: true, reasons: [] }, now)
  const { card } = incidentPage(incident, { rows: [], mails: [], events: new Map() }, view, now)

  const announcement = { kind: 'recovered', reason: 'r', rule: 'recovery', seq: 2, to: incident.audience, hindsight: [] } as const
  const drop = { setup: view.setup, now, readings: view.readings, strips: new Map(), overrides: [], sender: () => SENT_BY }
  const [mail] = notificationsFor([{ incident, announcement, selfAlert: null }], drop)
  const email = renderEmail(mail!, { ...PUNCTUAL, now }).text

  const digest = digestOf({
    ...{ from: now - 24 * HOUR_MS, to: now, incidents: [summaryOf(incident)], ledger: [], cut: false, outbox: [] },
    patterns: [],
    watched: { operations: new Map(), accounts: new Map() } as never,
  })
  const probe = { ...mail!.facts.probes[0]!, evidence: [] }
  const facts = { sentBy: SENT_BY, probes: [probe], others: { names: [], total: 0 } }

  const path = join(scratch, `${incident.closedAt}.db`)
  const store = await openStore({ path })
  await store.commit({
    ...{ incidents: [incident], probes: [], selfAlerts: { set: [], cleared: [] }, connectivity: null },
    ...{ ledger: [], notifications: [], outcomes: [], readings: [] },
  })
  await store.close()
  const config = join(scratch, 'alibi.yaml')
  writeFileSync(config, `recipients: { o: { to: [o@example.com] } }\nmail: { from: a@example.com }\nstorage: { path: ${path} }\n`)
  const cli = async (...args: string[]) => {
    const out: string[] = []
    const io = { out: (text: string) => void out.push(text), err: () => {}, env: {}, isTty: false, columns: null }
    await main([...args, '--config', config], io)
    return out.join('\n')
  }
  const of = (text: string | undefined, pattern: RegExp) => pattern.exec(text ?? '')?.[1] ?? `none in: ${text}`
  return {
    'page: closed incidents': of(recent[0]?.when, /\((.+)\)/),
    'page: the incident': of(card.since, /\((.+)\)/),
    'page: the bars': of(card.timeline?.oursText, /\((.+)\)/),
    'email: first sentence': of(email.replaceAll(/\s+/g, ' '), /, after ([^:]+):/),
    'email: Lasted': of(email, /Lasted: ([^,]+),/),
    digest: of(
      digest.chapters.flatMap(({ lines }) => lines).find((line) => line.includes('#a3f9')),
      /Z, ([^:]+):/,
    ),
    'support case': of(supportCase({ incident, facts, impacts: [], now }).body, /It ended at \S+, after ([^.]+)\./),
    'alibi incidents': of(await cli('incidents'), /\d\dZ +(.+?) +production/),
    'alibi explain': of(await cli('explain', incident.id), /failed from \S+ to \S+: (.+)/),
  }
}

test.for<[string, number, number, string]>([
  ['40 s within a minute', 5_000, 40_000, '40s'],
  ['40 s over the full minute', 50_000, 40_000, '40s'],
  ['95 s', 2_000, 95_000, '1m'],
  ['95 s, by the clock two minutes', 40_000, 95_000, '2m'],
  ['two hours and a bit', 58_000, 2 * HOUR_MS + 20 * MINUTE_MS + 4_000, '2h 21m'],
])('%s are the same everywhere', async ([, seconds, ms, words]) => {
  const from = Date.UTC(2026, 10, 22, 8, 10) + seconds
  const said = await everywhere(over(from, ms), from + 3 * HOUR_MS)
  expect(Object.entries(said).filter(([, text]) => text !== words)).toEqual([])
})
