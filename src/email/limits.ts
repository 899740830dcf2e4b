/** How much an email shows. Tried from the widest to the tightest until the email fits into `MAX_MAIL_BYTES`. */
export type Limits = Readonly<{
  /** In UTF-16 units: a foreign word, a foreign sentence, AWS's own update. */
  word: number
  sentence: number
  update: number
  /** Probes whose evidence is shown, runs of each, tries of each run. */
  probes: number
  runs: number
  tries: number
  /** Probes named in a list, operations counted. */
  listed: number
  groups: number
  monitors: number
  rejected: number
  /** Lines of an email that is not about probes. */
  lines: number
  /** UTF-16 units of the block for AWS Support; CreateCase takes at most 8,000 characters. */
  support: number
}>

/** Gmail clips a message at 102 kB and hides the rest behind a link. */
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
