import { describe, expect, test } from 'vitest'
import { fakeStore, newDisk } from '../../test/fakes/store.ts'
import { incident } from '../../test/given.ts'
import { incidentMeant, silenceMeant } from './given-id.ts'

const IDS = ['a3f9c0de51b27764', 'a3f9aaaaaaaaaaaa', 'fd4b000000000001', 'abcd']

function storeOf() {
  const disk = newDisk()
  for (const id of IDS) disk.incidents.set(id, incident({ id }))
  return fakeStore(disk)
}

describe('an incident is meant by', () => {
  test.for<readonly [string, string, string]>([
    ['its whole id', 'a3f9c0de51b27764', 'a3f9c0de51b27764'],
    ['a short id that is whole', 'abcd', 'abcd'],
    ['the four digits of a subject', 'fd4b', 'fd4b000000000001'],
    ['with the sign in front', '#fd4b', 'fd4b000000000001'],
    ['in capitals', 'FD4B', 'fd4b000000000001'],
    ['as many digits as it takes', 'a3f9c', 'a3f9c0de51b27764'],
  ])('%s', async ([, given, id]) => expect(await incidentMeant(given, storeOf())).toBe(id))

  test.for<readonly [string, string, string]>([
    ['too few digits', 'fd4', 'fd4 is too short to say which of the incidents: give at least 4 digits of the id'],
    ['digits that none has', 'ffff', 'there is no incident ffff: see `alibi incidents`'],
    ['something else', '%', 'there is no incident %: see `alibi incidents`'],
    ['digits that two have', 'a3f9', 'several incidents begin with a3f9: a3f9c0de51b27764, a3f9aaaaaaaaaaaa'],
  ])('%s: no one', async ([, given, message]) =>
    expect(incidentMeant(given, storeOf())).rejects.toMatchObject({ code: 64, message }),
  )
})

test('a silence is meant by its id, or by its beginning if no other begins so', () => {
  const ids = ['1a2b3c4d', '1a2b9999', 'ffff0000']
  expect(silenceMeant('1A2B3C4D', ids)).toBe('1a2b3c4d')
  expect(silenceMeant('ffff', ids)).toBe('ffff0000')
  expect(() => silenceMeant('1a2b', ids)).toThrow('several silences begin with 1a2b: 1a2b3c4d, 1a2b9999')
  expect(() => silenceMeant('1a', ids)).toThrow('1a is too short')
  expect(() => silenceMeant('eeee', ids)).toThrow('there is no silence eeee in force or planned: see `alibi silence list`')
})
