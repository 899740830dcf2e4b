/** Where Alibi reports that it is alive: the receiver raises an alarm if the reports stop. */
export type Heartbeat = {
  /**
   * Reports that all is ok, or (with reasons) that it is not. Bounded in time; never rejects: says why the other side did not
   * take it, or `null` when it did. What it says names no address, for that is a secret.
   */
  beat(reasons: readonly string[], signal: AbortSignal): Promise<string | null>
}
