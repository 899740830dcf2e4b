import { notificationId } from '../../src/domain/audience.ts'
import type { Incident } from '../../src/domain/incident.ts'
import type { LedgerRow } from '../../src/domain/ledger.ts'
import type { MailKind, Notification, Owed } from '../../src/domain/notification.ts'
import type { Probe } from '../../src/domain/probe.ts'
import { HELD_AT_MOST_MS } from '../../src/domain/rules/joining.ts'
import { coveredBy, covers } from '../../src/domain/scope.ts'
import type { Mail } from '../../src/ports/mailer.ts'
import type { Lived } from './live.ts'
import { type Failing, MINUTE, overlaps, type Span, Truth } from './truth.ts'

const FAILURES: ReadonlySet<MailKind> = new Set(['failing', 'misconfigured', 'flapping', 'blind', 'offline', 'escalated'])
const FIRSTS: ReadonlySet<MailKind> = new Set(['failing', 'misconfigured', 'flapping'])
const ENDS: ReadonlySet<MailKind> = new Set(['recovered', 'dropped'])
const SILENCED: ReadonlySet<MailKind> = new Set([
  'failing',
  'misconfigured',
  'flapping',
  'blind',
  'wider',
  'escalated',
  'reminder',
  'still-failing',
])
/** Three runs at the pace of a failing probe, gathering, and the looks in between. */
const DECIDES_WITHIN = 7 * MINUTE
/** A lapsed explanation, or one that was asked for in vain, lasts no longer than `extension` and a run or two. */
const LINGERS = 2.5 * MINUTE

/** When a hold is over, the next look sends what was held, as soon as AWS Health has been asked again. */
const LOOKS_AND_ASKS = 15_000
/** The email, the end, or another reason to wait. */
const ENDS_A_HOLD: readonly LedgerRow['decision'][] = ['mailed', 'closed', 'withheld']

/** A notification and when it was truly committed. */
type Mailed = Readonly<{ at: number; mail: Notification }>

/** A history seen from outside: what was true, what was committed, and what the mail server has. */
class Looked {
  readonly lived: Lived
  readonly truth: Truth
  readonly mailed: readonly Mailed[]

  constructor(lived: Lived) {
    this.lived = lived
    this.truth = new Truth(lived)
    const seen = new Set<string>()
    this.mailed = lived.committed.flatMap(({ at, notifications }) =>
      notifications.flatMap((mail) => {
        // An email that some addresses get with other content is the same notification.
        if (seen.has(mail.id) || baseOf(mail.id) !== mail.id) return []
        seen.add(mail.id)
        return [{ at, mail }]
      }),
    )
  }

  /** When an incident was first committed. */
  firstAt(id: string): number {
    return this.lived.committed.find(({ incidents }) => incidents.some((incident) => incident.id === id))?.at ?? 0
  }

  /** Every incident as it was last committed by then. */
  incidentsAt(at: number): readonly Incident[] {
    const known = new Map<string, Incident>()
    for (const commit of this.lived.committed) {
      if (commit.at > at) break
      for (const incident of commit.incidents) known.set(incident.id, incident)
    }
    return [...known.values()]
  }
}

/** Of a row that withholds an email: the failing probes. */
type Evidence = readonly Readonly<{ probe: string; verdict: Readonly<{ kind: string }> }>[]

type Invariant = Readonly<{ name: string; broken: (looked: Looked) => readonly string[] }>

