import type { Incident, Judgement } from '../domain/incident.ts'
import { leadWords } from '../domain/lead.ts'
import type { Verdict } from '../domain/verdict.ts'
import { foreign } from '../email/foreign.ts'
import { capital, stop } from '../email/sentence.ts'
import { SENTENCE, WORD } from './phrase.ts'

/** Whether AWS explains an open incident, and why we think so. */
export function isItAws({ family }: Incident, judgement: Judgement | null): string {
  if (family === 'offline') return 'No: the control host, which is not part of AWS Account, cannot be reached either.'
  if (judgement === null) return 'Unknown.'
  const { verdict, carried, lapsed } = judgement
  const why = sentence(verdict.why)
  if (family === 'blind') return `Unknown: ${why}`
  const ended = lapsed === null ? '' : ` ${capital(sentence(lapsed.why))}`
  switch (verdict.kind) {
    case 'explained':
      return `Yes: ${why}${carried === null ? '' : ` ${capital(sentence(carried))}`}`
    case 'unexplained':
      return family === 'outage' ? `Not according to AWS: ${why}${ended}` : `No: ${why}`
    case 'undetermined':
      return `Unknown: ${why}${ended}`
  }
}

/** The same in one line. */
export function isItAwsInShort({ family }: Incident, verdict: Verdict | null): string {
  if (family === 'offline') return 'No: this host cannot reach the network.'
  if (family === 'misconfigured') return 'No: this is a problem of our own access or configuration.'
  if (family === 'blind' || verdict === null) return 'Unknown: no run has a result.'
  switch (verdict.kind) {
    case 'explained':
      return `Yes: ${foreign(verdict.by.code, WORD)} in ${foreign(verdict.by.region ?? 'no named region', WORD)} explains it.`
    case 'unexplained':
      return 'Not according to AWS: none of its events explains it.'
    case 'undetermined':
      return 'Unknown: AWS Health could not be asked, so Alibi alerts.'
  }
}

const IN_WORDS: Readonly<Record<Verdict['kind'], string>> = {
  explained: 'Explained by AWS',
  unexplained: 'Not explained by AWS',
  undetermined: 'AWS Health could not be asked',
}

/** What it came to in the end. */
export function verdictInWords({
  family,
  verdict,
  explainedBy,
  leadMinutes,
}: Pick<Incident, 'family' | 'verdict' | 'explainedBy' | 'leadMinutes'>): string {
  if (family !== 'outage') return 'Not an AWS outage'
  if (explainedBy === null) return IN_WORDS[verdict]
  const lead = leadMinutes === null ? '' : `; AWS first posted ${leadWords(leadMinutes)}`
  const how = verdict === 'explained' ? 'Explained by' : 'Explained in hindsight by'
  return `${how} ${foreign(codeOf(explainedBy), WORD)}${lead}`
}

/** The type code inside an ARN such as `arn:aws:health:us-east-1::event/IAM/AWS_IAM_OPERATIONAL_ISSUE/…`. */
function codeOf(arn: string): string {
  return arn.split('/')[2] ?? arn
}

function sentence(text: string): string {
  return stop(foreign(text, SENTENCE))
}
