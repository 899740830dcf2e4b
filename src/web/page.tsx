import type { Child } from 'hono/jsx'
import type { Tone } from '../email/opening.ts'
import type { Card, MailRow, RecentRow, StoryRow } from './card.ts'
import { HourFigure, TimelineFigure } from './figure.tsx'
import type { IncidentPage, MonitorRow, Overview, SourceRow } from './overview.ts'
import { SCRIPT } from './script.ts'
import { iconOf, STYLE } from './style.ts'

const REFRESH_S = 30

/*
 * Text is escaped by hono/jsx; links are our own paths, or were made by `safeLink`. No component waits: one that did would
 * turn the whole into a promise.
 */

type Still = Readonly<{
  /** The reader asked for a page that stays as it is (WCAG 2.2.2): it is not made fresh by itself. */
  still: boolean
}>

export function renderPage(page: Overview, { still }: Still): string {
  return whole(<Whole {...headOf(page)} path="/" still={still} main={<Main page={page} />} />)
}

/** The changing part of the page alone: what the script asks for. */
export function renderMain(page: Overview): string {
  return text(<Main page={page} />)
}

export function renderIncident(page: IncidentPage, { still }: Still): string {
  return whole(<Whole {...headOf(page)} path={`/incidents/${page.card.id}`} still={still} main={<IncidentMain page={page} />} />)
}

export function renderIncidentMain(page: IncidentPage): string {
  return text(<IncidentMain page={page} />)
}

export function renderNothing(what: string): string {
  return whole(
    <Whole
      state="NOT FOUND"
      tone="plain"
      at={null}
      version=""
      path="/"
      still
      main={
        <main id="main">
          <section class="box plain answer" id="answer">
            <h1>{what}</h1>
            <p>
              <a href="/">To the status page</a>
            </p>
          </section>
        </main>
      }
    />,
  )
}

function whole(html: Child): string {
  return `<!doctype html>\n${text(html)}\n`
}

function text(html: Child): string {
  const out = html?.toString()
  if (typeof out !== 'string') throw new Error('the page is not ready at once')
  return out
}

type Head = Readonly<{ state: string; tone: Tone; at: number | null; version: string }>

function headOf(page: Overview | IncidentPage): Head {
  const { at, version } = page
  return 'card' in page
    ? { state: page.card.state, tone: page.card.tone, at, version }
    : { state: page.state, tone: page.tone, at, version }
}

function timeOf(at: number): string {
  const time = new Date(at).toISOString()
  return `${time.slice(0, 10)} ${time.slice(11, 19)} UTC`
}

/** Around what changes: the script puts in what these attributes say. */
function live({ state, tone, at }: Head, id = '') {
  const name = id === '' ? '' : `#${id.slice(0, 4)} `
  return {
    id: 'main',
    'data-live': '',
    'data-state': state,
    'data-title': `${name}${state} · Alibi`,
    'data-icon': iconOf(tone),
    'data-at': timeOf(at ?? 0),
  }
}

function Whole({ state, tone, at, version, path, still, main }: Head & { path: string; still: boolean; main: Child }) {
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width,initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="robots" content="noindex" />
        {still ? null : (
          <noscript>
            <meta http-equiv="refresh" content={String(REFRESH_S)} />
          </noscript>
        )}
        <title>{`${path === '/' ? '' : `#${path.split('/')[2]?.slice(0, 4)} `}${state} · Alibi`}</title>
        <link rel="icon" href={iconOf(tone)} />
        {/* Ours from end to end: nothing foreign is in them. */}
        <style dangerouslySetInnerHTML={{ __html: STYLE }} />
      </head>
      <body>
        <a class="skip" href="#answer">
          To the answer
        </a>
        <header>
          <span>
            <a id="home" href="/">
              <b>Alibi</b>
            </a>{' '}
            watches AWS Account
          </span>
          {at === null ? null : (
            <span>
              as of <span id="at">{timeOf(at)}</span>,{' '}
              {still ? (
                <a href={path}>not refreshed by itself: start</a>
              ) : (
                <a href={`${path}?refresh=off`}>kept fresh by itself: stop</a>
              )}
            </span>
          )}
        </header>
        <p id="stale" class="stale" role="alert" hidden></p>
        <p id="said" class="unseen" role="status"></p>
        {main}
        <footer>
          {version === '' ? 'Alibi' : `Alibi ${version}`}. Times are UTC. For programs:{' '}
          <a href="/api/incidents">/api/incidents</a>, <a href="/metrics">/metrics</a>, <a href="/healthz">/healthz</a>
        </footer>
        {still ? null : <script dangerouslySetInnerHTML={{ __html: SCRIPT }} />}
      </body>
    </html>
  )
}

