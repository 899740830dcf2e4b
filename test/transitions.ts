import { readFileSync } from 'node:fs'

/** A row of the table in docs/rules.md: an incident's states, and the rule that leads from one to the other. */
export type Transition = Readonly<{ from: string; to: string; rule: string }>

/** Every way that an incident's state may change; `–` is before it opens. */
export const TRANSITIONS: readonly Transition[] = readFileSync('docs/rules.md', 'utf8')
  .split(/^## /m)
  .filter((chapter) => chapter.startsWith('The life of an incident'))
  .flatMap((chapter) => [...chapter.matchAll(/^\| (\S+) \| (\S+) \| `([\w-]+)` \|/gm)])
  .map(([, from = '', to = '', rule = '']) => ({ from, to, rule }))

/** Whether an incident may go from one state to another by any of these rules. What opens passes through `waiting` in the same moment. */
export function mayGo(from: string, to: string, rules: readonly string[]): boolean {
  if (from === to) return true
  const leads = (a: string, b: string) => TRANSITIONS.some((one) => one.from === a && one.to === b && rules.includes(one.rule))
  return leads(from, to) || ((from === '–' || from === 'closed') && leads(from, 'waiting') && leads('waiting', to))
}
