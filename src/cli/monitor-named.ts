import type { Config } from '../config/config.ts'
import type { Monitor } from '../domain/probe.ts'
import { EXIT, Exit } from './exit.ts'

/** The monitor that an argument names. @throws {Exit} 64 */
export function monitorNamed({ monitors }: Config, name: string): Monitor {
  const found = monitors.find((monitor) => monitor.name === name)
  if (found !== undefined) return found
  const names = monitors.map((monitor) => monitor.name).join(', ')
  throw new Exit(EXIT.usage, `there is no monitor ${name}: the configuration has ${names}`)
}
