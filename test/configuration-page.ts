/*
 * docs/configuration.md, generated from the JSON Schema of the configuration: every key is described in one place, beside its
 * limits, and the page, the editors and `alibi schema` all say the same.
 */

type Node = Readonly<Record<string, unknown>>

/** The introduction; the generated reference follows it. */
const HEAD = `# Configuration reference

<!-- Generated from the schema by \`npm run docs\`: edit the schemas in src/config, not this page. -->

Alibi is configured by one file: \`config/alibi.yaml\`, unless \`--config\` names another. Start with the commented sample there, and use this page
to look up a key. [rules.md](rules.md) defines what each timer and threshold does.

The smallest file that works has a recipient and a sender. Every other key has a default:

\`\`\`yaml
recipients:
  oncall: { to: [oncall@example.com] }
mail:
  from: Alibi <alibi@example.com>
\`\`\`

## How it is read

- **Strict.** An unknown key is an error, with line, column and the key that you probably meant. \`alibi check\` lists all faults at once and
  exits with 78. A file that loads cannot fail later for being a bad configuration.
- **Durations** are written \`250ms\`, \`30s\`, \`5m\`, \`1h30m\` or \`2d\`. A number without a unit is an error.
- **References.** \`\${NAME}\` is an environment variable, \`\${NAME:-default}\` one with a default, \`\${file:/run/secrets/x}\` the content of a regular
  file of at most 64 KiB. They are resolved after the YAML is parsed, and only inside values; write \`$\${\` for a plain \`\${\`. Inside \`{ }\` and \`[ ]\` they
  need quotes. The content of such a file is secret, and so is every password, token, external id, database URL and heartbeat URL: Alibi shows them nowhere. So a file is
  rejected where its value has to be shown. It is accepted in \`password\`, \`user\`, \`token\`, \`externalId\`, \`heartbeat.url\`, \`storage.postgres.url\`, \`health.dashboard.url\` and
  \`control.url\` (of the last two, the host is shown).
- **Operations of other services** than Account are \`service:Operation\`, with the parameters of the API and, beside them, \`expect\` (a member that every
  healthy answer has; \`nothing\`: an empty answer is healthy, too) and \`rate\` (calls per second that AWS allows; default 3):
  \`- dynamodb:DescribeTable: { TableName: orders }\`. [services.md](services.md) has the rest.
- **Relative paths** are relative to the working directory, which \`ecosystem.config.js\` sets to the project's root.
- **Changes** are read at the start and on SIGHUP. If the new file is faulty, the old configuration stays in force, and the log, a metric and one email say so.
  \`storage.path\`, \`storage.postgres\`, \`machine.name\`, \`log.format\`, \`log.file\` and \`log.cloudwatch\` need a restart.
- **Completion.** With \`# yaml-language-server: $schema=./alibi.schema.json\` as the first line, editors with YAML language server support
  complete keys and mark faults. \`alibi schema\` prints the same schema.
`

const TAIL = `
## Choosing emails

By default every recipient gets every email about the probes of the monitors that notify them. A recipient can choose less:

\`\`\`yaml
recipients:
  oncall: { to: [oncall@example.com] }
  pager: { to: [pager@example.com], kinds: [failing, misconfigured, blind, recovered], subject: stateful }
  owner: { to: [owner@example.com], only: digest }
digest: { schedule: "0 8 * * 1" }
\`\`\`

- \`failing\`, \`misconfigured\` and \`blind\` are the first email about an outage, about rejected access and about probes without a result. \`failing\` includes
  \`flapping\`, \`still-failing\` and, with \`after\`, \`escalated\`.
- \`wider\`, \`reminder\`, \`now-explained\` and \`recovered\` follow. \`recovered\` and \`now-explained\` are sent only to those who got another email about the incident.
  Exception: a recipient who chose nothing else gets every one of them.
- If nobody would get \`failing\` for some monitor, the configuration is refused. If nobody would get \`misconfigured\` or \`blind\`, \`alibi check\` warns.
- \`kinds\` does not apply to self-alerts: see \`selfAlerts\`.
- \`only: digest\` leaves nothing but the digest: no alerts, no self-alerts.
- \`subject: stateful\` puts the state into the subject, for pagers that open and resolve by it. Threads break.

[\`choice\`](rules.md#choice) is the rule behind it. What somebody did not choose is in the ledger.

## Environment

The AWS SDK's environment variables work: \`AWS_PROFILE\`, \`AWS_REGION\`, \`AWS_ENDPOINT_URL_ACCOUNT\`, \`AWS_ENDPOINT_URL_HEALTH\`, \`AWS_ENDPOINT_URL_STS\` and the
others. So do \`endpoint_url\` and \`services\` in its shared config file, for the profile \`AWS_PROFILE\` or \`default\`. An endpoint of your own has to use https,
except on this machine; the log at the start, the page and every email name it. If \`AWS_PROFILE\`, \`credentials.profile\` or a \`[default]\` profile with
credentials cannot be used, that is an error: unlike the SDK, Alibi never falls back to the role of the instance.

\`HTTPS_PROXY\` and \`HTTP_PROXY\` (lower case takes precedence) name the proxy for calls to AWS, the dashboard, the control host, the heartbeat and CloudWatch
Logs. \`NO_PROXY\` lists exceptions (\`host\`, \`.suffix\`, \`host:port\`, \`10.0.0.0/8\`, \`*\`); this machine is always one. Email uses no proxy. The
certificates of \`AWS_CA_BUNDLE\`, or of \`ca_bundle\` in the profile, are trusted for the same calls, in addition to those that Node trusts.
\`AWS_USE_FIPS_ENDPOINT\` and \`AWS_USE_DUALSTACK_ENDPOINT\`, or their keys in the profile, apply where AWS has such an endpoint; Account has none. \`alibi check\`
says which of these settings are in force, and what they do to each endpoint.

\`ALIBI_DEBUG=1\` shows where in the code an internal error happened.
`

