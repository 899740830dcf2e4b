import { expect, test } from 'vitest'
import { formatFaults } from '../src/config/fault.ts'
import { parseScenario } from '../src/simulate/parse.ts'
import { play } from '../src/simulate/play.ts'

const COUNT = 1_000
const ACCOUNTS = Array.from({ length: COUNT }, (_, i) => `"${200_000_000_000 + i}"`)

/** A round of 1,000 × GetContactInformation takes 125 s at eight tenths of what AWS allows. */
const SOURCE = `
title: A thousand accounts at once
start: 2026-03-02T12:00:00Z
length: 75m
config:
  monitors:
    - name: organization
      schedule: "*/10 * * * *"
      spread: 0s
      attempts: 1
      fail: { count: 2, of: 3 }
      operations: [GetContactInformation]
      accounts: [${ACCOUNTS.join(', ')}]
events:
  - { at: 9m, account: InternalServerException }
  - { at: 48m, account: ok }
expect:
  - { mail: failing, between: [10m, 12m] }
  - { mail: wider, between: [20m, 25m], contains: "${COUNT} probes fail now" }
  - { mail: recovered, between: [50m, 65m] }
  - { mails: 3 }
`

test('one outage of very many accounts is three emails: failing, wider, recovered', {
  timeout: 180_000,
}, async () => {
  const parsed = parseScenario(SOURCE, 'a-thousand-accounts.yaml')
  if (!parsed.ok) throw new Error(formatFaults(parsed.faults, 'a-thousand-accounts.yaml'))
  const { failures, delivered } = await play(parsed.scenario)
  expect(failures).toEqual([])
  expect(delivered.map(({ mail }) => mail.attachment?.text.split('\n').length)).toEqual([undefined, COUNT + 1, COUNT + 1])
})
