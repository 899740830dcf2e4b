import { expect, test } from 'vitest'
import { MIN, NOON } from '../../test/given.ts'
import type { LedgerRow } from '../domain/ledger.ts'
import { latestWithheld } from './notified.ts'

const row = (minute: number, decision: LedgerRow['decision'], reason: string): LedgerRow => ({
  ...{ at: NOON + minute * MIN, incident: 'a3f9', probe: null, decision, reason, rule: 'silence', evidence: null },
})
const rows = [row(1, 'withheld', 'silenced'), row(60, 'withheld', 'a fresh run is awaited')]

test('an incident that closed without an email has the reason that withheld it longest', () => {
  expect(latestWithheld([...rows, row(61, 'closed', 'over')])?.reason).toBe('silenced')
})

test('one that is open has the latest reason', () => {
  expect(latestWithheld(rows)?.reason).toBe('a fresh run is awaited')
})
