import { runInNewContext } from 'node:vm'

/**
 * Has V8's memory reducer give back what is garbage, in small steps over the next ten to twenty seconds. By itself it does not run in
 * a process that hardly allocates, and not after `gc()` either; it does when a context was made and is no longer needed
 * (Node 24.21; `findings/node-idle-memory.sh`).
 */
export function reduceMemory(): void {
  runInNewContext('0')
}
