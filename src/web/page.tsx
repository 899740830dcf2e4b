import type { Child } from 'hono/jsx'
import { Frame, type Head, Main } from './frame.tsx'
import { IncidentSections } from './incident-view.tsx'
import type { IncidentPage, Overview } from './overview.ts'
import { OverviewSections } from './overview-view.tsx'

/*
 * hono/jsx escapes text; links are our own paths, or were made by `safeLink`. No component is asynchronous: one that was
 * would turn the whole page into a promise.
 */

/** What of a page is wanted: all of it, all of it without auto-refresh, or only the part that changes. */
export type Part = 'live' | 'still' | 'main'

export function renderOverview(page: Overview, part: Part): string {
  const { state, tone, at, version } = page
  return render({ state, tone, at, version, path: './', root: './', incident: null }, <OverviewSections page={page} />, part)
}

export function renderIncident(page: IncidentPage, part: Part): string {
  const { card, at, version } = page
  const head = { state: card.state, tone: card.tone, at, version, path: card.id, root: '../', incident: card.id }
  return render(head, <IncidentSections page={page} />, part)
}

export function renderNotFound(what: string): string {
  return notice('NOT FOUND', what, '../')
}

/** What became of an answer to an email, where that is not the incident itself. */
export function renderNotice(what: string): string {
  return notice('NOTICE', what, '../../')
}

function notice(state: string, what: string, root: string): string {
  const head: Head = { state, tone: 'plain', at: null, version: '', path: './', root, incident: null }
  const main = (
    <main id="main">
      <section class="box plain answer" id="answer">
        <h1>{what}</h1>
        <p>
          <a href={root}>Go to the status page</a>
        </p>
      </section>
    </main>
  )
  return document(<Frame head={head} live={false} main={main} />)
}

function render(head: Head, sections: Child, part: Part): string {
  const main = <Main head={head}>{sections}</Main>
  return part === 'main' ? text(main) : document(<Frame head={head} live={part === 'live'} main={main} />)
}

function document(html: Child): string {
  return `<!doctype html>\n${text(html)}\n`
}

function text(html: Child): string {
  const out = html?.toString()
  if (typeof out !== 'string') throw new Error('a component of the page is asynchronous')
  return out
}
