import type { Child } from 'hono/jsx'
import { foreign } from '../email/foreign.ts'
import { ACKNOWLEDGE, SILENCES } from './answer-order.ts'
import type { Card, DecisionRow, MemberRow } from './card.ts'
import { TimelineFigure } from './figure.tsx'
import { MailTable } from './mail-table.tsx'
import type { AnswerForm, IncidentPage } from './overview.ts'
import { clockTime, SENTENCE, WORD } from './phrase.ts'
import { type Column, ProbeName, Section, Table } from './table.tsx'

const PROBES: readonly Column<MemberRow>[] = [
  { head: 'Probe', cell: (row) => <ProbeName {...row} /> },
  { head: 'State', cell: ({ state }) => state, look: ({ tone }) => `n t-${tone}` },
  { head: 'Since', cell: ({ since }) => since, look: 'n', label: 'since' },
  { head: 'Last failure', cell: ({ error }) => error },
]

const DECISIONS: readonly Column<DecisionRow>[] = [
  { head: 'When', cell: ({ at }) => at, look: 'n' },
  { head: 'Decision', cell: ({ decision }) => decision, look: 'n' },
  { head: 'Reason', cell: ({ reason }) => reason },
  { head: 'Rule', cell: ({ rule }) => rule, look: 'n', label: 'rule' },
]

const REJECTED = 'AWS events that were considered and rejected'
const DECIDED = 'Decisions and their reasons'

/** The page of one incident. */
export function IncidentSections({ page: { card, fault, answer = null, at } }: { page: IncidentPage }) {
  return (
    <>
      <p id="back">
        <a id="back-link" href="../">
          All monitors and incidents
        </a>
      </p>
      <section class={`box answer ${card.tone}`} id="answer" aria-label="Summary">
        <h1 class={`t-${card.tone}`}>{card.state}</h1>
        <p>
          <b>
            <Title card={card} />
          </b>{' '}
          #{card.id}
        </p>
        <p class="soft">{card.since}</p>
        {/* On a phone too, who comes from an email sees them without scrolling. */}
        {answer === null ? null : <AnswerButtons id={card.id} form={answer} now={at} />}
        <Summary card={card} />
      </section>
      {fault === null ? null : (
        <section class="box warn" id="warnings" aria-label="Warnings">
          <p>{fault}</p>
        </section>
      )}
      <Section id="probes" title="Probes">
        <div class="box" id="probes-box">
          <Table columns={PROBES} rows={card.probes} />
        </div>
      </Section>
      {card.rejected.length === 0 ? null : (
        <Section id="rejected" title={REJECTED}>
          <div class="box" id="rejected-box">
            <Rejected card={card} />
          </div>
        </Section>
      )}
      <Section id="mails" title={`Emails (${card.mailCount})`}>
        <div class="box" id="mails-box">
          {card.mails.length === 0 ? <p class="soft">No email was due.</p> : <MailTable rows={card.mails} />}
        </div>
      </Section>
      <Section id="decisions" title={DECIDED}>
        <div class="box" id="decisions-box">
          <Table small columns={DECISIONS} rows={card.decisions} />
          <p class="small">
            Newest first. For everything, with every try and request id, see <a href={apiOf(card.id)}>the JSON</a> or run `alibi
            explain {card.id}`.
          </p>
        </div>
      </Section>
    </>
  )
}

/** What a link in an email allows. Without JavaScript too: they are plain forms. */
function AnswerButtons({ id, form: { key, recipient, acked }, now }: { id: string; form: AnswerForm; now: number }) {
  const action = `${id}/answer`
  return (
    <div id="answer-form" class="buttons">
      {acked === null ? (
        <form method="post" action={action}>
          <input type="hidden" name="answer" value={key} />
          <button type="submit" name="do" value={ACKNOWLEDGE}>
            Acknowledge
          </button>
        </form>
      ) : (
        <p>
          <b>Acknowledged</b> {clockTime(acked.at, now)}
          {acked.by === null ? '' : `: ${foreign(acked.by, SENTENCE)}`}
        </p>
      )}
      <form method="post" action={action}>
        <input type="hidden" name="answer" value={key} />
        <span class="soft">Silence these probes for </span>
        {SILENCES.map(({ name, label }) => (
          <button type="submit" name="do" value={name} class="plain">
            {label}
          </button>
        ))}
      </form>
      <p class="soft small">
        On record as {foreign(recipient, WORD)}. Acknowledging stops reminders and escalation; you still hear when it grows or
        ends.
      </p>
    </div>
  )
}

