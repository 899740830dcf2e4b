import type { Child } from 'hono/jsx'
import type { Card, MailRow, RecentRow } from './card.ts'
import type { MonitorRow, Overview, SourceRow } from './overview.ts'
import { iconOf, STYLE } from './style.ts'

const REFRESH_S = 30

/*
 * Text is escaped by hono/jsx; links are our own paths, or were made by `safeLink`. No component waits: one that did would
 * turn the whole into a promise.
 */

/** @param still the reader asked for a page that stays as it is (WCAG 2.2.1): it is not loaded anew by itself */
export function renderPage(page: Overview, { still }: Readonly<{ still: boolean }>): string {
  const html = (<Page page={page} still={still} />).toString()
  if (typeof html !== 'string') throw new Error('the page is not ready at once')
  return `<!doctype html>\n${html}\n`
}

function Page({ page, still }: { page: Overview; still: boolean }) {
  const { state, tone, at } = page
  const time = new Date(at).toISOString()
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width,initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="robots" content="noindex" />
        {still ? null : <meta http-equiv="refresh" content={String(REFRESH_S)} />}
        <title>{`${state} · Alibi`}</title>
        <link rel="icon" href={iconOf(tone)} />
        {/* Ours from end to end: nothing foreign is in it. */}
        <style dangerouslySetInnerHTML={{ __html: STYLE }} />
      </head>
      <body>
        <a class="skip" href="#answer">
          To the answer
        </a>
        <header>
          <span>
            <b>Alibi</b> watches AWS Account
          </span>
          <span>
            as of <time datetime={time}>{`${time.slice(0, 10)} ${time.slice(11, 19)} UTC`}</time>,{' '}
            {still ? (
              <a href="/">not refreshed by itself: start</a>
            ) : (
              <a href="/?refresh=off">refreshed each {REFRESH_S}s: stop</a>
            )}
          </span>
        </header>
        <main>
          <section class={`box answer ${tone}`} id="answer" aria-label="The answer">
            <h1 class={`t-${tone}`}>{state}</h1>
            <dl>
              {page.answers.map(({ question, answer }) => (
                <>
                  <dt>{question}</dt>
                  <dd>{answer}</dd>
                </>
              ))}
            </dl>
          </section>
          {page.warnings.length === 0 ? null : (
            <section class="box warn" aria-label="Mind this">
              {page.warnings.map((text) => (
                <p>{text}</p>
              ))}
            </section>
          )}
          <Incidents cards={page.incidents} more={page.moreIncidents} />
          <Mails rows={page.mails} more={page.moreMails} />
          <Monitors rows={page.monitors} more={page.moreMonitors} />
          <Sources rows={page.sources} />
          <Recent rows={page.recent} />
        </main>
        <footer>
          Alibi {page.version}. Times are UTC. For programs: <a href="/api/incidents">/api/incidents</a>,{' '}
          <a href="/healthz">/healthz</a>
        </footer>
      </body>
    </html>
  )
}

function Incidents({ cards, more }: { cards: readonly Card[]; more: number }) {
  if (cards.length === 0) return null
  return (
    <section aria-labelledby="incidents">
      <h2 id="incidents">Open incidents</h2>
      {cards.map((card) => (
        <Incident card={card} />
      ))}
      {more > 0 ? (
        <p>
          And {more} more: <a href="/api/incidents">/api/incidents</a>
        </p>
      ) : null}
    </section>
  )
}

function Incident({ card }: { card: Card }) {
  return (
    <article class={`box ${card.tone}`} aria-label={`Incident ${card.id.slice(0, 4)}`}>
      <div class="head">
        <span class={`state t-${card.tone}`}>{card.state}</span>
        <h3>
          {card.title}
          {card.monitors === '' ? '' : ` (${card.monitors})`}
        </h3>
        <a class="small" href={pathOf(card.id)}>
          #{card.id.slice(0, 4)}
        </a>
        <span class="soft small">{card.since}</span>
      </div>
      <dl class="facts">
        {card.impacts.map((text) => (
          <Fact name="Impact">{text}</Fact>
        ))}
        <Fact name="Is it AWS?">{card.aws}</Fact>
        <Fact name="Anyone told?">{card.told}</Fact>
        {card.acked === null ? null : <Fact name="Acknowledged">{card.acked}</Fact>}
        {card.quiet === null ? null : <Fact name="No further mail">{card.quiet}</Fact>}
        {card.runbooks.map((link) => (
          <Fact name="Runbook">
            <a href={link} rel="noreferrer noopener">
              {link}
            </a>
          </Fact>
        ))}
      </dl>
      {card.event === null ? null : (
        <blockquote>
          <p>
            <b>{card.event.title}</b>
          </p>
          <p>{card.event.text}</p>
          <p class="soft small">{card.event.times}</p>
        </blockquote>
      )}
      {card.probes.length === 0 ? null : (
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
      )}
      {card.moreProbes > 0 ? (
        <p class="small">
          and {card.moreProbes} more: <a href={pathOf(card.id)}>all of them as JSON</a>
        </p>
      ) : null}
      {card.nearMisses.length === 0 ? null : (
        <details>
          <summary>{`AWS events that were considered and rejected (${card.nearMisses.length + card.moreNearMisses})`}</summary>
          <ul class="small">
            {card.nearMisses.map(({ title, why }) => (
              <li>
                <b>{title}</b>: {why}
              </li>
            ))}
            {card.moreNearMisses > 0 ? <li>and {card.moreNearMisses} more</li> : null}
          </ul>
        </details>
      )}
      {card.mails.length === 0 ? null : (
        <details>
          <summary>{`Mails (${card.mailCount})`}</summary>
          <MailTable rows={card.mails} />
        </details>
      )}
      {card.story.length === 0 ? null : (
        <details>
          <summary>What was decided, and why</summary>
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
              {card.story.map(({ at, decision, reason, rule }) => (
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
        </details>
      )}
    </article>
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
    <section aria-labelledby="mails">
      <h2 id="mails">Mail that has not left</h2>
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
    <section aria-labelledby="monitors">
      <h2 id="monitors">Monitors</h2>
      {rows.map((row) => (
        <article class={`box ${row.tone}`} aria-label={`Monitor ${row.name}`}>
          <div class="head">
            <h3>{row.name}</h3>
            <span class={`t-${row.tone}`}>{row.counts}</span>
            <span class="soft small">last run {row.lastRun}</span>
          </div>
          <p class="soft small">{row.about}</p>
          {row.tone === 'good' ? (
            <details>
              <summary>Its probes</summary>
              <Probes row={row} />
            </details>
          ) : (
            <Probes row={row} />
          )}
        </article>
      ))}
      {more > 0 ? <p>And {more} more monitors, none of them worse than these.</p> : null}
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
    <section aria-labelledby="sources">
      <h2 id="sources">How we know</h2>
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
    <section aria-labelledby="recent">
      <h2 id="recent">Closed incidents</h2>
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
  return `/api/incidents/${encodeURIComponent(id)}`
}

function accountShown(account: string): string {
  return account === 'self' ? 'our own account' : account
}
