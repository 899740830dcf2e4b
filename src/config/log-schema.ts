import { line, MAX_PATH, oneOf, REGION, REGION_TEXT, size, strict, whole } from './values.ts'

export const LogSchema = strict({
  level: oneOf(['error', 'warn', 'info', 'debug']).prefault('info').describe('Least severe level that is logged.'),
  format: oneOf(['json', 'pretty'])
    .optional()
    .describe(
      'Default: pretty on a terminal, else json. If set to json, all output is JSON lines, including that of Node and of libraries.',
    ),
  file: strict({
    path: line('a path', { max: MAX_PATH }).describe('Path of the log file.'),
    maxSize: size(64 * 1024, 10 * 1024 ** 3)
      .prefault('10MB')
      .describe('Size at which the file is rotated.'),
    keep: whole(1, 1000).prefault(5).describe('Number of files to keep.'),
  })
    .optional()
    .describe('Log file, in addition to standard output.'),
  cloudwatch: strict({
    group: line('the name of a log group', { max: 512, pattern: /^[\w./#-]+$/ }).describe(
      'Log group. It must exist: Alibi does not create it.',
    ),
    stream: line('the name of a log stream', { max: 512, pattern: /^[^:*\s]+$/ })
      .optional()
      .describe('Log stream, created if it does not exist. Default: the name of the host.'),
    region: line(REGION_TEXT, { max: 32, pattern: REGION })
      .optional()
      .describe('Region of the log group. Default: the region of the first monitor.'),
  })
    .optional()
    .describe("Amazon CloudWatch Logs, in addition to standard output, with credentials of the SDK's default chain."),
})
