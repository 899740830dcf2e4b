import type { Config } from '../config/config.ts'
import { counted } from '../domain/counted.ts'
import { inWords, utc } from '../domain/duration.ts'
import type { Instant } from '../domain/probe.ts'
import { messageOfThrown } from '../domain/thrown.ts'
import type { Received } from '../ports/health-queue.ts'
import type { Wired } from '../wire.ts'
import { readerIfExists } from './database.ts'
import { FIND_CREDENTIALS } from './failure-advice.ts'
import { type Finding, failed, passed } from './finding.ts'

const UNSURE =
  'whether a rule feeds it shows only when AWS Health sends something: a new rule may have to wait an hour for public events, and one region has some every few weeks. In EventBridge, compare the rule with config/cloudformation/alibi-health-queue.yaml'

/** Receives from the health queue, leaving what is there to the daemon, and says what can be known of what feeds it. */
export async function queueChecks(
  config: Config,
  { queue }: Pick<Wired, 'queue'>,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  if (queue === null) return []
  const what = `health queue (${queue.partition})`
  const received = await queue.queue.look(signal)
  if (received.state !== 'received') return [failed(what, received.why, fixFor(received))]
  const fed = fedText(received, await heardAt(config, queue.url))
  const attributes = await queue.queue.attributes(signal).catch(messageOfThrown)
  if (typeof attributes === 'string') {
    // Nothing else needs that permission: without it less can be said, and nothing is wrong.
    return [passed(what, `${fed}; its retention is taken for ${inWords(queue.retentionMs)} (${attributes})`)]
  }
  const { retentionMs, hasRedrive } = attributes
  if (retentionMs !== null && retentionMs < queue.retentionMs) {
    const is = `its retention is ${inWords(retentionMs)}, and health.queue.retention says ${inWords(queue.retentionMs)}`
    return [failed(what, is, 'set one of them to the other: otherwise events that were lost while Alibi was away go unnoticed')]
  }
  const kept = retentionMs === null ? '' : `; it keeps messages for ${inWords(retentionMs)}`
  const redrive = hasRedrive ? '' : '; it has no dead-letter queue: what cannot be read comes again until it expires'
  return [passed(what, `${fed}${kept}${redrive}`)]
}

function fixFor(received: Exclude<Received, { state: 'received' }>): string {
  if (received.state === 'refused')
    return 'compare health.queue.url and health.queue.region with the queue, and allow the actions that `alibi iam-policy` lists; if its messages are encrypted with a key of your own, kms:Decrypt too'
  return received.ours === 'credentials' ? FIND_CREDENTIALS : 'make sure that this host can reach it'
}

/** When the daemon last read an event of AWS Health from the queue; `null` if it never did, or nobody knows. */
async function heardAt(config: Config, url: string): Promise<Instant | null> {
  try {
    const store = await readerIfExists(config)
    const kept = await store?.queue(url).finally(() => store.close())
    return kept?.record.heardAt ?? null
  } catch {
    return null
  }
}

/** What the messages that are there say of the rule. The daemon takes them away as they come: none is the usual case. */
function fedText({ messages }: Extract<Received, { state: 'received' }>, heard: Instant | null): string {
  const events = messages.filter(({ content }) => content.kind === 'event' || content.kind === 'beside')
  const others = messages.flatMap(({ content }) =>
    content.kind === 'foreign' || content.kind === 'unreadable' ? [content.why] : [],
  )
  const strange = others.length === 0 ? '' : `, and ${counted(others.length, 'message')} that Alibi leaves alone: ${others[0]}`
  const newest = events.reduce((latest, { sentAt }) => Math.max(latest, sentAt ?? 0), 0)
  if (events.length === 0 && heard !== null)
    return `the daemon read an event of AWS Health from it on ${utc(heard)}${strange}: a rule feeds it`
  if (events.length === 0) return `received nothing of AWS Health${strange}; ${UNSURE}`
  const when = newest === 0 ? '' : `, the newest sent ${utc(newest)}`
  return `received ${counted(events.length, 'event')} of AWS Health${when}${strange}: a rule feeds it`
}