function Main({ page }: { page: Overview }) {
  const { state, tone } = page
  return (
    <main {...live(headOf(page))}>
      <section class={`box answer ${tone}`} id="answer" aria-label="The answer">
        <h1 class={`t-${tone}`}>{state}</h1>
        <dl class="answers">
          {page.answers.map(({ question, answer }) => (
            <div>
              <dt>{question}</dt>
              <dd>{answer}</dd>
            </div>
          ))}
        </dl>
      </section>
      {page.warnings.length === 0 ? null : (
        <section class="box warn" id="mind" aria-label="Mind this">
          {page.warnings.map((text) => (
            <p>{text}</p>
          ))}
        </section>
      )}
      <Incidents cards={page.incidents} more={page.moreIncidents} />
      <Mails rows={page.mails} more={page.moreMails} />
      <Monitors rows={page.monitors} more={page.moreMonitors} />
      <Silences kept={page.silences} />
      <Sources rows={page.sources} />
      <Recent rows={page.recent} />
    </main>
  )
}

function IncidentMain({ page }: { page: IncidentPage }) {
  const { card } = page
  return (
    <main {...live(headOf(page), card.id)}>
      <p id="back">
        <a id="back-link" href="/">
          All monitors and incidents
        </a>
      </p>
      <section class={`box answer ${card.tone}`} id="answer" aria-label="The answer">
        <h1 class={`t-${card.tone}`}>{card.state}</h1>
        <p>
          <b>
            {card.title}
            {card.monitors === '' ? '' : ` (${card.monitors})`}
          </b>{' '}
          #{card.id}
        </p>
        <p class="soft">{card.since}</p>
        <Facts card={card} />
        {card.timeline === null ? null : <TimelineFigure timeline={card.timeline} />}
        <EventQuote card={card} />
      </section>
      {page.fault === null ? null : (
        <section class="box warn" id="mind" aria-label="Mind this">
          <p>{page.fault}</p>
        </section>
      )}
      <section id="probes" aria-labelledby="probes-h">
        <h2 id="probes-h">Probes</h2>
        <div class="box" id="probes-box">
          <MemberTable card={card} />
        </div>
      </section>
      {card.rejected.length === 0 ? null : (
        <section id="near" aria-labelledby="near-h">
          <h2 id="near-h">AWS events that were considered and rejected</h2>
          <div class="box" id="near-box">
            <RejectedEvents card={card} />
          </div>
        </section>
      )}
      <section id="mails" aria-labelledby="mails-h">
        <h2 id="mails-h">{`Mails (${card.mailCount})`}</h2>
        <div class="box" id="mails-box">
          {card.mails.length === 0 ? <p class="soft">None was owed.</p> : <MailTable rows={card.mails} />}
        </div>
      </section>
      <section id="story" aria-labelledby="story-h">
        <h2 id="story-h">What was decided, and why</h2>
        <div class="box" id="story-box">
          <Story rows={card.story} />
          <p class="small">
            The newest first. Whole, with every try and request id: <a href={apiOf(card.id)}>as JSON</a>, or `alibi explain{' '}
            {card.id}`.
          </p>
        </div>
      </section>
    </main>
  )
}

function Incidents({ cards, more }: { cards: readonly Card[]; more: number }) {
  if (cards.length === 0) return null
  return (
    <section id="incidents" data-live="" aria-labelledby="incidents-h">
      <h2 id="incidents-h">Open incidents</h2>
      {cards.map((card, nth) => (
        <Incident card={card} isWorst={nth === 0} />
      ))}
      {more > 0 ? (
        <p id="incidents-more">
          And {more} more, none of them worse: <a href="/api/incidents">/api/incidents</a>
        </p>
      ) : null}
    </section>
  )
}

/** The worst one is open for whoever comes; the others open with a click, and stay so. */
function Incident({ card, isWorst }: { card: Card; isWorst: boolean }) {
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
          {card.title}
          {card.monitors === '' ? '' : ` (${card.monitors})`}
        </h3>
        <a class="small" id={`i-${card.id}-link`} href={pathOf(card.id)}>
          #{short}, its whole story
        </a>
        <span class="soft small">{card.since}</span>
      </div>
      {isWorst ? (
        <IncidentDetails card={card} />
      ) : (
        <details id={details}>
          <summary id={`${details}-s`}>{card.awsInShort}</summary>
          <IncidentDetails card={card} />
        </details>
      )}
    </article>
  )
}

