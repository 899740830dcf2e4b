/** The notice that the configuration on disk is faulty, and the old one still in force (rule 16). */
export const CONFIG_NOTICE = 'config'

/** What a notice's key says of the mail that tells it. */
export type Heading = Readonly<{
  rule: string
  subject: string
  /** What to do first; `null`: what a misconfiguration asks for in general. */
  advice: string | null
}>

/** Everything that is told once and is no incident falls under rule 2, but for the configuration itself. */
export function headingOf(key: string): Heading {
  if (key !== CONFIG_NOTICE) return { rule: '2', subject: '[alibi] Alibi cannot ask all it should', advice: null }
  return {
    rule: '16',
    subject: '[alibi] the configuration on disk is faulty',
    advice: 'See what `alibi check` says; once it is good, reload, or restart for what cannot change while Alibi runs.',
  }
}
