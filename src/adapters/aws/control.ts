import http from 'node:http'
import https from 'node:https'
import type { ControlAnswer } from '../../domain/probe.ts'
import { messageOfThrown, readThrown } from '../../domain/thrown.ts'
import type { Clock } from '../../ports/time.ts'
import { Outlet } from '../outlet.ts'
import { within } from '../stall.ts'
import { obstacleIn, redact } from './failure.ts'

/** The control call's own deadline, unless another is given. */
export const CONTROL_TIMEOUT_MS = 5_000

/**
 * One unsigned GET to a host that has nothing to do with Account: any HTTP answer, of any status, counts as getting
 * through. Its body is not read and no redirect is followed. Never rejects.
 */
export async function controlCall(
  { url, timeoutMs, outlet = new Outlet() }: Readonly<{ url: string; timeoutMs: number; outlet?: Outlet }>,
  clock: Pick<Clock, 'now' | 'monotonic'>,
  signal: AbortSignal,
): Promise<ControlAnswer> {
  const at = clock.now()
  const begun = clock.monotonic()
  const answer = (reached: boolean, detail: string): ControlAnswer => {
    return { at, ms: Math.round(clock.monotonic() - begun), reached, detail }
  }
  try {
    const status = await within(timeoutMs, signal, (ended) => statusOf(new URL(url), outlet, ended))
    return answer(true, `HTTP ${status}`)
  } catch (error) {
    const { code } = readThrown(error)
    const obstacle = obstacleIn(error)
    const failed = answer(false, redact(`${code === '' ? '' : `${code}: `}${messageOfThrown(error)}`, '', false))
    return obstacle === null ? failed : { ...failed, obstacle }
  }
}

function statusOf(url: URL, outlet: Outlet, signal: AbortSignal): Promise<number> {
  return new Promise((resolve, reject) => {
    const request = url.protocol === 'https:' ? https.request : http.request
    // No kept connection: what is asked is whether a new one gets through.
    const asking = request(url, { method: 'GET', agent: outlet.once(url), signal, headers: { 'user-agent': 'alibi-control' } })
    asking.on('error', (error) => reject(outlet.blamed(error, url)))
    asking.on('response', (response) => {
      resolve(response.statusCode ?? 0)
      response.destroy()
    })
    asking.end()
  })
}
