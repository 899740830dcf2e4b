/** Static message, fields for data. Levels: error = wake a maintainer, warn = look weekly, info = one line per run, decision and email. */
export type Log = {
  error(message: string, fields?: Record<string, unknown>): void
  warn(message: string, fields?: Record<string, unknown>): void
  info(message: string, fields?: Record<string, unknown>): void
  debug(message: string, fields?: Record<string, unknown>): void
}
