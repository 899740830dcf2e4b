import type { Facts } from '../domain/notification.ts'
import type { Shell } from './access.ts'
import { type Block, text } from './block.ts'
import type { Delivery } from './delivery.ts'
import { foreign } from './foreign.ts'
import type { Limits } from './limits.ts'
import { isFailing } from './opening.ts'

/** What can be done about the incident from a shell, to be copied. */
export function commands(facts: Facts, { shell = null }: Delivery, limits: Limits): readonly Block[] {
  const { incident, kind, monitors } = facts
  if (incident === null) return []
  const id = foreign(incident.id, limits.word)
  const monitor = monitors[0] === undefined ? '' : ` --monitor ${quoted(foreign(monitors[0].name, limits.word))}`
  const isOngoing = (isFailing(kind) || kind === 'misconfigured') && incident.closedAt === null
  const run = (command: string) => `${shell?.program ?? 'alibi'} ${command}${shell === null ? '' : shell.options}`
  const lines = [
    ...(isOngoing ? [`${run(`ack ${id}`)}    # stop reminders and escalation`] : []),
    `${run(`explain ${id}`)}    # what was decided, and why`,
    ...(isOngoing ? [run(`silence add --for 2h --reason "on it"${monitor}`)] : []),
  ]
  return [...where(shell, limits), { type: 'copy', lines: shell === null ? lines : [`cd ${quoted(shell.directory)}`, ...lines] }]
}

function where(shell: Shell | null, { word }: Limits): readonly Block[] {
  if (shell === null) return []
  const user = shell.user === null ? '' : ` as ${foreign(shell.user, word)}`
  return [text(`On ${foreign(shell.host, word)}${user}:`)]
}

/** As one word of a shell: a name or path is the operator's own, but may hold a space or a quote. */
export function quoted(word: string): string {
  return /^[\w.@:/-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
}
