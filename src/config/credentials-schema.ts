import type * as z from 'zod'
import { line, MAX_NAME, strict } from './values.ts'

export const CredentialsSchema = strict({
  profile: line('the name of a profile', { max: MAX_NAME })
    .optional()
    .describe('Profile in the shared AWS files; with roleArn, the profile that assumes the role.'),
  roleArn: line('the ARN of a role, `arn:aws:iam::111122223333:role/name`', {
    max: 2048,
    pattern: /^arn:aws(?:-[a-z]+)*:iam::\d{12}:role\/[\w+=,.@/-]+$/,
  })
    .optional()
    .describe('Role to assume.'),
  externalId: line('an external id', { max: 1224, pattern: /^[\w+=,.@:/-]{2,}$/ })
    .optional()
    .describe('External id that the role requires.'),
  sessionName: line('a session name of 2 to 64 letters, digits and `+=,.@-`', { max: 64, pattern: /^[\w+=,.@-]{2,}$/ })
    .optional()
    .describe('Session name, as shown by CloudTrail.'),
})

export type ParsedCredentials = z.output<typeof CredentialsSchema>
