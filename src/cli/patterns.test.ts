import { expect, test } from 'vitest'
import { incident, member } from '../../test/given.ts'
import type { Config } from '../config/config.ts'
import { incidentPatterns } from '../domain/patterns.ts'
import type { Io } from './io.ts'
import { showPatterns } from './patterns.ts'

test.for<[number, number, RegExp]>([
  [1, 1, /^1 failed probe in 1 incident, from /],
  [2, 1, /^2 failed probes in 1 incident, from /],
  [1, 2, /^2 failed probes in 2 incidents, from /],
])('singular and plural: %i failed probes in each of %i incidents', ([members, incidents, words]) => {
  const said: string[] = []
  const io = { out: (text: string) => said.push(text), columns: null } as unknown as Io
  const all = Array.from({ length: incidents }, (_, id) =>
    incidentPatterns(
      incident({ id: `${id}`, members: Array.from({ length: members }, (_, nth) => member({ probe: `p${nth}` })) }),
    ),
  )
  showPatterns(all, { monitors: [] } as unknown as Config, false, io)
  expect(said.join('\n')).toMatch(words)
})
