import { SERVICE_LINES } from './iam-data.ts'

/** A service of AWS that can be asked. */
export type AwsService = Readonly<{
  /** As it stands before the colon: its name in IAM, or the client's where several clients share that. */
  name: string
  /** Its client is `@aws-sdk/client-…`. */
  client: string
  /** The name in IAM. */
  prefix: string
  /** As people call it: `DynamoDB`. */
  title: string
}>

type Index = Readonly<{ byName: ReadonlyMap<string, AwsService>; all: readonly AwsService[] }>

let known: Index | null = null

/** Read when it is first asked for: who watches Account alone has no need of it. */
function index(): Index {
  known ??= indexOf(SERVICE_LINES)
  return known
}

function indexOf(lines: string): Index {
  const rows = lines
    .trim()
    .split('\n')
    .map((line) => {
      const [client = '', prefix = '', ...title] = line.split(' ')
      return { client, prefix, title: title.join(' ') }
    })
  const clientsOf = Map.groupBy(rows, ({ prefix }) => prefix)
  const all = rows.map((row): AwsService => {
    const alone = clientsOf.get(row.prefix)?.length === 1
    return { ...row, name: alone || row.client === row.prefix ? row.prefix : row.client }
  })
  const byName = new Map(all.map((service) => [service.name, service]))
  // The client's own name is understood too, unless it is another service's.
  for (const service of all) if (!byName.has(service.client)) byName.set(service.client, service)
  return { byName, all }
}

/** By its name in IAM or its client's: `logs` and `cloudwatch-logs` are the same. */
export function serviceNamed(name: string): AwsService | null {
  return index().byName.get(name) ?? null
}

/** The names of all services. */
export function serviceNames(): readonly string[] {
  return index().all.map(({ name }) => name)
}

/** For a name in IAM that several clients share: theirs. */
export function servicesSharing(prefix: string): readonly string[] {
  return index()
    .all.filter((service) => service.prefix === prefix)
    .map(({ name }) => name)
}
