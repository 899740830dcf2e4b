import type { RuleName } from './rule.ts'

/** The notice that the configuration on disk is faulty, and the old one still in force (`config-change`). */
export const CONFIG_NOTICE = 'config'
/** How the keys of notices about a source of AWS Health begin. */
export const SOURCE_NOTICE = 'health-'

/** What a notice's key says of the mail that tells it. */
export type Heading = Readonly<{
  rule: RuleName
  subject: string
  /** What to do first; `null`: what a misconfiguration asks for in general. */
  advice: string | null
}>

/** What is told once and is no incident falls under `self-alert`, unless another rule says so itself. */
export function headingOf(key: string): Heading {
  if (key !== CONFIG_NOTICE) {
    const rule = key.startsWith(SOURCE_NOTICE) ? 'consult' : 'self-alert'
    return { rule, subject: '[alibi] Alibi cannot ask all it should', advice: null }
  }
  return {
    rule: 'config-change',
    subject: '[alibi] the configuration on disk is faulty',
    advice: 'See what `alibi check` says; once it is good, reload, or restart for what cannot change while Alibi runs.',
  }
}
