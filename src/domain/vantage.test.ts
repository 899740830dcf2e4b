import { expect, test } from 'vitest'
import { NOON, run } from '../../test/given.ts'
import { vantageOf } from './vantage.ts'

const seen = (...machines: (string | null)[]) => ({
  evidence: machines.map((machine) => ({ ...run('p', NOON, 'internal'), ...(machine === null ? {} : { machine }) })),
})

test('machines that saw a failed run are named, of all that share the database', () => {
  expect(vantageOf([seen('south', 'north'), seen('north')], ['north', 'south', 'west'])).toEqual({
    ...{ machines: ['north', 'south'], of: 3 },
  })
  expect(vantageOf([seen('south', 'gone')], ['north', 'south'])).toEqual({ machines: ['gone', 'south'], of: 3 })
})

test('one machine is no evidence against the others, and neither is an ok run', () => {
  expect(vantageOf([seen('north', 'north')], ['north', 'south'])).toBeNull()
  expect(vantageOf([seen(null)], [])).toBeNull()
  const ok = { ...run('p', NOON, 'ok'), machine: 'south' }
  expect(vantageOf([{ evidence: [...seen('north').evidence, ok] }], ['north', 'south'])).toBeNull()
})
