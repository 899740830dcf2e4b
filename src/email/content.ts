import type { Facts } from '../domain/notification.ts'
import { awsEvent } from './aws-event.ts'
import { awsHealthAnswers } from './aws-health.ts'
import type { Block, Section } from './block.ts'
import { commands } from './commands.ts'
import type { Delivery } from './delivery.ts'
import { chapters, details } from './details.ts'
import { evidence } from './evidence.ts'
import { summarize } from './failure-summary.ts'
import { footer } from './footer.ts'
import { foreign, seen } from './foreign.ts'
import { type KeyFact, keyFacts } from './key-facts.ts'
import { LIMITS, type Limits } from './limits.ts'
import { type Opening, opening } from './opening.ts'
import { failingProbes, longProbeList } from './probe-list.ts'
import { support } from './support-block.ts'
import { timeline } from './timeline.ts'
import { warnings } from './warnings.ts'

/** Everything an email says, in the order in which it is read. The text and HTML parts render this and nothing else, so they say the same. */
export type Content = Readonly<{
  title: string
  opening: Opening
  /** What must not be overlooked: the email is late, the endpoints are not AWS's own. */
  warnings: readonly string[]
  /** The rest of the first screen. */
  keyFacts: readonly KeyFact[]
  sections: readonly Section[]
  footer: readonly string[]
}>

/** @param seq the email's number in its thread */
export function contentOf(
  facts: Facts,
  delivery: Delivery,
  seq: number | null = null,
  limits: Limits = LIMITS[0] as Limits,
): Content {
  const { merged } = delivery
  return withoutUnseen({
    title: foreign(facts.subject, limits.sentence),
    opening: opening(facts, merged, limits),
    warnings: warnings(facts, delivery, limits),
    keyFacts: keyFacts(facts, delivery, limits),
    sections: sectionsOf(facts, delivery, limits),
    footer: footer(facts, seq, limits),
  })
}

function sectionsOf(facts: Facts, delivery: Delivery, limits: Limits): readonly Section[] {
  const failure = summarize(facts, limits)
  const { kind, probes } = facts
  const { merged } = delivery
  // A recovery that also covers an undelivered alert shows that alert's evidence, unless it has its own.
  const shown = merged !== null && probes.every((probe) => probe.evidence.length === 0) ? merged.facts : facts
  const sections: readonly (readonly [string, readonly Block[]])[] = [
    ['Commands', commands(facts, delivery, limits)],
    [kind === 'recovered' ? 'What failed' : 'What is failing', failingProbes(facts, failure, limits)],
    ['AWS event', awsEvent(facts, limits)],
    ['Evidence', evidence(shown, limits)],
    ['Timeline', timeline(facts, delivery)],
    ['What AWS Health said', awsHealthAnswers(facts, limits)],
    [`All ${failure.total} probes`, longProbeList(facts, failure, limits)],
    [kind === 'digest' ? 'Summary' : 'Details', details(facts, limits)],
    ...chapters(facts, limits),
    ['For AWS Support (copy from here)', support(facts, limits)],
  ]
  return sections.flatMap(([title, blocks]) => (blocks.length === 0 ? [] : [{ title, blocks }]))
}

/** A safety net below every `foreign()`: whatever was forgotten there, no control character reaches an email. */
function withoutUnseen(content: Content): Content {
  return JSON.parse(JSON.stringify(content), (_, value: unknown) => (typeof value === 'string' ? seen(value) : value)) as Content
}
