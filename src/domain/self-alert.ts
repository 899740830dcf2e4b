import type { RuleName } from './rule.ts'

/** The key of the self-alert that the configuration on disk is faulty (`config-change`). */
export const CONFIG_ALERT = 'config'
/** How the keys of self-alerts about a source of AWS Health begin. */
export const SOURCE_ALERT = 'health-'

/** What the key of a self-alert says about its email. */
export type Heading = Readonly<{
  rule: RuleName
  subject: string
  /** What to do first; `null`: what a misconfiguration asks for in general. */
  advice: string | null
}>

/** What is reported once and is no incident falls under `self-alert`, unless another rule says so itself. */
export function headingOf(key: string): Heading {
  if (key !== CONFIG_ALERT) {
    const rule = key.startsWith(SOURCE_ALERT) ? 'consult' : 'self-alert'
    return { rule, subject: '[alibi] Alibi cannot ask all it should', advice: null }
  }
  return {
    rule: 'config-change',
    subject: '[alibi] the configuration on disk is faulty',
    advice: 'See what `alibi check` says; once it is good, reload, or restart for what cannot change while Alibi runs.',
  }
}
