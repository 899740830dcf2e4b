import * as z from 'zod'
import { CredentialsSchema } from './credentials-schema.ts'
import { isSafeUrl, SAFE_URL_TEXT } from './endpoints.ts'
import { DAY, duration, flag, HOUR, line, list, MINUTE, SECOND, strict, url } from './values.ts'

const MAX_CODES = 100
const SERVICE_CODE = /^[A-Z][A-Z0-9_]{1,99}$/
const TYPE_CODE = /^[A-Z_][A-Z0-9_]{2,99}$/

const serviceCodes = (what: string) => list(line(what, { pattern: SERVICE_CODE }), 'service codes', 0, MAX_CODES)
const typeCodes = (what: string) => list(line(what, { pattern: TYPE_CODE }), 'event type codes', 0, MAX_CODES)

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
  credentials: CredentialsSchema.optional().describe(
    "Credentials for the AWS Health API. Default: those of the partition's first monitor.",
  ),
  related: serviceCodes('a service code in capitals, such as `IAM`')
    .prefault(['IAM', 'STS', 'ORGANIZATIONS', 'MULTIPLE_SERVICES'])
    .describe("Services whose events explain a failure of Account, in addition to Account's own events."),
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
