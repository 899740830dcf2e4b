import { expect, test } from 'vitest'
import { killings } from '../kills.ts'

/** `npm run kills` does it two hundred times. */
const KILLS = 8

test('killed with SIGKILL at random moments of an incident: every email arrives, and none under a second Message-ID', {
  timeout: 180_000,
}, async () => {
  const { kills, faults } = await killings(KILLS, 4)
  expect(kills).toBe(KILLS)
  expect(faults).toEqual([])
})
