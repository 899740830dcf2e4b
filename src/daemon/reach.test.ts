import { expect, test } from 'vitest'
import type { ControlAnswer, Outcome, Try } from '../domain/probe.ts'
import { virtualClock } from '../simulate/clock.ts'
import { Reach } from './reach.ts'

const at = Date.UTC(2026, 10, 27, 12)
const control = (afterMs: number, reached: boolean): ControlAnswer => ({ at: at + afterMs, ms: 5, reached, detail: '' })

function ran(afterMs: number, status: number | null, answer: ControlAnswer | null = null): Outcome {
  const made: Try = {
    ...{ at: at + afterMs, ms: 5, error: null, message: null, requestId: null, apigwId: null, traceId: null, skewMs: null },
    ...{ kind: status === 200 ? null : 'unreachable', status, service: 'ACCOUNT', region: 'us-east-1' },
  }
  const when = { probe: 'p', startedAt: at + afterMs, endedAt: at + afterMs + 10, tries: [made], control: answer }
  return status === 200 ? { ...when, result: 'ok', kind: null } : { ...when, result: 'failed', kind: 'unreachable' }
}

function given() {
  const told: boolean[] = []
  return { told, reach: new Reach((reaches) => told.push(reaches)) }
}

const never = new AbortController().signal
const UNASKED = { control: () => Promise.reject(new Error('nobody asks for it here')) }
const note = (reach: Reach, outcome: Outcome) => reach.judge(outcome, UNASKED, never)

test('one run that reaches nobody, nor the control host, shows that this machine is cut off; any answer ends it', async () => {
  const { reach, told } = given()
  await note(reach, ran(0, 200))
  reach.noteControl(control(100, true))
  await note(reach, ran(1_000, null, control(1_100, false)))
  expect([reach.isCutOff, told]).toEqual([true, [true, false]])
  await note(reach, ran(2_000, 200))
  expect([reach.isCutOff, told]).toEqual([false, [true, false, true]])
})

test('an outage of AWS is not a problem of this machine: the control host answers', async () => {
  const { reach, told } = given()
  reach.noteControl(control(0, true))
  await note(reach, ran(1_000, null, control(1_100, true)))
  expect([reach.isCutOff, told]).toEqual([false, [true]])
})

test('a control call that was answered before the run began is made once more', async () => {
  const { reach } = given()
  const before = ran(1_000, null, control(900, true))
  const judged = await reach.judge(before, { control: async () => control(1_100, false) }, never)
  expect([judged.control?.reached, reach.isCutOff]).toEqual([false, true])
})

test('after a run has shown it, control calls are made often until one is answered', async () => {
  const { reach, told } = given()
  const clock = virtualClock(at)
  const stop = new AbortController()
  const answers = [control(0, true), control(70_000, false), control(90_000, true)]
  let asked = 0
  const prober = { control: async () => answers[asked++] ?? control(clock.elapsed(), true) }
  const watching = reach.watch(prober, clock, { idleEveryMs: 15 * 60_000, signal: stop.signal })
  await clock.advance(60_000)
  expect(asked).toBe(1)
  await note(reach, ran(61_000, null, control(61_100, false)))
  await clock.advance(30_000)
  expect([asked, told]).toEqual([3, [true, false, true]])
  stop.abort()
  await watching
})

test('without runs three control calls show it', async () => {
  const { reach } = given()
  reach.noteControl(control(0, true))
  reach.noteControl(control(1_000, false))
  reach.noteControl(control(2_000, false))
  expect(reach.isCutOff).toBe(false)
  reach.noteControl(control(3_000, false))
  expect(reach.isCutOff).toBe(true)
})
