import { type AnswerOrder, SILENCE_HOURS } from '../domain/answer.ts'

/** What the buttons of an incident send, and what the silences among them say. */
export const ACKNOWLEDGE = 'ack'
export const SILENCES = SILENCE_HOURS.map((hours) => ({
  hours,
  name: `silence-${hours}`,
  label: hours === 1 ? '1 hour' : `${hours} hours`,
}))

/** `null` for what no button sends. */
export function orderOf(name: unknown): AnswerOrder | null {
  return name === ACKNOWLEDGE ? 'ack' : (SILENCES.find((silence) => silence.name === name)?.hours ?? null)
}
