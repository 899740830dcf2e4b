import type { Facts } from '../domain/notification.ts'
import type { Block } from './block.ts'
import { foreign } from './foreign.ts'
import type { Limits } from './limits.ts'
import { isFailing } from './opening.ts'

/** What can be done about the incident from a shell, to be copied. */
export function commands(facts: Facts, limits: Limits): readonly Block[] {
  const { incident, kind, monitors } = facts
  if (incident === null) return []
  const id = foreign(incident.id, limits.word)
  const monitor = monitors[0] === undefined ? '' : ` --monitor ${quoted(foreign(monitors[0].name, limits.word))}`
  const isOngoing = (isFailing(kind) || kind === 'misconfigured') && incident.closedAt === null
  return [
    {
      type: 'copy',
      lines: [
        `alibi explain ${id}    # what was decided, and why`,
        ...(isOngoing
          ? [`alibi ack ${id}        # stop reminders and escalation`, `alibi silence add --for 2h --reason "…"${monitor}`]
          : []),
      ],
    },
  ]
}

/** As one word of a shell: the name is the operator's own, but may hold a space or a quote. */
function quoted(name: string): string {
  return /^[\w.@:/-]+$/.test(name) ? name : `'${name.replaceAll("'", "'\\''")}'`
}
