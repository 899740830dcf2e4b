/** A fault that somebody might introduce one day. Each search text must occur in the file exactly once. */
export type Mutant = Readonly<{
  name: string
  file: string
  edits: readonly (readonly [search: string, replace: string])[]
  /** The test file that has to fail, for a fault that random histories hardly ever show. Without it: the histories. */
  heldBy?: string
}>

/** The result of a survey. */
export type Survey = Readonly<{
  seeds: number
  failing: number
  invariants: Readonly<Record<string, number>>
  examples: readonly string[]
  ms: number
}>

const COURIER = 'src/daemon/courier.ts'
const DISPATCH = 'src/daemon/dispatch.ts'
const FATES = 'src/daemon/fates.ts'
const ENGINE = 'src/daemon/engine.ts'
const LIVE_WORLD = 'src/daemon/live-world.ts'
const VIEW = 'src/domain/view.ts'
const FLEET_STORAGE = 'src/cli/fleet-storage.ts'
const MACHINES = 'test/histories-machines.test.ts'
const LOADED = 'for (const incident of loaded.incidents) this.incidents.set(incident.id, incident)'

export const MUTANTS: readonly Mutant[] = [
  {
    name: 'marks an email as delivered before it is sent',
    file: DISPATCH,
    edits: [
      [
        "going.map((one) => ({ ...nameOf(one), state: 'sending' as const, attempts: one.attempts + 1, wording })),\n      [],",
        "going.map((one) => ({ ...nameOf(one), state: 'delivered' as const, attempts: one.attempts + 1, deliveredAt: clock.now(), wording })),\n      rowsOf(clock.now(), going, { decision: 'delivered', rule: null, reason: 'soon' }),",
      ],
      [
        'await records.write(settled.changes, settled.rows)',
        "await records.write(settled.changes.filter(({ state }) => state !== 'delivered').map((change) => ({ ...change, deliveredAt: null })), settled.rows.filter(({ decision }) => decision !== 'delivered'))",
      ],
    ],
  },
  {
    name: 'commits an incident and its emails in two transactions',
    file: ENGINE,
    edits: [
      [
        '    await writes.write({\n      ...decision,\n      notifications,',
        '    await writes.write({ ...decision, notifications: [], readings: [], outcomes: [] })\n    await writes.write({\n      ...decision,\n      incidents: [],\n      probes: [],\n      ledger: [],\n      notifications,',
      ],
    ],
  },
  {
    name: 'commits the emails first and the incident after them',
    file: ENGINE,
    edits: [
      [
        '    await writes.write({\n      ...decision,\n      notifications,',
        '    await writes.write({\n      ...decision,\n      incidents: [],\n      probes: [],\n      ledger: [],\n      notifications,\n      readings: [],\n      outcomes: [],\n    })\n    await writes.write({\n      ...decision,\n      notifications: [],',
      ],
    ],
  },
  {
    name: 'forgets at a restart what it has announced',
    file: LIVE_WORLD,
    edits: [
      [LOADED, 'for (const incident of loaded.incidents) this.incidents.set(incident.id, { ...incident, announcedAt: null })'],
    ],
  },
  {
    name: 'loses its timers at a restart',
    file: LIVE_WORLD,
    edits: [
      [
        LOADED,
        'for (const incident of loaded.incidents) this.incidents.set(incident.id, { ...incident, members: incident.members.map((m) => ({ ...m, failedAt: now })), audience: incident.audience.map((a) => (a.heard === undefined ? a : { ...a, heard: { ...a.heard, at: now } })) })',
      ],
    ],
  },
  {
    name: 'forgets at a restart who was notified',
    file: LIVE_WORLD,
    edits: [[LOADED, 'for (const incident of loaded.incidents) this.incidents.set(incident.id, { ...incident, audience: [] })']],
  },
  {
    name: 'makes a new Message-ID for each attempt',
    file: DISPATCH,
    edits: [
      [
        'letterOf(first.notification, wording, thread, letter), envelope }',
        // biome-ignore lint/suspicious/noTemplateCurlyInString: it is source
        'letterOf(first.notification, wording, thread, letter), envelope, messageId: `<${random01()}@example.com>` }',
      ],
    ],
  },
  {
    name: 'counts an email as delivered that was being sent when the process died',
    file: COURIER,
    edits: [
      [
        "cut.map((owed) => ({ ...nameOf(owed), state: 'retrying' as const, uncertain: true }))",
        "cut.map((owed) => ({ ...nameOf(owed), state: 'delivered' as const, deliveredAt: 0 }))",
      ],
    ],
  },
  {
    name: 'gives up an email after one failed attempt',
    file: FATES,
    edits: [["const change = { id, address, state: 'retrying', error", "const change = { id, address, state: 'dropped', error"]],
  },
  {
    name: 'counts an email as delivered to all its addresses once one of them has it',
    file: FATES,
    edits: [
      ['if (fate?.accepted === true) {', 'if (some) {'],
      // biome-ignore lint/suspicious/noTemplateCurlyInString: it is source
      ['`${route.name}${fate.reply}`', '`${route.name}250`'],
    ],
  },
  {
    name: 'words an email again for the addresses that get it later',
    file: FATES,
    edits: [['wording: isOut ? wording : null', 'wording: isOut ? null : null']],
  },
  {
    name: 'sends an email to all its addresses again because one did not get it',
    file: DISPATCH,
    edits: [
      ['const envelope = going.map(({ address }) => address)', 'const envelope = going.length > 0 ? first.notification.to : []'],
    ],
  },
  {
    name: 'lets a later email overtake an earlier one',
    file: 'src/domain/outbox.ts',
    edits: [['if (left[0] !== undefined) heads.push(left[0])', 'heads.push(...left)']],
  },
  {
    name: 'ignores the region of an event',
    file: 'src/domain/judge.ts',
    edits: [
      [
        "if (failure.region === '') return 'the region of the failing endpoint is not known'",
        "if (failure.region !== '') return null",
      ],
    ],
  },
  {
    name: 'treats not knowing as an explanation',
    file: VIEW,
    edits: [
      [
        "if (kinds.length > 0 && kinds.every((kind) => kind === 'explained'))",
        "if (kinds.every((kind) => kind !== 'unexplained'))",
      ],
      ["return member.judgement.verdict.kind !== 'explained'", "return member.judgement.verdict.kind === 'unexplained'"],
    ],
  },
  {
    name: 'ignores AWS Health altogether',
    file: VIEW,
    edits: [
      ["if (kinds.length > 0 && kinds.every((kind) => kind === 'explained'))", 'if (kinds.length < 0)'],
      ["return member.judgement.verdict.kind !== 'explained'", "return member.probe !== ''"],
    ],
  },
  {
    name: 'lets an explanation stand forever',
    file: 'src/domain/explanation.ts',
    edits: [['if (runAt <= until) {', 'if (runAt <= until || now > 0) {']],
    // An outage that outlives its event by longer than an email can be withheld: one history in some hundreds.
    heldBy: 'test/simulate.test.ts',
  },
  {
    name: 'never ends a long suppression',
    file: 'src/domain/rules/hold.ts',
    edits: [['const held = holdAtMostMs === 0 ?', 'const held = holdAtMostMs >= 0 ?']],
  },
  {
    name: 'never reminds',
    file: 'src/domain/rules/reminder.ts',
    edits: [['heard !== null && firesNow(', 'heard !== null && everyMs < 0 && firesNow(']],
  },
  {
    name: 'never escalates',
    file: 'src/domain/rules/escalation.ts',
    edits: [
      ['firesNow(announcedAt + afterMs, own, situation)', 'afterMs < 0 && firesNow(announcedAt + afterMs, own, situation)'],
    ],
  },
  {
    name: 'notifies of the end those who were not notified of the beginning',
    file: 'src/domain/rules/recovery.ts',
    edits: [
      [
        "const to = as === 'changed' ? [] : was.audience.filter((a) => a.open).map(",
        "const to = as === 'changed' ? [] : was.audience.map(",
      ],
    ],
  },
  {
    name: 'closes what is no longer watched without an email',
    file: 'src/domain/rules/recovery.ts',
    edits: [
      ["const to = as === 'changed' ? [] : was.audience.filter(", "const to = as !== 'recovered' ? [] : was.audience.filter("],
    ],
  },
  {
    name: 'sends the end to the addresses that are configured now',
    file: 'src/domain/notify.ts',
    edits: [
      [
        '    recipient: audience.recipient,\n    to: audience.to,\n    inReplyTo: audience.root',
        '    recipient: audience.recipient,\n    to: drop.setup.recipients.get(audience.recipient)?.to ?? audience.to,\n    inReplyTo: audience.root',
      ],
    ],
  },
  {
    name: 'records no reason for a silence',
    file: 'src/domain/rules/owed.ts',
    edits: [
      [
        'withheld: key }, announcement: null, ledger: [...notes, row] }',
        'withheld: key }, announcement: null, ledger: row.at > 0 ? notes : [] }',
      ],
    ],
  },
  {
    name: 'emails the same explanation again each time',
    file: 'src/domain/rules/late-explanation.ts',
    edits: [['heard?.events.includes(arn) === false', 'heard?.events.includes(arn) !== undefined']],
  },
  {
    name: 'does not keep a silence that was ordered',
    file: 'src/domain/silence.ts',
    edits: [['  return covering.toSorted(', '  if (now > 0) return null\n  return covering.toSorted(']],
  },
  {
    name: 'takes a silence over some probes for one over all',
    file: 'src/domain/view.ts',
    edits: [['silenceOver(member, inForce, now) === null', "member.probe === ''"]],
  },
  {
    name: 'begins a planned silence at once',
    file: 'src/domain/silence.ts',
    edits: [['return silence.from <= now && now <', 'return now <']],
  },
  {
    name: 'takes our own network problem for an outage of AWS',
    file: 'src/domain/connectivity.ts',
    edits: [
      ["if (connectivity.offlineSince !== null) return { ...outcome, kind: 'offline' }", ''],
      ["return heard ? outcome : { ...outcome, kind: 'offline' }", 'return heard || outcome !== null ? outcome : outcome'],
    ],
  },
  {
    name: 'never believes that a probe has recovered',
    file: 'src/domain/streak.ts',
    edits: [['okRuns >= threshold.recover', 'okRuns >= threshold.recover + 1_000']],
  },
  {
    name: 'retries refused emails although later ones have been delivered',
    file: 'src/domain/outbox.ts',
    edits: [['(other) => other.notification.seq > seq && (hasArrived', '(other) => other.notification.seq < 0 && (hasArrived']],
  },
  {
    name: 'leaves the old thread as it is when an incident changes its family',
    file: 'src/domain/phases/family-change.ts',
    edits: [['if (into !== null && (isEmpty || heirs.length > 0)) handOver(draft, from, into, heirs)', 'void into']],
  },
  {
    name: 'forgets the unsent emails of a thread that ended in another',
    file: 'src/domain/audience.ts',
    edits: [['.slice(-MAX_PAST)', '.slice(0, 0)']],
  },
  {
    name: 'forgets the addresses that were notified first',
    file: 'src/domain/audience.ts',
    edits: [['return notified ?? to\n', 'return notified === undefined ? to : to\n']],
  },
  {
    name: 'holds a first email for as long as another probe may join',
    file: 'src/domain/rules/joining.ts',
    edits: [
      ['incident.heldUntil ?? Math.min(now + HELD_AT_MOST_MS, gatheringEndsAt(unexplained, setup))', 'now + HELD_AT_MOST_MS'],
    ],
  },
  {
    name: 'counts for one recipient what fails for another',
    file: 'src/domain/rules/grouping.ts',
    edits: [['widerTo(view, situation.context)', 'widerTo({ ...view, audible: situation.failing }, situation.context)']],
  },
  {
    name: 'notifies everybody whatever fails',
    file: VIEW,
    edits: [
      [
        'return notifiedBy(failing, setup).map((recipient) => {',
        'return notifiedBy(incident.members, setup).map((recipient) => {',
      ],
      [
        '(mine.length === monitors.length ? failing : membersFor(recipient, failing, setup))',
        '(now > 0 ? failing : membersFor(recipient, failing, setup))',
      ],
      ['  const { setup } = around\n', '  const { setup, now } = around\n'],
    ],
  },
  {
    name: 'lets an email wait for a clock that was set back',
    file: COURIER,
    edits: [
      ['return nextAt > now + Math.max(', 'return now < 0 && nextAt > now + Math.max('],
      ['await store.settle(moved, [])', 'await store.settle([], [])'],
    ],
  },
  {
    name: 'does not move silences when the clock is set',
    file: 'src/daemon/operator-orders.ts',
    edits: [
      ['async rebase(by: number): Promise<void> {\n', 'async rebase(by: number): Promise<void> {\n    if (by !== 0) return\n'],
      ['setBetween(order, stamp) ?? of.get(id) ?? 0', '0 * (setBetween(order, stamp) ?? of.get(id) ?? 0)'],
    ],
  },
  {
    name: 'does not store the new times of silences',
    file: 'src/daemon/write-behind.ts',
    edits: [['if (redate === null) await store.commit(change)', 'if (redate !== undefined) await store.commit(change)']],
  },
  {
    name: 'takes a clock that was set ahead while Alibi was not running for a long sleep',
    file: 'src/daemon/clock-changes.ts',
    edits: [['if (by !== null) return by\n', 'if (by !== null) return Math.min(0, by)\n']],
    heldBy: 'test/scenarios.test.ts',
  },
  {
    name: 'takes a network that was not up yet at the start for an outage of AWS',
    file: 'src/domain/connectivity.ts',
    edits: [
      [
        '(connectivity.everReached || isUnanswered(connectivity)) && connectivity.failures',
        'connectivity.everReached && connectivity.failures',
      ],
      [
        'if (!connectivity.everReached && !isUnanswered(connectivity)) return outcome',
        'if (!connectivity.everReached) return outcome',
      ],
    ],
  },
  {
    name: 'takes an answer from before a run as proof that we are online',
    file: 'src/domain/connectivity.ts',
    edits: [['connectivity.lastAnswerAt >= outcome.startedAt', 'connectivity.lastAnswerAt >= outcome.startedAt - 60_000']],
  },
  {
    name: 'deletes a message of the queue before it is on disk',
    file: 'src/daemon/queue-reader.ts',
    edits: [
      [
        '    record = this.counting(record, taken, now)\n',
        '    record = this.counting(record, taken, now)\n    await this.delete(taken, kill)\n',
      ],
    ],
    heldBy: 'src/daemon/queue-reader.test.ts',
  },
  {
    name: 'takes the message that arrived last for the newest',
    file: 'src/domain/queue-message.ts',
    edits: [['const isLater = compareForms(told, known) > 0', 'const isLater = true']],
    heldBy: 'src/domain/queue-message.test.ts',
  },
  {
    name: 'still believes after a long absence what the queue said before it',
    file: 'src/domain/queue-record.ts',
    edits: [['seenAt >= known && unclear !== true', 'unclear !== true']],
    heldBy: 'src/domain/queue-record.test.ts',
  },
  {
    name: 'takes the silence of a queue as an answer',
    file: 'src/domain/judge.ts',
    edits: [["return source?.state === 'answered' && source.unproven !== true", "return source?.state === 'answered'"]],
    heldBy: 'src/domain/judge.test.ts',
  },
  {
    name: 'lets a machine that has lost the lead send emails',
    file: FLEET_STORAGE,
    edits: [
      [
        'if (claim?.isLive() === true) return mailer.send(mail, signal)',
        'if (claim !== undefined) return mailer.send(mail, signal)',
      ],
    ],
    heldBy: MACHINES,
  },
  {
    name: 'goes on although the lead is lost',
    file: FLEET_STORAGE,
    edits: [['whenAborted(lost, kill)', 'whenAborted(lost, () => {})']],
    heldBy: MACHINES,
  },
  {
    name: 'drops what is being sent when it hands the lead on',
    file: FLEET_STORAGE,
    edits: [['      stop()\n      void this.clock.sleep(RESIGNED_WITHIN_MS, lost).then(kill)', '      stop()\n      kill()']],
    heldBy: 'src/cli/fleet-storage.test.ts',
  },
  {
    name: 'lets a machine that wakes up make the runs that it was asked for before',
    file: 'src/adapters/postgres/dealer.ts',
    edits: [['      await this.errands.withdraw()\n', '']],
    heldBy: 'src/adapters/postgres/dealer.test.ts',
  },
  {
    name: 'moves a caller while its runs are under way',
    file: 'src/adapters/postgres/dealer.ts',
    edits: [['if (isSettled && this.runsOf(caller) === 0) return true', 'if (isSettled) return true']],
    heldBy: MACHINES,
  },
  {
    name: 'never takes a lease for over',
    file: 'src/adapters/postgres/lease.ts',
    edits: [['return this.leftMs() > 0', 'return this.from !== null']],
    heldBy: MACHINES,
  },
]

/** Where the source text of a mutant does not stand in its file exactly once, after the edits before it; empty if all is found. */
export function unplaced({ file, edits }: Mutant, source: string): readonly string[] {
  const wrong: string[] = []
  let text = source
  for (const [search, replace] of edits) {
    const parts = text.split(search)
    if (parts.length !== 2) wrong.push(`found ${parts.length - 1} times in ${file}: ${search}`)
    text = parts.join(replace)
  }
  return wrong
}

/** The source with the fault in it. @throws {Error} if a search text is not found exactly once: the mutant has to follow the code */
export function mutated(mutant: Mutant, source: string): string {
  const wrong = unplaced(mutant, source)
  if (wrong.length > 0) throw new Error(`mutant "${mutant.name}": ${wrong.join('; ')}`)
  return mutant.edits.reduce((text, [search, replace]) => text.split(search).join(replace), source)
}