/** An incident among others. The worst one is open; the others open with a click, and stay open. */
export function IncidentCard({ card, isWorst }: { card: Card; isWorst: boolean }) {
  const short = card.id.slice(0, 4)
  const details = `i-${card.id}-more`
  return (
    <article
      class={`box ${card.tone}`}
      id={`i-${card.id}`}
      aria-label={`Incident ${short}`}
      data-open={isWorst ? details : undefined}
    >
      <div class="head">
        <span class={`state t-${card.tone}`}>{card.state}</span>
        <h3>
          <Title card={card} />
        </h3>
        <a class="small" id={`i-${card.id}-link`} href={pathOf(card.id)}>
          Details of #{short}
        </a>
        <span class="soft small">{card.since}</span>
      </div>
      {isWorst ? (
        <CardDetails card={card} />
      ) : (
        <details id={details}>
          <summary id={`${details}-s`}>{card.awsInShort}</summary>
          <CardDetails card={card} />
        </details>
      )}
    </article>
  )
}

function CardDetails({ card }: { card: Card }) {
  const { id, probes, moreProbes, rejected, moreRejected, mails, mailCount, decisions } = card
  return (
    <>
      <Summary card={card} />
      {probes.length === 0 ? null : <Table columns={PROBES} rows={probes} />}
      {moreProbes === 0 ? null : (
        <p class="small">
          and {moreProbes} more: <a href={pathOf(id)}>show all</a>
        </p>
      )}
      {rejected.length === 0 ? null : (
        <Fold id={`i-${id}-rejected`} title={`${REJECTED} (${rejected.length + moreRejected})`}>
          <Rejected card={card} />
        </Fold>
      )}
      {mails.length === 0 ? null : (
        <Fold id={`i-${id}-mails`} title={`Emails (${mailCount})`}>
          <MailTable rows={mails} />
        </Fold>
      )}
      {decisions.length === 0 ? null : (
        <Fold id={`i-${id}-decisions`} title={DECIDED}>
          <Table small columns={DECISIONS} rows={decisions} />
        </Fold>
      )}
    </>
  )
}

function Fold({ id, title, children }: { id: string; title: string; children?: Child }) {
  return (
    <details id={id}>
      <summary id={`${id}-s`}>{title}</summary>
      {children}
    </details>
  )
}

function Title({ card: { title, monitors } }: { card: Card }) {
  return <>{monitors === '' ? title : `${title} (${monitors})`}</>
}

function Summary({ card }: { card: Card }) {
  return (
    <>
      <Facts card={card} />
      {card.timeline === null ? null : <TimelineFigure timeline={card.timeline} />}
      <EventQuote event={card.event} />
    </>
  )
}

function Facts({ card }: { card: Card }) {
  return (
    <dl class="facts">
      {card.impacts.map((text) => (
        <Fact name="Impact">{text}</Fact>
      ))}
      <Fact name="Is it AWS?">{card.aws}</Fact>
      <Fact name="Notified?">{card.notified}</Fact>
      {card.acknowledged === null ? null : <Fact name="Acknowledged">{card.acknowledged}</Fact>}
      {card.withheld === null ? null : <Fact name="No email now">{card.withheld}</Fact>}
      {card.runbooks.map((link, n) => (
        <Fact name="Runbook">
          <a id={`i-${card.id}-runbook-${n}`} href={link} rel="noreferrer noopener">
            {link}
          </a>
        </Fact>
      ))}
    </dl>
  )
}

function Fact({ name, children }: { name: string; children?: Child }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </>
  )
}

function EventQuote({ event }: { event: Card['event'] }) {
  if (event === null) return null
  return (
    <blockquote>
      <p>
        <b>{event.title}</b>
      </p>
      <p>{event.text}</p>
      <p class="soft small">{event.times}</p>
    </blockquote>
  )
}

function Rejected({ card: { rejected, moreRejected } }: { card: Card }) {
  return (
    <ul class="small">
      {rejected.map(({ title, why }) => (
        <li>
          <b>{title}</b>: {why}
        </li>
      ))}
      {moreRejected > 0 ? <li>and {moreRejected} more</li> : null}
    </ul>
  )
}

/** From the status page. */
export function pathOf(id: string): string {
  return `incidents/${encodeURIComponent(id)}`
}

/** From its own page. */
function apiOf(id: string): string {
  return `../api/incidents/${encodeURIComponent(id)}`
}
