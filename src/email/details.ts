import type { Facts } from '../domain/notification.ts'
import { type Block, list } from './block.ts'
import { excerpt } from './excerpt.ts'
import { foreign } from './foreign.ts'
import type { Limits } from './limits.ts'

const MAX_CHAPTERS = 12
const MIN_CHAPTER_LINES = 3

/**
 * Whether the first line is the email's first sentence, and so is not repeated below. In a digest that bundles many emails
 * (`rate-limit`) the first sentence says why they are bundled.
 */
export function opensWithFirstLine({ kind, incident, chapters }: Facts): boolean {
  return incident === null && (kind === 'digest' ? chapters !== undefined : kind !== 'test')
}

/** The lines of an email that is not about probes. */
export function details(facts: Facts, limits: Limits): readonly Block[] {
  return listOf(facts.lines.slice(opensWithFirstLine(facts) ? 1 : 0), limits.lines, limits)
}

/** The chapters of a digest by title, each with its share of the lines. */
export function chapters(facts: Facts, limits: Limits): readonly (readonly [string, readonly Block[]])[] {
  const all = (facts.chapters ?? []).slice(0, MAX_CHAPTERS)
  const share = Math.max(MIN_CHAPTER_LINES, Math.floor(limits.lines / Math.max(1, all.length)))
  return all.map(({ title, lines }) => [foreign(title, limits.word), listOf(lines, share, limits)])
}

function listOf(lines: readonly string[], max: number, limits: Limits): readonly Block[] {
  if (lines.length === 0) return []
  return [
    list(
      excerpt(
        lines.map((line) => foreign(line, limits.sentence)),
        max,
      ),
    ),
  ]
}
