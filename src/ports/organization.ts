/** The active accounts that were found, by id; or in one line, without personal data, why they could not be. */
export type Listing =
  | Readonly<{
      ok: true
      /** Whose credentials listed: its own id, which it may not name. */
      caller: string
      /** Twelve digits each, in order, the caller's own among them if it was listed. */
      accounts: readonly string[]
      /** So many more are suspended, closing or not active yet, or are the management account seen from another. */
      left: number
      /** What they are called, by id; only where that is wanted. */
      names?: Readonly<Record<string, string>>
    }>
  | Readonly<{ ok: false; why: string }>

export type Organization = {
  /** Lists the accounts of a monitor that finds its accounts. Bounded in size and time; never rejects. */
  list(monitor: string, signal: AbortSignal): Promise<Listing>
}
