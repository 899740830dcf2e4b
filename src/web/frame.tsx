import type { Child } from 'hono/jsx'
import type { Tone } from '../email/opening.ts'
import { SCRIPT } from './script.ts'
import { iconOf, STYLE } from './style.ts'

/** A page without JavaScript is reloaded this often. */
const REFRESH_S = 30

/** What the title, the icon and the header show. */
export type Head = Readonly<{
  state: string
  tone: Tone
  /** When it was true; `null` for a page without news. */
  at: number | null
  version: string
  /** This page and the status page, as seen from this page: the page may be reached under a sub-path. */
  path: string
  root: string
  /** The incident that the page is about. */
  incident: string | null
}>

/** The document around `main`. A page that is not `live` stays as it is: a reader may ask for that (WCAG 2.2.2). */
export function Frame({ head, live, main }: { head: Head; live: boolean; main: Child }) {
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width,initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="robots" content="noindex" />
        {live ? (
          <noscript>
            <meta http-equiv="refresh" content={String(REFRESH_S)} />
          </noscript>
        ) : null}
        <title>{titleOf(head)}</title>
        <link rel="icon" href={iconOf(head.tone)} />
        {/* Our own from end to end: nothing foreign is in them. */}
        <style dangerouslySetInnerHTML={{ __html: STYLE }} />
      </head>
      <body>
        <a class="skip" href="#answer">
          Skip to the summary
        </a>
        <Header head={head} live={live} />
        <p id="stale" class="stale" role="alert" hidden></p>
        <p id="said" class="unseen" role="status"></p>
        {main}
        <footer>
          {head.version === '' ? 'Alibi' : `Alibi ${head.version}`}. All times are UTC. For programs:{' '}
          <a href={`${head.root}api/incidents`}>/api/incidents</a>, <a href={`${head.root}metrics`}>/metrics</a>,{' '}
          <a href={`${head.root}healthz`}>/healthz</a>
        </footer>
        {live ? <script dangerouslySetInnerHTML={{ __html: SCRIPT }} /> : null}
      </body>
    </html>
  )
}

function Header({ head: { at, path, root }, live }: { head: Head; live: boolean }) {
  return (
    <header>
      <span>
        <a id="home" href={root}>
          <b>Alibi</b>
        </a>{' '}
        monitors the AWS Account Management API
      </span>
      {at === null ? null : (
        <span>
          As of <span id="at">{timeOf(at)}</span>. Auto-refresh: {live ? 'on' : 'off'} (
          <a href={live ? `${path}?refresh=off` : path} aria-label={`Turn ${live ? 'off' : 'on'} auto-refresh`}>
            turn {live ? 'off' : 'on'}
          </a>
          )
        </span>
      )}
    </header>
  )
}

/** What changes. The script compares it with the next one, and puts these attributes into the document around it. */
export function Main({ head, children }: { head: Head; children?: Child }) {
  return (
    <main
      id="main"
      data-live=""
      data-state={head.state}
      data-title={titleOf(head)}
      data-icon={iconOf(head.tone)}
      data-at={timeOf(head.at ?? 0)}
    >
      {children}
    </main>
  )
}

function titleOf({ state, incident }: Head): string {
  return `${incident === null ? '' : `#${incident.slice(0, 4)} `}${state} · Alibi`
}

function timeOf(at: number): string {
  const time = new Date(at).toISOString()
  return `${time.slice(0, 10)} ${time.slice(11, 19)} UTC`
}
