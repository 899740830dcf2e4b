import type { Config } from '../config/config.ts'
import type { QueueSetting } from '../daemon/queue-reader.ts'
import type { HealthEvent } from '../domain/outage.ts'
import { partitionOf } from '../domain/policy.ts'
import { credentialsKey, DAY_MS, type Instant } from '../domain/probe.ts'
import type { HealthQueue, QueueMessage } from '../ports/health-queue.ts'
import { NO_NETWORK } from './answers.ts'
import { interestIn } from './aws.ts'
import type { Held } from './event-queue.ts'
import type { Life } from './life.ts'
import type { World } from './world.ts'

const CALL_MS = 40
/** For a story that mentions a queue while its configuration does not. */
const UNNAMED = {
  url: 'https://sqs.us-east-1.amazonaws.com/111122223333/simulated',
  region: 'us-east-1',
  retentionMs: 4 * DAY_MS,
}

/** The health queue of a story; `null` if it has none. */
export function virtualQueue(world: World, config: Config, life: Life): QueueSetting | null {
  const configured = config.health.queue
  if (!world.isQueued && configured === null) return null
  const { url, region, retentionMs } = configured ?? UNNAMED
  const partition = partitionOf(region)
  const monitor = config.monitors.find((one) => one.partition === partition)
  if (monitor === undefined) return null
  const owner = `self@${credentialsKey(configured?.credentials ?? config.health.credentials ?? monitor.credentials)}`
  const queue = asked(world, { life, owner, retentionMs })
  return { queue, url, partition, interest: interestIn(config, partition), retentionMs }
}

type Asker = Readonly<{ life: Life; owner: string; retentionMs: number }>

function asked(world: World, { life, owner, retentionMs }: Asker): HealthQueue {
  const { queue } = world
  return {
    async receive(waitMs, limit, signal) {
      const until = life.monotonic() + waitMs
      await life.sleep(CALL_MS, signal)
      for (;;) {
        if (!world.networkUp) return { state: 'unavailable', why: `EAI_AGAIN: ${NO_NETWORK.message}` }
        if (queue.state === 'denied') return { state: 'refused', why: 'the credentials may not use the queue (AccessDenied)' }
        if (queue.state === 'unavailable') return { state: 'unavailable', why: 'it answered 503', heard: true }
        const taken = queue.take(limit, retentionMs)
        const leftMs = until - life.monotonic()
        if (taken.length > 0 || leftMs <= 0 || signal.aborted)
          return { state: 'received', messages: taken.map((one) => messageOf(one, owner, life.now())) }
        await queue.wait(life, leftMs, signal)
      }
    },
    async delete(messages, signal) {
      await life.sleep(CALL_MS, signal)
      if (!world.networkUp) return NO_NETWORK.message
      queue.delete(messages.map(({ receipt }) => receipt))
      return null
    },
  }
}

/** As its reader sees it: nothing is ahead of the reader's own clock. */
function messageOf({ id, event, sentAt, receipt }: Held, owner: string, now: Instant): QueueMessage {
  const endedAt = event.endedAt === null ? null : Math.min(event.endedAt, now)
  const owners = event.scope === 'ACCOUNT_SPECIFIC' ? [owner] : []
  const read: HealthEvent = { ...event, updatedAt: Math.min(event.updatedAt, now), endedAt, owners }
  return { id, receipt, sentAt, content: { kind: 'event', event: read, toldAt: event.updatedAt } }
}