const INVARIANTS: readonly Invariant[] = [
  {
    name: 'no email that is owed is left unsent',
    broken: ({ lived }) =>
      [...lived.disk.mails.values()]
        .filter(({ state }) => !['delivered', 'merged', 'dropped'].includes(state))
        .map((owed) => `${shown(owed)} is ${owed.state}: ${owed.error}`),
  },
  {
    name: 'disk, ledger and mail server agree on every email, at each address',
    broken({ lived, truth }) {
      const faults: string[] = []
      const accepted = new Set(lived.played.delivered.flatMap(({ mail }) => arrivalsOf(mail)))
      // What is accepted while the disk is full is forgotten when we are killed before it can be written.
      const unwritten = new Set(
        lived.played.delivered
          .filter(({ at }) => overlaps({ from: at, to: at + 1 }, truth.unwritable))
          .flatMap(({ mail }) => arrivalsOf(mail)),
      )
      const onDisk = new Map([...lived.disk.mails.values()].map((owed) => [arrivalOf(owed), owed]))
      const recorded = lived.disk.ledger.flatMap((row) => (row.decision === 'delivered' ? addressesIn(row.evidence) : []))
      for (const arrival of accepted) {
        const { state, uncertain } = onDisk.get(arrival) ?? {}
        // What may have been accepted before it was refused is not retried once a later email has arrived.
        if (
          state !== 'delivered' &&
          !(state === 'merged' && uncertain === true) &&
          !unwritten.has(arrival) &&
          !arrival.startsWith('<disk.')
        )
          faults.push(`the server has ${arrival}, which on disk is ${state ?? 'unknown'}`)
      }
      for (const owed of lived.disk.mails.values()) {
        if (owed.state !== 'delivered') continue
        if (!accepted.has(arrivalOf(owed)))
          faults.push(`${shown(owed)} is recorded as delivered, but the server has no such email`)
        const rows = recorded.filter((one) => one === `${owed.notification.id} ${owed.address}`).length
        if (rows !== 1) faults.push(`${shown(owed)} stands ${rows} times in the ledger as delivered`)
      }
      return faults
    },
  },
  {
    name: 'one Message-ID is one email, whenever and wherever it arrives',
    broken({ lived, truth }) {
      const first = new Map<string, string>()
      return lived.played.delivered.flatMap(({ at, mail: { envelope: _, ...mail } }) => {
        // How it was worded is forgotten with a full disk, when we are killed before it can be written.
        if (overlaps({ from: at, to: at + 1 }, truth.unwritable)) return []
        const text = JSON.stringify(mail)
        const before = first.get(mail.messageId)
        first.set(mail.messageId, before ?? text)
        return before === undefined || before === text ? [] : [`${mail.messageId} is a different email at ${clock(at)}`]
      })
    },
  },
  {
    name: 'no address gets an email twice, unless nobody could know that it had arrived',
    broken({ lived, truth }) {
      const since = new Map<string, number>()
      return lived.played.delivered.flatMap(({ at, mail }) =>
        arrivalsOf(mail).flatMap((arrival) => {
          const before = since.get(arrival)
          since.set(arrival, at)
          if (before === undefined) return []
          const excused = overlaps({ from: before, to: before + 3_000 }, [
            ...truth.disturbed,
            ...truth.unwritable,
            ...truth.cutOff,
          ])
          return excused ? [] : [`${arrival} came at ${clock(before)} and again at ${clock(at)}`]
        }),
      )
    },
  },
  {
    name: 'whoever is owed an alert gets one, or the ledger has the reply that refused it',
    broken({ lived, mailed }) {
      const refused = new Set(lived.disk.ledger.flatMap((row) => (row.decision === 'refused' ? addressesIn(row.evidence) : [])))
      const byMessageId = new Map([...lived.disk.mails.values()].map((owed) => [owed.notification.messageId, owed.notification]))
      const got = lived.played.delivered.flatMap(({ mail, to }) => {
        const notification = byMessageId.get(mail.messageId)
        return notification === undefined ? [] : to.map((address) => ({ address, notification }))
      })
      return mailed.flatMap(({ mail }) => {
        // A short time offline is not reported.
        if (!FAILURES.has(mail.kind) || mail.incident === null || mail.facts.incident?.family === 'offline') return []
        return mail.to.flatMap((address) => {
          const has = got.some(
            (one) => one.address === address && (tellsOf(one.notification, mail) || one.notification.kind === 'digest'),
          )
          return has || refused.has(`${mail.id} ${address}`) ? [] : [`${mail.id} (${mail.kind}) never reached ${address}`]
        })
      })
    },
  },
  {
    name: 'what is not sent is reported by another email, at the same address',
    broken({ lived }) {
      const all = [...lived.disk.mails.values()]
      const told = all.filter(({ state }) => state === 'delivered')
      return all.flatMap((owed) => {
        const { state, address, notification } = owed
        const { id, recipient, createdAt, facts } = notification
        const there = told.filter((one) => one.address === address)
        // A time offline too short to be reported, and what is reported once but was over before that.
        const mayDrop = facts.incident?.family === 'offline' || id.startsWith('self-alert.')
        if (state === 'dropped') return mayDrop ? [] : [`${shown(owed)} is dropped`]
        if (state !== 'merged') return []
        const wasParted = all.some(
          (one) => one.address === address && one.state === 'dropped' && baseOf(one.notification.id) === baseOf(id),
        )
        if (mayDrop && wasParted) return []
        // Its thread may have ended in another (`family-change`).
        const later = there.some((one) => one.notification.id !== id && tellsOf(one.notification, notification))
        const summed = there.some(
          ({ notification: other }) => other.kind === 'digest' && other.recipient === recipient && other.createdAt >= createdAt,
        )
        return later || summed || lived.drawn.scenario.happenings.some(({ deed }) => deed.verb === 'clock')
          ? []
          : [`${shown(owed)} is merged, and nothing has come instead`]
      })
    },
  },
  {
    name: 'every email that the ledger names is on disk, and no other',
    broken({ lived }) {
      const named = lived.disk.ledger.flatMap(({ incident, decision, evidence }) => {
        if (incident === null || (decision !== 'mailed' && decision !== 'closed')) return []
        const { to, seq } = evidence as { to: readonly string[]; seq: number }
        return to.map((recipient) => notificationId(incident, seq, recipient))
      })
      const owed = [...lived.disk.mails.values()].flatMap(({ notification }) =>
        notification.incident === null ? [] : [baseOf(notification.id)],
      )
      return [
        ...differences('in the ledger and not on disk', named, owed),
        ...differences('on disk and not in the ledger', owed, named),
        ...repeated(named).map((id) => `twice in the ledger: ${id}`),
      ]
    },
  },
  {
    name: 'no failure is announced twice',
    broken({ mailed, truth }) {
      const faults: string[] = []
      const last = new Map<string, number>()
      const probes = new Map(truth.probes().map((probe) => [probe.id, probe]))
      for (const { at, mail } of mailed) {
        if (!FIRSTS.has(mail.kind)) continue
        const family = mail.facts.incident?.family
        if (family !== 'outage' && family !== 'misconfigured') continue
        for (const { probe: id, state } of mail.facts.probes) {
          const probe = probes.get(id)
          if (state === 'recovered' || probe === undefined) continue
          const key = `${id} ${family} ${mail.to}`
          const before = last.get(key)
          last.set(key, at)
          if (before === undefined) continue
          const between = { from: before - 3 * MINUTE, to: at }
          const changed = truth.answersTo(probe).some((span) => span.meaning !== family && overlaps(between, [span]))
          if (!changed && !overlaps(between, truth.unwatched(probe)))
            faults.push(
              `${id} was announced to ${mail.recipient} at ${clock(before)} and again at ${clock(at)}, and had failed all the time`,
            )
        }
      }
      return faults
    },
  },
  {
    name: 'whoever is notified of the failure is notified of the recovery, and nobody else',
    broken({ mailed, lived }) {
      const faults: string[] = []
      const open = new Map<string, Mailed>()
      const before = predecessorsOf(lived)
      for (const one of mailed) {
        const { kind, thread: key, recipient, incident } = one.mail
        if (incident === null) continue
        if (ENDS.has(kind)) {
          // A failure whose incident continued in one of another family: its recovery is reported there (`family-change`).
          const inherited = [...open].filter(
            ([, { mail }]) =>
              (mail.recipient === recipient && before(incident, one.at).has(mail.incident ?? '')) ||
              one.mail.past?.some((old) => old.thread === mail.thread),
          )
          if (!open.has(key) && inherited.length === 0)
            faults.push(
              `${recipient} is notified at ${clock(one.at)} of the end (${kind}), but was not notified of the beginning`,
            )
          for (const [other] of [[key], ...inherited]) open.delete(other ?? '')
        } else if (FAILURES.has(kind) || !open.has(key)) open.set(key, one)
      }
      for (const { at, mail } of open.values())
        faults.push(`${mail.recipient} was notified at ${clock(at)} (${mail.kind} ${mail.id}), but never of the end`)
      return faults
    },
  },
  {
    name: 'the recovery goes to the addresses that were notified of the failure, and to no other',
    broken({ mailed }) {
      const told = new Map<string, Set<string>>()
      const faults: string[] = []
      for (const { at, mail } of mailed) {
        if (mail.incident === null) continue
        const threads = [mail.thread, ...(mail.past ?? []).map(({ thread }) => thread)]
        const known = new Set(threads.flatMap((thread) => [...(told.get(thread) ?? [])]))
        if (ENDS.has(mail.kind)) {
          for (const to of known) if (!mail.to.includes(to)) faults.push(`${to} is not notified of an end at ${clock(at)}`)
          for (const to of mail.to)
            if (!known.has(to)) faults.push(`${to} is notified of an end at ${clock(at)}, but was notified of nothing before`)
          for (const thread of threads) told.delete(thread)
        } else told.set(mail.thread, new Set([...(told.get(mail.thread) ?? []), ...mail.to]))
      }
      return faults
    },
  },
  {
    name: 'the last email to an address says that it is over',
    broken({ lived }) {
      const byMessageId = new Map([...lived.disk.mails.values()].map((owed) => [owed.notification.messageId, owed.notification]))
      const last = new Map<string, Notification>()
      for (const { mail, to: addresses } of lived.played.delivered) {
        const owed = byMessageId.get(mail.messageId)
        // A summary reports several; a self-alert is about no incident.
        if (owed === undefined || (owed.incident === null && owed.kind !== 'digest')) continue
        for (const to of addresses) last.set(to, owed)
      }
      // A recovery that was refused is not retried once the next failure has been delivered, at the addresses that have that.
      const excused = (to: string, owed: Notification) =>
        [...lived.disk.mails.values()].some(
          ({ state, error, address, notification: one }) =>
            state === 'merged' &&
            error?.startsWith('a later mail of its thread has arrived') === true &&
            ENDS.has(one.kind) &&
            one.thread === owed.thread &&
            one.seq > owed.seq &&
            address === to,
        )
      return [...last].flatMap(([to, owed]) =>
        ENDS.has(owed.kind) || owed.kind === 'digest' || excused(to, owed)
          ? []
          : [`${to} got ${owed.id} (${owed.kind}) as its last email`],
      )
    },
  },
  {
    name: 'an alert is about a failing probe of theirs that AWS does not explain',
    broken({ mailed }) {
      return mailed.flatMap(({ at, mail }) => {
        const { incident, probes, verdict, reason } = mail.facts
        if (incident === null || incident.family === 'offline' || !SILENCED.has(mail.kind)) return []
        const here = `${mail.kind} to ${mail.recipient} at ${clock(at)}`
        if (probes.every(({ state }) => state === 'recovered')) return [`${here}, but all of theirs is ok`]
        const held = reason.includes('holdAtMost')
        return verdict === 'explained' && !held ? [`${here}, but AWS explains all of theirs`] : []
      })
    },
  },
  {
    name: 'wider is sent to those for whom twice as many probes fail',
    broken({ mailed, truth }) {
      const faults: string[] = []
      const last = new Map<string, number>()
      for (const { at, mail } of mailed) {
        if (mail.incident === null) continue
        const key = `${mail.incident} ${mail.thread}`
        const failing = mail.facts.probes.filter(({ state }) => state !== 'recovered').length
        const before = last.get(key) ?? 0
        // Those that are silenced are no measure for the others.
        const isSilenced = mail.facts.probes.some((probe) =>
          truth.silenced.some(({ scope, from, to }) => covers(scope, probe) && at >= from && at < to),
        )
        if (mail.kind === 'wider' && failing < 2 * before && !isSilenced)
          faults.push(`wider to ${mail.recipient} at ${clock(at)}: ${failing} after ${before}`)
        last.set(key, failing)
      }
      return faults
    },
  },
  {
    name: 'no email overtakes an earlier one of its thread, at its address',
    broken({ lived }) {
      const faults: string[] = []
      const newest = new Map<string, number>()
      const byMessageId = new Map([...lived.disk.mails.values()].map((owed) => [owed.notification.messageId, owed.notification]))
      for (const { mail, to: addresses, at } of lived.played.delivered) {
        const owed = byMessageId.get(mail.messageId)
        if (owed === undefined) continue
        for (const address of addresses) {
          const key = `${owed.thread} ${address}`
          const last = newest.get(key) ?? 0
          if (owed.seq < last)
            faults.push(`${owed.id} (${owed.kind}) came to ${address} at ${clock(at)}, after number ${last} of its thread`)
          newest.set(key, Math.max(last, owed.seq))
        }
      }
      return faults
    },
  },
  {
    name: 'nobody is alerted for nothing',
    broken({ mailed, truth }) {
      const probes = new Map(truth.probes().map((probe) => [probe.id, probe]))
      return mailed.flatMap(({ at, mail }) => {
        const family = mail.facts.incident?.family
        if (!FIRSTS.has(mail.kind) || (family !== 'outage' && family !== 'misconfigured')) return []
        const truly = mail.facts.probes.some(({ probe: id }) => {
          const probe = probes.get(id)
          if (probe === undefined) return false
          const before = { from: at - 12 * MINUTE, to: at }
          const away = truth.disturbed.filter(
            ({ from, to }) => to - from > 5 * MINUTE && !truth.cutOff.some((span) => span.from === from),
          )
          const throttled = truth.answersTo(probe).filter(({ meaning }) => meaning === 'throttled')
          const failed = truth.failing(probe)
          return overlaps(before, [...failed, ...away, ...throttled])
        })
        return truly ? [] : [`${mail.kind} to ${mail.recipient} at ${clock(at)}, but nothing in it had failed`]
      })
    },
  },
  {
    name: 'what AWS explains is not announced before `holdAtMost` is over',
    broken({ mailed, truth }) {
      const probes = new Map(truth.probes().map((probe) => [probe.id, probe]))
      return mailed.flatMap(({ at, mail }) => {
        if (!FIRSTS.has(mail.kind) || mail.facts.incident?.family !== 'outage') return []
        const { holdAtMostMs } = truth.configAt(at).policy
        const failing = mail.facts.probes.filter(({ state }) => state !== 'recovered')
        const explained = failing.every(({ probe: id }) => {
          const probe = probes.get(id)
          const episode = probe && truth.failing(probe).find(({ from, to }) => from <= at && at < to)
          if (probe === undefined || episode === undefined || at - episode.from >= holdAtMostMs) return false
          // What is too short to be seen is no beginning.
          const before = { from: episode.from - 10 * MINUTE, to: episode.from }
          const well = truth.answersTo(probe).every(({ meaning, ...span }) => meaning === 'ok' || !overlaps(before, [span]))
          return (
            well && !overlaps(before, truth.disturbed) && truth.surelyExplained(episode.services, { from: episode.from, to: at })
          )
        })
        return explained && failing.length > 0
          ? [`${mail.kind} to ${mail.recipient} at ${clock(at)}, but AWS had explained all of it`]
          : []
      })
    },
  },
  {
    name: 'no wrong silence: what nothing explains is announced',
    broken(looked) {
      const { truth } = looked
      return truth.probes().flatMap((probe) =>
        truth.failing(probe).flatMap((episode) =>
          momentsOf(truth, episode, probe).flatMap(({ from, to }) => {
            const config = truth.configAt(from)
            const { waitMs, extensionMs } = config.policy
            const monitor = config.monitors.find(({ name }) => name === probe.monitor)
            return config.recipients.flatMap(({ name, afterMs }) => {
              // A recipient who was added since waits for the next email that is due to the others (`config-change`).
              const opened = looked
                .incidentsAt(from)
                .find((is) => is.state !== 'closed' && is.members.some((m) => m.probe === probe.id))
              const began = opened === undefined ? episode.from : looked.firstAt(opened.id)
              const added = truth.notifiedSince(name, probe.monitor, from) > Math.min(began, episode.from)
              const patience = (afterMs === null ? 0 : afterMs + 3 * MINUTE) + (added ? config.policy.remindEveryMs : 0)
              const by = from + waitMs + DECIDES_WITHIN + patience
              if (by > to || monitor?.notify.includes(name) !== true) return []
              if (episode.family === 'outage' && truth.mayBeExplained(episode, { from, to: by }, extensionMs + LINGERS)) return []
              const incident = looked
                .incidentsAt(by)
                .find(
                  (is) =>
                    is.state !== 'closed' &&
                    is.family === episode.family &&
                    is.members.some((m) => m.probe === probe.id && m.state !== 'recovered'),
                )
              // A thread may have begun under another name, or in an incident of another family (`config-change` and
              // `family-change`).
              const entry = incident?.audience.find((one) => one.recipient === name && one.open)
              const told =
                incident?.state === 'announced' && looked.mailed.some(({ at, mail }) => at <= by && mail.thread === entry?.root)
              if (told) return []
              const how = `${incident?.state ?? 'no incident'}, ${incident?.verdict}`
              return [
                `${probe.id} fails since ${clock(episode.from)}, nothing of ours was wrong since ${clock(from)}, and ${name} is not notified by ${clock(by)} (${how})`,
              ]
            })
          }),
        ),
      )
    },
  },
  {
    name: 'no silence without an end',
    broken({ truth, mailed }) {
      return truth.probes().flatMap((probe) =>
        truth.failing(probe).flatMap((episode) => {
          if (episode.family !== 'outage') return []
          const { holdAtMostMs, remindEveryMs, waitMs } = truth.configAt(episode.from).policy
          const longest = Math.max(holdAtMostMs, remindEveryMs) + 2 * truth.longestExtensionMs() + DECIDES_WITHIN
          // The timer falls due at a time when nothing of ours is wrong: then it fires.
          const spoken = mailed
            .filter(({ mail }) => mail.incident !== null && !ENDS.has(mail.kind) && names(mail).includes(probe.id))
            .map(({ at }) => at)
          const marks = [
            episode.from + waitMs + DECIDES_WITHIN,
            ...spoken.filter((at) => at >= episode.from && at < episode.to),
          ].toSorted((a, b) => a - b)
          return marks.flatMap((mark, i) => {
            const due = mark + longest
            const until = marks[i + 1] ?? episode.to
            const [undisturbed] = truth
              .calm({ from: due, to: until }, coveredBy(probe))
              .filter((span) => span.to - span.from >= DECIDES_WITHIN)
            const amiss = overlaps({ from: mark, to: until }, truth.silenced) || truth.setUnseen({ from: mark, to: until })
            return undisturbed === undefined || amiss
              ? []
              : [`nothing is sent about ${probe.id} from ${clock(mark)} to ${clock(until)}, although it fails all the time`]
          })
        }),
      )
    },
  },
  {
    name: 'no silence without a reason on record',
    broken({ lived }) {
      const reasons = new Set(
        lived.disk.ledger.flatMap((row) => (row.decision === 'withheld' || row.decision === 'mailed' ? [row.incident] : [])),
      )
      return [...lived.disk.incidents.values()].flatMap((incident) =>
        incident.closedAs !== 'changed' && incident.closedAs !== 'dropped' && !reasons.has(incident.id)
          ? [`#${incident.id.slice(0, 4)} (${incident.family}) was not emailed, and the ledger does not say why`]
          : [],
      )
    },
  },
  {
    name: 'a first email is held for ten seconds at most, once per episode',
    broken({ lived, truth }) {
      const rows = lived.committed.flatMap(({ at, ledger }) => ledger.map((row) => ({ ...row, at })))
      return [...Map.groupBy(rows, ({ incident }) => incident)].flatMap(([incident, all]) =>
        all.flatMap(({ at, rule, reason }, i) => {
          if (rule !== 'joining') return []
          const here = `#${incident?.slice(0, 4)} at ${clock(at)}: ${reason}`
          const episode = all.slice(0, i).findLastIndex(({ decision }) => decision === 'opened' || decision === 'reopened')
          // Another reason to wait may come in between, and the same hold then be named again.
          const isAnother = (row: LedgerRow) => row.rule === 'joining' && endOfHold(row) !== endOfHold({ reason })
          if (all.slice(episode, i).some(isAnother)) return [`held a second time: ${here}`]
          const until = at + HELD_AT_MOST_MS + LOOKS_AND_ASKS
          const goesOn = all.slice(i + 1).some((row) => row.at <= until && ENDS_A_HOLD.includes(row.decision))
          return goesOn || overlaps({ from: at, to: until }, truth.disturbed) ? [] : [`held for too long: ${here}`]
        }),
      )
    },
  },
  {
    name: 'a silence that was ordered is kept',
    broken({ mailed, truth }) {
      return mailed.flatMap(({ at, mail }) => {
        const { incident, probes } = mail.facts
        if (incident === null || incident.family === 'offline' || !SILENCED.has(mail.kind)) return []
        const failing = probes.filter(({ state }) => state !== 'recovered')
        return failing.every((probe) => truth.surelySilenced(probe, at))
          ? [`${mail.kind} to ${mail.recipient} at ${clock(at)}, and all of theirs is silenced`]
          : []
      })
    },
  },
  {
    name: 'a silence withholds nothing of what it does not cover',
    broken({ lived, truth }) {
      const probes = new Map(truth.probes().map((probe) => [probe.id, probe]))
      // When a silence has ended, what it covered has to run once more first.
      const isSilenced = (probe: Probe, when: number) =>
        truth.silenced.some(
          ({ from, to, scope }) =>
            when >= from && when < to + truth.configAt(when).policy.blindAfterMs && covers(scope, coveredBy(probe)),
        )
      const rows = lived.committed.flatMap(({ at, ledger }) => ledger.map((row) => ({ at, row })))
      return rows.flatMap(({ at, row: { decision, rule, evidence, reason } }) => {
        if (decision !== 'withheld' || rule !== 'silence') return []
        const { monitors } = truth.configAt(at)
        const failing = (evidence as Evidence).flatMap(({ probe, verdict }) => {
          const known = probes.get(probe)
          return known === undefined || verdict.kind === 'explained' ? [] : [known]
        })
        const theirs = (recipient: string) =>
          failing.filter(({ monitor }) => monitors.some(({ name, notify }) => name === monitor && notify.includes(recipient)))
        const recipients = [...new Set(monitors.flatMap(({ notify }) => notify))].map(theirs).filter((own) => own.length > 0)
        return recipients.length === 0 || recipients.some((own) => own.every((probe) => isSilenced(probe, at)))
          ? []
          : [`${reason} (${clock(at)}), and everybody has probes that no silence covers`]
      })
    },
  },
  {
    name: 'a late explanation is emailed once per incident and event',
    broken({ mailed }) {
      const told = mailed.flatMap(({ mail }) => {
        if (mail.kind !== 'now-explained') return []
        const events = mail.facts.probes.flatMap(({ state, verdict }) =>
          state !== 'recovered' && verdict.kind === 'explained' ? [verdict.by.arn] : [],
        )
        const named = events.length > 0 ? [...new Set(events)].sort() : mail.facts.incident?.explainedBy
        return [`${mail.incident} ${mail.recipient} ${named}`]
      })
      return repeated(told)
    },
  },
  {
    name: 'everything closes once all is ok',
    broken: ({ lived }) =>
      [...lived.disk.incidents.values()].flatMap((incident) =>
        incident.state === 'closed' ? [] : [`#${incident.id.slice(0, 4)} (${incident.family}) is still ${incident.state}`],
      ),
  },
  {
    name: 'the daemon runs until it is stopped',
    broken: ({ lived }) => lived.played.failures.map(({ expected, found }) => `${expected}: ${found}`),
  },
]

