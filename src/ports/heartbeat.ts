/** Where it is told that Alibi itself is alive and well: whoever listens calls for help when it falls silent. */
export type Heartbeat = {
  /**
   * Tells that all is well, or (with reasons) that it is not. Bounded in time; never rejects: says why the other side did not
   * take it, or `null` when it did. What it says names no address, for that is a secret.
   */
  beat(reasons: readonly string[], signal: AbortSignal): Promise<string | null>
}
