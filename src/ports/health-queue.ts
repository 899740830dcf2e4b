import type { Instant } from '../domain/probe.ts'
import type { QueueContent } from '../domain/queue-message.ts'
import type { QueueTrouble } from '../domain/queue-record.ts'

/** A message that was taken out of the queue for a while: unless it is deleted it comes back. */
export type QueueMessage = Readonly<{
  /** The same each time that the message comes. */
  id: string
  /** By which it is deleted; another one each time. */
  receipt: string
  /** When EventBridge put it into the queue; `null` where SQS does not say. */
  sentAt: Instant | null
  content: QueueContent
}>

/** What came of asking the queue. */
export type Received = Readonly<{ state: 'received'; messages: readonly QueueMessage[] }> | QueueTrouble

/** A queue that EventBridge fills with events of AWS Health. */
export type HealthQueue = {
  /** Waits up to `waitMs` for messages, at most `limit` of them (1 to 10). Bounded in time and size; never rejects. */
  receive(waitMs: number, limit: number, signal: AbortSignal): Promise<Received>
  /** Deletes messages for good, at most ten. Returns why some could not be deleted, or `null`. Never rejects. */
  delete(messages: readonly QueueMessage[], signal: AbortSignal): Promise<string | null>
}