/** What a history breaks, one line each. */
export function brokenBy(lived: Lived): readonly Readonly<{ invariant: string; how: string }>[] {
  const looked = new Looked(lived)
  return INVARIANTS.flatMap(({ name, broken }) => broken(looked).map((how) => ({ invariant: name, how })))
}

/** Spans in which nothing of ours was wrong, from their beginning and from each moment at which an explanation was over. */
function momentsOf(truth: Truth, episode: Failing, probe: Probe): readonly Span[] {
  return truth.calm(episode, coveredBy(probe)).flatMap((span) => {
    const { extensionMs } = truth.configAt(span.from).policy
    return truth.turnsWithin(span, extensionMs + LINGERS).map((from) => ({ from, to: span.to }))
  })
}

/**
 * The incidents that had ended by then because their last probe had moved into this one, directly or by way of others: their emails
 * are continued by its own.
 */
function predecessorsOf(lived: Lived): (incident: string, at: number) => ReadonlySet<string> {
  const moves: { from: string; into: string; at: number }[] = []
  for (const { ledger, at } of lived.committed) {
    const changed = new Set(
      ledger.flatMap((row) => (row.decision === 'closed' && row.rule === 'family-change' ? [row.incident] : [])),
    )
    for (const [i, { decision, incident, probe }] of ledger.entries()) {
      if (decision !== 'moved' || incident === null || !changed.has(incident)) continue
      const into = ledger
        .slice(i + 1)
        .find((row) => row.probe === probe && ['opened', 'joined', 'reopened'].includes(row.decision))
      if (into?.incident != null) moves.push({ from: incident, into: into.incident, at })
    }
  }
  const all = (incident: string, until: number, seen: Set<string>): ReadonlySet<string> => {
    for (const { from, into, at } of moves) {
      if (into !== incident || at > until || seen.has(from)) continue
      seen.add(from)
      all(from, until, seen)
    }
    return seen
  }
  return (incident, at) => all(incident, at, new Set())
}