function IncidentDetails({ card }: { card: Card }) {
  return (
    <>
      <Facts card={card} />
      {card.timeline === null ? null : <TimelineFigure timeline={card.timeline} />}
      <EventQuote card={card} />
      {card.probes.length === 0 ? null : <MemberTable card={card} />}
      {card.moreProbes > 0 ? (
        <p class="small">
          and {card.moreProbes} more: <a href={pathOf(card.id)}>all of them</a>
        </p>
      ) : null}
      {card.rejected.length === 0 ? null : (
        <details id={`i-${card.id}-near`}>
          <summary id={`i-${card.id}-near-s`}>
            {`AWS events that were considered and rejected (${card.rejected.length + card.moreRejected})`}
          </summary>
          <RejectedEvents card={card} />
        </details>
      )}
      {card.mails.length === 0 ? null : (
        <details id={`i-${card.id}-mails`}>
          <summary id={`i-${card.id}-mails-s`}>{`Mails (${card.mailCount})`}</summary>
          <MailTable rows={card.mails} />
        </details>
      )}
      {card.story.length === 0 ? null : (
        <details id={`i-${card.id}-story`}>
          <summary id={`i-${card.id}-story-s`}>What was decided, and why</summary>
          <Story rows={card.story} />
        </details>
      )}
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
      <Fact name="Anyone told?">{card.told}</Fact>
      {card.acked === null ? null : <Fact name="Acknowledged">{card.acked}</Fact>}
      {card.quiet === null ? null : <Fact name="No further mail">{card.quiet}</Fact>}
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

function EventQuote({ card: { event } }: { card: Card }) {
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

function MemberTable({ card }: { card: Card }) {
  return (
    <table class="stack">
      <thead>
        <tr>
          <th scope="col">Probe</th>
          <th scope="col">State</th>
          <th scope="col">Since</th>
          <th scope="col">Last failure</th>
        </tr>
      </thead>
      <tbody>
        {card.probes.map((probe) => (
          <tr>
            <td>
              {probe.operation} <span class="soft">of {accountShown(probe.account)}</span>
            </td>
            <td class={`n t-${probe.tone}`}>{probe.state}</td>
            <td class="n" data-label="since">
              {probe.since}
            </td>
            <td>{probe.error}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

function RejectedEvents({ card }: { card: Card }) {
  return (
    <ul class="small">
      {card.rejected.map(({ title, why }) => (
        <li>
          <b>{title}</b>: {why}
        </li>
      ))}
      {card.moreRejected > 0 ? <li>and {card.moreRejected} more</li> : null}
    </ul>
  )
}

function Story({ rows }: { rows: readonly StoryRow[] }) {
  return (
    <table class="stack small">
      <thead>
        <tr>
          <th scope="col">When</th>
          <th scope="col">Decision</th>
          <th scope="col">Reason</th>
          <th scope="col">Rule</th>
        </tr>
      </thead>
      <tbody>
        {rows.map(({ at, decision, reason, rule }) => (
          <tr>
            <td class="n">{at}</td>
            <td class="n">{decision}</td>
            <td>{reason}</td>
            <td class="n" data-label="rule">
              {rule}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

function Silences({ kept }: { kept: Overview['silences'] }) {
  const rows = kept?.rows ?? []
  return (
    <section id="silences" aria-labelledby="silences-h">
      <h2 id="silences-h">What was not told, and why</h2>
      <div class="box">
        {kept === null ? <p class="soft">Not known: the database cannot be read.</p> : null}
        {kept?.rows.length === 0 ? <p class="soft">Nothing was kept back in {kept.within}.</p> : null}
        {rows.length === 0 ? null : (
          <table class="stack small">
            <thead>
              <tr>
                <th scope="col">When</th>
                <th scope="col">Incident</th>
                <th scope="col">Why no mail</th>
                <th scope="col">Rule</th>
              </tr>
            </thead>
            <tbody>
              {rows.map(({ at, incident, what, reason, rule }) => (
                <tr>
                  <td class="n">{at}</td>
                  <td class="n">
                    {incident === null ? null : <a href={pathOf(incident)}>#{incident.slice(0, 4)}</a>}{' '}
                    <span class="soft">{what}</span>
                  </td>
                  <td>{reason}</td>
                  <td class="n" data-label="rule">
                    {rule}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
        {kept === null || kept.more === 0 ? null : <p class="small">{`and ${kept.more} more in ${kept.within}`}</p>}
      </div>
    </section>
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

function Mails({ rows, more }: { rows: readonly MailRow[]; more: number }) {
  if (rows.length === 0) return null
  return (
    <section id="mails" aria-labelledby="mails-h">
      <h2 id="mails-h">Mail that has not left</h2>
      <div class="box warn">
        <MailTable rows={rows} />
        {more > 0 ? <p>and {more} more: `alibi outbox list`</p> : null}
      </div>
    </section>
  )
}

function MailTable({ rows }: { rows: readonly MailRow[] }) {
  return (
    <table class="stack small">
      <thead>
        <tr>
          <th scope="col">Mail</th>
          <th scope="col">State</th>
          <th scope="col">When</th>
          <th scope="col">What the mail server said</th>
        </tr>
      </thead>
      <tbody>
        {rows.map(({ kind, to, state, tone, when, error }) => (
          <tr>
            <td>
              {kind} <span class="soft">to {to}</span>
            </td>
            <td class={`n t-${tone}`}>{state}</td>
            <td>{when}</td>
            <td>{error}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

function Monitors({ rows, more }: { rows: readonly MonitorRow[]; more: number }) {
  return (
    <section id="monitors" data-live="" aria-labelledby="monitors-h">
      <h2 id="monitors-h">Monitors</h2>
      {rows.map((row) => (
        <article class={`box ${row.tone}`} id={`m-${row.name}`} aria-label={`Monitor ${row.name}`}>
          <div class="head">
            <h3>{row.name}</h3>
            <span class={`t-${row.tone}`}>{row.counts}</span>
            <span class="soft small">last run {row.lastRun}</span>
          </div>
          <p class="soft small">{row.about}</p>
          {row.hour === null ? null : <HourFigure hour={row.hour} />}
          {row.tone === 'good' ? (
            <details id={`m-${row.name}-probes`}>
              <summary id={`m-${row.name}-probes-s`}>Its probes</summary>
              <Probes row={row} />
            </details>
          ) : (
            <Probes row={row} />
          )}
        </article>
      ))}
      {more > 0 ? <p id="monitors-more">And {more} more monitors, none of them worse than these.</p> : null}
    </section>
  )
}

function Probes({ row }: { row: MonitorRow }) {
  return (
    <>
      <table class="stack">
        <thead>
          <tr>
            <th scope="col">Probe</th>
            <th scope="col">Standing</th>
            <th scope="col">Detail</th>
          </tr>
        </thead>
        <tbody>
          {row.probes.map((probe) => (
            <tr>
              <td>
                {probe.operation} <span class="soft">of {accountShown(probe.account)}</span>
              </td>
              <td class={`n t-${probe.tone}`}>{probe.standing}</td>
              <td class="soft">{probe.note}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {row.more === null ? null : <p class="small">{row.more}</p>}
    </>
  )
}

function Sources({ rows }: { rows: readonly SourceRow[] }) {
  return (
    <section id="sources" aria-labelledby="sources-h">
      <h2 id="sources-h">How we know</h2>
      <div class="box">
        <table class="stack">
          <thead>
            <tr>
              <th scope="col">Source</th>
              <th scope="col">Last answer</th>
              <th scope="col">When</th>
              <th scope="col">Detail</th>
            </tr>
          </thead>
          <tbody>
            {rows.map(({ name, state, tone, age, detail }) => (
              <tr>
                <td>{name}</td>
                <td class={`t-${tone}`}>{state}</td>
                <td class="n">{age}</td>
                <td class="soft">{detail}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  )
}

function Recent({ rows }: { rows: readonly RecentRow[] }) {
  return (
    <section id="recent" aria-labelledby="recent-h">
      <h2 id="recent-h">Closed incidents</h2>
      <div class="box">
        {rows.length === 0 ? (
          <p class="soft">None yet.</p>
        ) : (
          <table class="stack">
            <thead>
              <tr>
                <th scope="col">Incident</th>
                <th scope="col">When</th>
                <th scope="col">Was it AWS?</th>
                <th scope="col">Was anyone told?</th>
              </tr>
            </thead>
            <tbody>
              {rows.map((row) => (
                <tr>
                  <td>
                    <a href={pathOf(row.id)}>#{row.id.slice(0, 4)}</a> {row.title}
                    {row.monitors === '' ? '' : <span class="soft"> ({row.monitors})</span>}
                  </td>
                  <td>{row.when}</td>
                  <td>{row.verdict}</td>
                  <td>{row.told}</td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </div>
    </section>
  )
}

function pathOf(id: string): string {
  return `/incidents/${encodeURIComponent(id)}`
}

function apiOf(id: string): string {
  return `/api/incidents/${encodeURIComponent(id)}`
}

function accountShown(account: string): string {
  return account === 'self' ? 'our own account' : account
}
