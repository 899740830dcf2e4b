/** A stretch of calls or probes as its process measured it. */
export type Lap = Readonly<{
  probes: number
  /** User and system time of the process, over all threads. */
  cpuMs: number
  wallMs: number
}>

/** How often each account is probed, and over how long each round is spread; as fast as possible if left out. */
export type Course = Readonly<{ rounds: number; roundMs?: number }>

/** Measures `work`, and what still has to be done before its results are safe. */
export async function measured(
  probes: number,
  work: () => Promise<void>,
  settle: () => Promise<void> = async () => {},
): Promise<Lap> {
  const began = performance.now()
  const cpu = process.cpuUsage()
  await work()
  const wallMs = performance.now() - began
  await settle()
  const { user, system } = process.cpuUsage(cpu)
  return { probes, cpuMs: (user + system) / 1000, wallMs }
}
