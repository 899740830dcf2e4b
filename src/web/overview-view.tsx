import type { Card } from './card.ts'
import { IncidentCard, pathOf } from './incident-view.tsx'
import type { MailRow } from './mail-row.ts'
import { MailTable } from './mail-table.tsx'
import { Monitors } from './monitor-view.tsx'
import type { Overview } from './overview.ts'
import type { RecentRow } from './recent-row.ts'
import type { SilenceRow } from './silence-row.ts'
import type { SourceRow } from './source-row.ts'
import { type Column, Section, Table } from './table.tsx'
import type { WithheldGroup } from './withheld.ts'

const WITHHELD: readonly Column<WithheldGroup>[] = [
  { head: 'When', cell: ({ at }) => at, look: 'n' },
  { head: 'Times', cell: ({ count }) => (count === 1 ? 'once' : `${count} times`), look: 'n' },
  { head: 'Why no email', cell: ({ reason }) => reason },
  { head: 'Incident', cell: (group) => <IncidentLinks group={group} /> },
  { head: 'Rule', cell: ({ rule }) => rule, look: 'n', label: 'rule' },
]

const SILENCES: readonly Column<SilenceRow>[] = [
  { head: 'Silenced', cell: ({ what }) => what },
  { head: 'Status', cell: ({ isInForce }) => (isInForce ? 'in force' : 'planned'), look: ({ tone }) => `n t-${tone}` },
  { head: 'From', cell: ({ from }) => from, look: 'n', label: 'from' },
  { head: 'Until', cell: ({ until }) => until, look: 'n', label: 'until' },
  { head: 'Why', cell: ({ reason }) => reason },
  { head: 'By', cell: ({ by }) => by, label: 'by' },
  { head: 'Id', cell: ({ id }) => id, look: 'n soft', label: 'id' },
]

const SOURCES: readonly Column<SourceRow>[] = [
  { head: 'Source', cell: ({ name }) => name },
  { head: 'Last answer', cell: ({ state }) => state, look: ({ tone }) => `t-${tone}` },
  { head: 'When', cell: ({ age }) => age, look: 'n' },
  { head: 'Detail', cell: ({ detail }) => detail, look: 'soft' },
]

const RECENT: readonly Column<RecentRow>[] = [
  {
    head: 'Incident',
    cell: ({ id, title, monitors }) => (
      <>
        <a href={pathOf(id)}>#{id.slice(0, 4)}</a> {title}
        {monitors === '' ? '' : <span class="soft"> ({monitors})</span>}
      </>
    ),
  },
  { head: 'When', cell: ({ when }) => when },
  { head: 'Was it AWS?', cell: ({ verdict }) => verdict },
  { head: 'Was anyone notified?', cell: ({ notified }) => notified },
]

/** The status page. */
export function OverviewSections({ page }: { page: Overview }) {
  return (
    <>
      <Answers page={page} />
      {page.warnings.length === 0 ? null : (
        <section class="box warn" id="warnings" aria-label="Warnings">
          {page.warnings.map((text) => (
            <p>{text}</p>
          ))}
        </section>
      )}
      <Silences list={page.silences} />
      <Incidents cards={page.incidents} more={page.moreIncidents} />
      <Mails rows={page.mails} more={page.moreMails} />
      <Monitors page={page} />
      <Withheld list={page.withheld} />
      <Section id="sources" title="Where this comes from">
        <div class="box">
          <Table columns={SOURCES} rows={page.sources} />
        </div>
      </Section>
      <Section id="recent" title="Closed incidents">
        <div class="box">
          {page.recent.length === 0 ? <p class="soft">None yet.</p> : <Table columns={RECENT} rows={page.recent} />}
        </div>
      </Section>
    </>
  )
}

function Answers({ page: { state, tone, answers } }: { page: Overview }) {
  return (
    <section class={`box answer ${tone}`} id="answer" aria-label="Summary">
      <h1 class={`t-${tone}`}>{state}</h1>
      <dl class="answers">
        {answers.map(({ question, answer }) => (
          <div>
            <dt>{question}</dt>
            <dd>{answer}</dd>
          </div>
        ))}
      </dl>
    </section>
  )
}

function Incidents({ cards, more }: { cards: readonly Card[]; more: number }) {
  if (cards.length === 0) return null
  return (
    <section id="incidents" data-live="" aria-labelledby="incidents-h">
      <h2 id="incidents-h">Open incidents</h2>
      {cards.map((card, nth) => (
        <IncidentCard card={card} isWorst={nth === 0} />
      ))}
      {more > 0 ? (
        <p id="incidents-more">
          And {more} more, none of them worse: see <a href="api/incidents">/api/incidents</a>.
        </p>
      ) : null}
    </section>
  )
}

function Mails({ rows, more }: { rows: readonly MailRow[]; more: number }) {
  if (rows.length === 0) return null
  return (
    <Section id="mails" title="Undelivered emails">
      <div class="box warn">
        <MailTable rows={rows} />
        {more > 0 ? <p>and {more} more: run `alibi outbox list`</p> : null}
      </div>
    </Section>
  )
}

function Silences({ list: { rows, more } }: { list: Overview['silences'] }) {
  const [first] = rows
  if (first === undefined) return null
  return (
    <Section id="silences" title="Silences">
      <div class={`box ${first.tone}`}>
        <Table columns={SILENCES} rows={rows} />
        {more === 0 ? null : <p class="small">and {more} more: run `alibi silence list`</p>}
      </div>
    </Section>
  )
}

function Withheld({ list }: { list: Overview['withheld'] }) {
  return (
    <Section id="withheld" title="Alerts that were withheld, and why">
      <div class="box">
        {list === null ? <p class="soft">Unknown: the database cannot be read.</p> : null}
        {list?.groups.length === 0 ? <p class="soft">{`None in ${list.within}.`}</p> : null}
        {list === null || list.groups.length === 0 ? null : <Table small columns={WITHHELD} rows={list.groups} />}
        {list === null || list.more === 0 ? null : <p class="small">{`and ${list.more} more in ${list.within}`}</p>}
      </div>
    </Section>
  )
}

function IncidentLinks({ group: { incidents, moreIncidents } }: { group: WithheldGroup }) {
  return (
    <>
      {incidents.map(({ id, monitors }, nth) => (
        <>
          {nth === 0 ? '' : ', '}
          <a href={pathOf(id)}>#{id.slice(0, 4)}</a>
          {monitors === '' ? '' : <span class="soft"> {monitors}</span>}
        </>
      ))}
      {moreIncidents === 0 ? '' : ` and ${moreIncidents} more`}
    </>
  )
}
