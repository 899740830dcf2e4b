import { errorName } from '../domain/error-name.ts'
import type { Incident } from '../domain/incident.ts'
import type { Facts } from '../domain/notification.ts'
import { titleOf } from '../domain/service-facts.ts'
import { spanOf } from '../domain/span.ts'
import { foreign } from './foreign.ts'
import { LIMITS, type Limits } from './limits.ts'
import { supportBlock } from './support-block.ts'
import { iso, spanBetween } from './times.ts'

/** CreateCase takes a body of at most 8,000 characters (client-support: communicationBody), and so does the console's form. */
export const MAX_BODY = 8_000
const MAX_SUBJECT = 150

/** A case, ready for AWS Support. */
export type SupportCase = Readonly<{ subject: string; body: string; plan: string }>

/**
 * Who may open such a case. (about-support-api: the Support API asks for the same plans as the Health API; Developer, Business
 * and Enterprise On-Ramp end on 2027-01-01.)
 */
const PLAN =
  'A technical case needs a paid support plan: Business Support+, Enterprise Support or Unified Operations (until the end of 2026 also Developer, Business and Enterprise On-Ramp). Basic Support covers only cases about account and billing; AWS re:Post is open to everyone. Alibi never opens a case itself.'

export type CaseInput = Readonly<{
  incident: Incident
  /** What failed, with the latest runs last, and who called. */
  facts: Pick<Facts, 'sentBy' | 'probes' | 'others'>
  /** The monitors’ configured impact. */
  impacts: readonly string[]
  now: number
}>

/** Subject and body in plain text. */
export function supportCase({ incident, facts, impacts, now }: CaseInput): SupportCase {
  const limits: Limits = { ...(LIMITS[0] as Limits), probes: 5 }
  const first = facts.probes[0]
  const { from: onset, to: end } = spanOf(incident)
  const telling = first?.evidence
    .findLast(({ result }) => result === 'failed')
    ?.tries.findLast(({ kind }) => kind !== 'throttled')
  const error = telling === undefined ? 'errors' : foreign(errorName(telling), limits.word)
  const operations = [...new Set(facts.probes.map(({ operation }) => foreign(operation.split(' ')[0] ?? operation, limits.word)))]
  const titles = [...new Set(facts.probes.map(({ operation }) => titleOf(operation)))]
  const services = titles.map((title) => (title === 'Account' ? 'AWS Account Management' : title)).join(', ')
  const [which, returned] =
    operations.length === 1
      ? [operations[0]?.includes(':') ? operations[0] : `account:${operations[0]}`, 'has returned']
      : [`several read-only operations of ${services}`, 'have returned']
  const duration =
    end === null
      ? `It was still failing at ${iso(now)}, after ${spanBetween(onset, now)}.`
      : `It ended at ${iso(end)}, after ${spanBetween(onset, end)}.`
  const head = [
    `Since ${iso(onset)}, ${which} ${returned} ${error} to calls that worked before. ${duration}`,
    ...impacts.slice(0, 3).map((impact) => `Impact for us: ${foreign(impact, limits.sentence)}`),
    `AWS Health: ${healthOf(incident, limits)}`,
    '',
    'Please tell us: is this a known issue, what is the cause, is there a workaround, and when do you expect it to be resolved?',
    '',
  ]
  const room = MAX_BODY - head.join('\n').length - 1
  const body = [...head, ...supportBlock(facts, { ...limits, support: Math.max(0, room - 60) })].join('\n')
  return {
    subject: foreign(`${services}: ${error} from ${which}, since ${iso(onset).slice(0, 16)}Z`, MAX_SUBJECT),
    body: body.slice(0, MAX_BODY),
    plan: PLAN,
  }
}

function healthOf({ members, verdict, explainedBy }: Incident, limits: Limits): string {
  const by = members.flatMap(({ judgement }) => (judgement.verdict.kind === 'explained' ? [judgement.verdict.by] : []))[0]
  if (by !== undefined) return `${foreign(by.arn, limits.sentence)} appears to be the cause (${by.status}).`
  if (explainedBy !== null) return `${foreign(explainedBy, limits.sentence)} appeared to be the cause, but no longer explains it.`
  return verdict === 'undetermined'
    ? 'we could not get all of its answers.'
    : 'we found no event that explains this, neither a public one nor one for our account.'
}
