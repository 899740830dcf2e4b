import * as z from 'zod'
import { CredentialsSchema } from './credentials-schema.ts'
import { isSafeUrl, SAFE_URL_TEXT } from './endpoints.ts'
import { isQueueUrl } from './queue-url.ts'
import { DAY, duration, flag, HOUR, line, list, MINUTE, REGION, REGION_TEXT, SECOND, strict, url } from './values.ts'

const MAX_CODES = 100
const SERVICE_CODE = /^[A-Z][A-Z0-9_]{1,99}$/
const TYPE_CODE = /^[A-Z_][A-Z0-9_]{2,99}$/

const QUEUE_TEXT = 'the URL of an SQS queue such as `https://sqs.us-east-1.amazonaws.com/111122223333/alibi-health`'

const serviceCodes = (what: string) => list(line(what, { pattern: SERVICE_CODE }), 'service codes', 0, MAX_CODES)
const typeCodes = (what: string) => list(line(what, { pattern: TYPE_CODE }), 'event type codes', 0, MAX_CODES)

const SERVICE_TEXT = 'a service code in capitals, such as `IAM`'
const relatedCodes = serviceCodes(SERVICE_TEXT)
/** By default. */
export const RELATED_TO_ACCOUNT: readonly string[] = ['IAM', 'STS', 'ORGANIZATIONS', 'MULTIPLE_SERVICES']

export const HealthSchema = strict({
  api: flag().prefault(true).describe('Ask the AWS Health API, which requires a support plan that includes it.'),
  dashboard: z
    .union(
      [
        flag(),
        strict({
          url: url(SAFE_URL_TEXT, isSafeUrl).describe("Full URL of the dashboard's JSON."),
        }),
      ],
      'expected `true`, `false` or `{ url: … }`',
    )
    .prefault(true)
    .describe('Ask the public AWS Health Dashboard, which requires no credentials; or where its JSON is.'),
  queue: strict({
    url: url(QUEUE_TEXT, isQueueUrl).describe(
      'URL of an Amazon SQS queue that an EventBridge rule fills with the events of AWS Health.',
    ),
    region: line(REGION_TEXT, { max: 32, pattern: REGION })
      .optional()
      .describe('Region of the queue. Default: the one in the URL, else that of the first monitor.'),
    credentials: CredentialsSchema.optional().describe(
      "Credentials for the queue. Default: those for the AWS Health API, which are by default those of the partition's first monitor.",
    ),
    retention: duration(MINUTE, 14 * DAY)
      .prefault('4d')
      .describe("The queue's message retention period. If Alibi was away for longer, events may be missing, and it says so."),
  })
    .optional()
    .describe('Read the events of AWS Health from a queue, which requires no support plan. Default: none.'),
  credentials: CredentialsSchema.optional().describe(
    "Credentials for the AWS Health API. Default: those of the partition's first monitor.",
  ),
  related: z
    .union(
      [
        relatedCodes,
        z.record(
          line(SERVICE_TEXT, { pattern: SERVICE_CODE }),
          relatedCodes,
          'expected a mapping of service codes to lists of them',
        ),
      ],
      'expected a list of service codes, or `{ DYNAMODB: [IAM, STS] }`',
    )
    .prefault([...RELATED_TO_ACCOUNT])
    .describe(
      "Services whose events explain a failure of Account, in addition to Account's own events; or a mapping that says so of each service, by its code.",
    ),
  ignore: typeCodes('an event type code in capitals')
    .prefault(['AWS_RISK_IAM_QUARANTINE'])
    .describe('Event type codes that never explain a failure.'),
  codes: typeCodes('an event type code, or its ending, in capitals')
    .prefault([])
    .describe('Additional event type codes, or endings of codes, that explain a failure.'),
  cacheFor: duration(SECOND, HOUR)
    .prefault('60s')
    .describe('How long a reading of AWS Health is reused while an incident is open.'),
  idleEvery: duration(SECOND, DAY)
    .prefault('15m')
    .describe('How often AWS Health and the control host are asked while nothing fails.'),
  timeout: duration(100, MINUTE).prefault('10s').describe('Timeout per source.'),
})