const DURATION_MARK = '(\\d{1,9})ms'
const SIZE_MARK = '[KkMmGg]'
const ACCOUNT_MARK = 'self|'

export function configurationPage(schema: Node): string {
  const { properties, required } = schema as { properties: Record<string, Node>; required: readonly string[] }
  const rooms = Object.entries(properties).map(([name, node]) => {
    const title = `## \`${name}\``
    const says = `${text(node['description'])}${required.includes(name) ? ' Required.' : ''}`
    const rows = [...keys(node, '')]
    return `${title}\n\n${says}\n\n${table(rows)}`
  })
  return `${HEAD}\n${rooms.join('\n')}${TAIL}`
}

type Row = readonly [key: string, value: string, otherwise: string, says: string]

function table(rows: readonly Row[]): string {
  const lines = rows.map((row) => `| ${row.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`)
  return ['| key | value | default | what it is for |', '| --- | --- | --- | --- |', ...lines, ''].join('\n')
}

/** Every key beneath a node, with the path to it; what a list or a mapping of free names holds is `[]` or `NAME`. */
function* keys(node: Node, path: string): Generator<Row> {
  const needed = (node['required'] ?? []) as readonly string[]
  for (const [name, inner] of Object.entries((node['properties'] ?? {}) as Record<string, Node>)) {
    const here = `${path}${name}`
    const byDefault = needed.includes(name) ? 'required' : shown(inner['default'])
    yield [`\`${here}\``, value(inner), byDefault, text(inner['description'])]
    yield* keys(inner, `${here}.`)
  }
  for (const one of (node['anyOf'] ?? []) as readonly Node[]) yield* keys(one, path)
  if (isNode(node['items']) && 'properties' in node['items']) yield* keys(node['items'], path)
  if (isNode(node['additionalProperties'])) yield* keys(node['additionalProperties'], `${path}NAME.`)
}

function isNode(node: unknown): node is Node {
  return typeof node === 'object' && node !== null && !Array.isArray(node)
}

function text(description: unknown): string {
  return typeof description === 'string' ? description : ''
}

/** A mapping's default is that of its keys, which follow it. */
function shown(value: unknown): string {
  if (value === undefined || (isNode(value) && Object.keys(value).length === 0)) return ''
  if (isNode(value)) {
    const pairs = Object.entries(value).map(([key, one]) => `${key}: ${String(one)}`)
    return `\`{ ${pairs.join(', ')} }\``
  }
  return `\`${Array.isArray(value) ? `[${value.join(', ')}]` : String(value)}\``
}

/** What the value can be, in a few words. That it can be a `\${…}` is said once, above. */
function value(node: Node): string {
  const { type, pattern, items } = node
  const values = node['enum'] as readonly string[] | undefined
  if (values !== undefined) return values.map((one) => `\`${one}\``).join(', ')
  if (node['const'] !== undefined) return `\`${String(node['const'])}\``
  const alternatives = (node['anyOf'] as readonly Node[] | undefined)?.filter((one) => one['pattern'] !== '\\$\\{')
  if (alternatives !== undefined) return [...new Set(alternatives.map(value))].filter((one) => one !== '').join(', or ')
  if (type === 'array') return `list of ${isNode(items) ? plural(items) : 'values'}`
  if (type === 'integer') return `${String(node['minimum'])} to ${String(node['maximum'])}`
  if (type === 'boolean') return '`true`, `false`'
  if (type === 'object') return 'mapping'
  if (typeof pattern !== 'string') return 'text'
  if (pattern.includes(DURATION_MARK)) return 'duration'
  return pattern.includes(SIZE_MARK) ? 'size' : 'text'
}

function plural(items: Node): string {
  if (isNode(items['properties'])) return 'mappings'
  const alternatives = (items['anyOf'] ?? []) as readonly Node[]
  if (alternatives.some((one) => one['type'] === 'object')) return 'operations'
  if (alternatives.length > 0) return 'kinds'
  return String(items['pattern'] ?? '').includes(ACCOUNT_MARK) ? 'accounts' : 'texts'
}