/** As the ledger names it. */
function endOfHold({ reason }: Pick<LedgerRow, 'reason'>): string {
  return /^held until (\S+ \S+Z)/.exec(reason)?.[1] ?? reason
}

function names(mail: Notification): readonly string[] {
  return [...mail.facts.probes.map(({ probe }) => probe), ...mail.facts.others.names]
}

/** Addresses that never got the earlier emails get a notification of their own, whose id extends that of the whole. */
function baseOf(id: string): string {
  return /^self-alert\.|^summary\.|^digest\.|^disk\./.test(id) ? id : id.split('.').slice(0, 3).join('.')
}

function shown({ notification: { id, kind }, address }: Owed): string {
  return `${id} (${kind}) to ${address}`
}

/** An email at an address, as the mail server has it. */
function arrivalsOf({ messageId, envelope }: Mail): readonly string[] {
  return envelope.map((address) => `${messageId} ${address}`)
}

function arrivalOf({ notification, address }: Owed): string {
  return `${notification.messageId} ${address}`
}

/** The addresses that a ledger row about an email names. */
function addressesIn(evidence: unknown): readonly string[] {
  const { id, addresses } = evidence as { id: string; addresses: readonly string[] }
  return addresses.map((address) => `${id} ${address}`)
}

/** Whether the one comes in place of the other, or after it. */
function tellsOf(one: Notification, other: Notification): boolean {
  return one.seq >= other.seq && [one, ...(one.past ?? [])].some(({ thread }) => thread === other.thread)
}

function differences(what: string, these: readonly string[], those: readonly string[]): readonly string[] {
  const known = new Set(those)
  return these.filter((one) => !known.has(one)).map((one) => `${what}: ${one}`)
}

function repeated(these: readonly string[]): readonly string[] {
  return these.filter((one, i) => these.indexOf(one) !== i)
}

function clock(ms: number): string {
  const seconds = Math.round(ms / 1000)
  return `+${Math.floor(seconds / 3600)}:${String(Math.floor(seconds / 60) % 60).padStart(2, '0')}:${String(seconds % 60).padStart(2, '0')}`
}
