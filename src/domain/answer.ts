/** Hours of silence that an email offers. */
export const SILENCE_HOURS = [1, 4, 24] as const

/** Acknowledge the incident, or silence its failing probes for so many hours. */
export type AnswerOrder = 'ack' | (typeof SILENCE_HOURS)[number]

/** What somebody orders by the link in an email about an incident. */
export type Answer = Readonly<{
  incident: string
  /** To whom the email went. */
  recipient: string
  /** The network address that it came from, in words. */
  from: string
  order: AnswerOrder
  /** The same for the same link and order, so that a repeated request counts once. 64 hexadecimal digits. */
  once: string
}>

export type AnswerResult = 'done' | 'already' | 'closed' | 'unknown'
