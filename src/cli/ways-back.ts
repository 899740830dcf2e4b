import { hostname, userInfo } from 'node:os'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { cwd, execPath } from 'node:process'
import type { Config } from '../config/config.ts'
import type { Notification } from '../domain/notification.ts'
import type { IncidentLink, Shell } from '../email/access.ts'
import { quoted } from '../email/commands.ts'
import { ANSWER_WITHIN_MS, answerKey } from '../web/answer-key.ts'

const DEFAULT_CONFIG = 'config/alibi.yaml'

/** How this process was started. */
export type Started = Readonly<{ script: string; node: string; directory: string; path: string }>

/** The link to its incident and the commands of an email. */
export function waysBack(notification: Notification, config: Config, env: NodeJS.ProcessEnv): WaysBack {
  const started = { script: process.argv[1] ?? 'alibi', node: execPath, directory: cwd(), path: env['PATH'] ?? '' }
  return { shell: shellOf(started, config.file), page: linkTo(notification, config) }
}

type WaysBack = Readonly<{ shell: Shell; page: IncidentLink | null }>

/** With `web.url`; with a token as well, the link allows its recipient to answer. */
export function linkTo({ incident, recipient, createdAt }: Notification, { web }: Config): IncidentLink | null {
  if (incident === null || web === null || web.url === null) return null
  const url = `${web.url}/incidents/${encodeURIComponent(incident)}`
  if (web.token === null) return { url, hasButtons: false }
  const key = answerKey(web.token, { incident, recipient, until: createdAt + ANSWER_WITHIN_MS })
  return { url: `${url}?answer=${key}`, hasButtons: true }
}

/** A command that runs as printed: by the program, in the directory and with the configuration that this process was started with. */
export function shellOf({ script, node, directory, path }: Started, file: string): Shell {
  const config = file === join(directory, DEFAULT_CONFIG) ? '' : ` --config ${quoted(file)}`
  return { host: hostname(), user: userName(), directory, program: programOf({ script, node, directory, path }), options: config }
}

function programOf({ script, node, directory, path }: Started): string {
  // By name, where that is how it was found: npm's link to it, or one in the PATH.
  if (basename(script) === 'alibi') {
    if (dirname(script) === resolve(directory, 'node_modules/.bin')) return 'npx alibi'
    return path.split(':').includes(dirname(script)) ? 'alibi' : quoted(script)
  }
  return `${quoted(within(directory, node))} ${quoted(within(directory, script))}`
}

/** The shorter way to a file below the directory; else the whole. */
function within(directory: string, file: string): string {
  const path = relative(directory, file)
  return path.startsWith('..') ? file : path
}

function userName(): string | null {
  try {
    return userInfo().username
  } catch {
    return null
  }
}
