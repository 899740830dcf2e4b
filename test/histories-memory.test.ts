import { setTimeout } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { draw } from './history/draw.ts'
import { live } from './history/live.ts'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

test('a history that is over leaves nothing in memory, however often the daemon was killed in it', {
  timeout: 60_000,
}, async () => {
  const remains: Remains[] = []
  for (let seed = 0; seed < 6; seed++) remains.push(await remainsOf(seed))
  expect(remains.filter(({ starts }) => starts > 2).length, 'histories with kills').toBeGreaterThan(2)
  // What a weak reference was made of is kept until the turn of the event loop is over.
  await setTimeout(0)
  collectGarbage()
  expect(remains.filter(({ disk }) => disk.deref() !== undefined)).toHaveLength(0)
})

type Remains = Readonly<{ disk: WeakRef<object>; starts: number }>

async function remainsOf(seed: number): Promise<Remains> {
  const { disk, starts } = await live(draw(seed))
  return { disk: new WeakRef(disk), starts: starts.length }
}
