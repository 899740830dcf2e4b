import type { Config } from './config.ts'
import { isSafeUrl, shownUrl } from './endpoints.ts'

/** What AWS's own hosts of SQS are called: plain, FIPS, dual-stack, of a VPC endpoint; and the oldest, `us-west-2.queue.amazonaws.com`. */
const SUFFIX = '(?:amazonaws\\.com(?:\\.cn)?|amazonaws\\.eu|api\\.aws|api\\.amazonwebservices\\.(?:com\\.cn|eu))'
const HOSTS = [
  new RegExp(`^(?:[\\w-]+\\.)?sqs(?:-fips)?\\.([a-z0-9-]+)\\.(?:vpce\\.)?${SUFFIX}$`),
  new RegExp(`^([a-z0-9-]+)\\.queue\\.${SUFFIX}$`),
]
const PATH = /^\/(\d{12})\/([\w-]{1,80}(?:\.fifo)?)$/

/** Whether a text is the URL of a queue: https, or http on this machine, and the path of every queue. */
export function isQueueUrl(text: string): boolean {
  return isSafeUrl(text) && PATH.test(new URL(text).pathname)
}

/** The region that AWS's own host names; `null` where the host is another. */
export function regionOfQueue(url: string): string | null {
  const { hostname } = new URL(url)
  for (const host of HOSTS) {
    const region = host.exec(hostname)?.[1]
    if (region !== undefined) return region
  }
  return null
}

/** The queue's URL where its host is not AWS's, as `endpointOverrides` shows such addresses. */
export function queueOverride({ health: { queue }, secrets }: Pick<Config, 'health' | 'secrets'>): readonly string[] {
  if (queue === null || regionOfQueue(queue.url) !== null) return []
  const isSecret = secrets.some((secret) => queue.url.includes(secret))
  return [`health.queue.url=${shownUrl(isSecret ? new URL(queue.url).origin : queue.url)}`]
}

/** The ARN of a queue, for a policy. */
export function arnOfQueue(url: string, partition: string, region: string): string {
  const [, account = '*', name = '*'] = PATH.exec(new URL(url).pathname) ?? []
  return `arn:${partition}:sqs:${region}:${account}:${name}`
}
