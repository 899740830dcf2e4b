import { expect, test } from 'vitest'
import type { Partition } from '../../domain/probe.ts'
import { ACTIVE_REGION_TTL_MS, activeRegion } from './active-region.ts'

const T = Date.UTC(2026, 10, 22, 12)
const never = new AbortController().signal

test.for<[string, Partition, readonly string[] | Error, readonly string[], boolean]>([
  ['the second label of the target', 'aws', ['health.us-east-2.amazonaws.com'], ['us-east-2'], true],
  ['in capitals, and with the dot of the root', 'aws', ['HEALTH.US-EAST-1.AMAZONAWS.COM.'], ['us-east-1'], true],
  ['of China', 'aws-cn', ['health.cn-north-1.amazonaws.com.cn'], ['cn-north-1'], true],
  ['a region of another partition is none', 'aws', ['health.cn-north-1.amazonaws.com.cn'], ['us-east-1', 'us-east-2'], false],
  ['another host is none', 'aws', ['evil.us-east-2.example.com'], ['us-east-1', 'us-east-2'], false],
  ['no region is none', 'aws', ['health.amazonaws.com', '', 'x'], ['us-east-1', 'us-east-2'], false],
  ['no answer', 'aws-us-gov', new Error('ENOTFOUND'), ['us-gov-west-1', 'us-gov-east-1'], false],
  ['one region, no look-up', 'aws-eusc', new Error('was looked up'), ['eusc-de-east-1'], true],
])('%s (%s)', async ([, partition, answer, regions, known]) => {
  const active = activeRegion(partition, async () => {
    if (answer instanceof Error) throw answer
    return answer
  })
  expect(await active.candidates(T, never)).toEqual({ regions, known })
})

/** Looks up whatever `answer` says at the time, and counts. */
function scripted() {
  const dns = { answer: 'us-east-1' as string | null, asked: 0 }
  const active = activeRegion('aws', async () => {
    dns.asked++
    if (dns.answer === null) throw new Error('SERVFAIL')
    return [`health.${dns.answer}.amazonaws.com`]
  })
  return { dns, active }
}

test('an answer is believed for a minute, and not longer; a clock that was set back ends it too', async () => {
  const { dns, active } = scripted()
  await active.candidates(T, never)
  await active.candidates(T + ACTIVE_REGION_TTL_MS - 1, never)
  expect(dns.asked).toBe(1)
  dns.answer = 'us-east-2'
  expect(await active.candidates(T + ACTIVE_REGION_TTL_MS, never)).toEqual({ regions: ['us-east-2'], known: true })
  await active.candidates(T, never)
  expect(dns.asked).toBe(3)
})

test('when the look-up fails the last known region comes first, and failing is not repeated within a minute', async () => {
  const { dns, active } = scripted()
  dns.answer = 'us-east-2'
  await active.candidates(T, never)
  dns.answer = null
  const later = T + ACTIVE_REGION_TTL_MS
  expect(await active.candidates(later, never)).toEqual({ regions: ['us-east-2', 'us-east-1'], known: false })
  expect(await active.candidates(later + 1, never)).toEqual({ regions: ['us-east-2', 'us-east-1'], known: false })
  expect(dns.asked).toBe(2)
})

test('a move is seen at once; a look-up that fails is no move', async () => {
  const { dns, active } = scripted()
  await active.candidates(T, never)
  expect(await active.moved('us-east-1', T, never)).toBeNull()
  dns.answer = null
  expect(await active.moved('us-east-1', T, never)).toBeNull()
  dns.answer = 'us-east-2'
  expect(await active.moved('us-east-1', T, never)).toBe('us-east-2')
  expect(await active.candidates(T, never)).toEqual({ regions: ['us-east-2'], known: true })
})

test('a look-up that hangs ends when the question does', async () => {
  const stop = new AbortController()
  const asking = activeRegion('aws', () => new Promise(() => undefined)).candidates(T, stop.signal)
  stop.abort()
  expect(await asking).toEqual({ regions: ['us-east-1', 'us-east-2'], known: false })
})
