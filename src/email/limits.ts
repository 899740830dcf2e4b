/** How much a letter shows. Tried from wide to tight until it fits `MAX_MAIL_BYTES`. */
export type Limits = Readonly<{
  /** UTF-16 units of one foreign string, of a runbook or impact, of AWS's own update. */
  word: number
  sentence: number
  update: number
  /** Probes with their evidence, runs of each, tries of each run. */
  probes: number
  runs: number
  tries: number
  /** Probes named in a list, groups counted. */
  listed: number
  groups: number
  monitors: number
  rejected: number
  /** Lines of a mail that is not about probes. */
  lines: number
  /** UTF-16 units of the block for AWS Support; CreateCase takes 8,000 characters at most. */
  support: number
}>

/** Gmail cuts a message at 102 kB, and then hides what matters behind a link. */
export const MAX_MAIL_BYTES = 90_000

export const LIMITS: readonly Limits[] = [
  {
    word: 160,
    sentence: 500,
    update: 1_500,
    probes: 3,
    runs: 3,
    tries: 5,
    listed: 60,
    groups: 12,
    monitors: 6,
    rejected: 12,
    lines: 200,
    support: 7_000,
  },
  {
    word: 100,
    sentence: 300,
    update: 600,
    probes: 2,
    runs: 3,
    tries: 3,
    listed: 30,
    groups: 6,
    monitors: 4,
    rejected: 6,
    lines: 60,
    support: 4_000,
  },
  {
    word: 60,
    sentence: 160,
    update: 200,
    probes: 1,
    runs: 2,
    tries: 2,
    listed: 8,
    groups: 4,
    monitors: 2,
    rejected: 3,
    lines: 15,
    support: 1_500,
  },
]
