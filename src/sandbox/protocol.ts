import type { IncomingMessage } from 'node:http'

/** How a service of AWS is spoken to. */
type Protocol = 'awsJson' | 'restJson' | 'restXml' | 'query' | 'ec2' | 'rpcv2Cbor'

/** Services of the protocol restXml, by the names that their requests are signed for; all other REST is JSON. */
const REST_XML: ReadonlySet<string> = new Set(['s3', 'route53', 'cloudfront', 's3-outposts'])

/** A request as far as it is understood without a model of its service. */
export type Understood = Readonly<{
  protocol: Protocol
  /** As it is signed for; `''` where it is not signed. */
  service: string
  region: string
  /** `ListTables`; of REST the method and the path, unless the request names its operation. */
  operation: string
}>

export function understand(req: IncomingMessage, body: string): Understood {
  const [, region = '', service = ''] = /Credential=[^/]+\/\d{8}\/([^/]+)\/([^/]+)\//.exec(req.headers.authorization ?? '') ?? []
  const url = new URL(req.url ?? '/', 'http://localhost')
  const target = String(req.headers['x-amz-target'] ?? '')
  const signed = { service, region }
  if (req.headers['smithy-protocol'] === 'rpc-v2-cbor')
    return { ...signed, protocol: 'rpcv2Cbor', operation: url.pathname.split('/').at(-1) ?? '' }
  if (target !== '') return { ...signed, protocol: 'awsJson', operation: target.split('.').at(-1) ?? '' }
  if (String(req.headers['content-type'] ?? '').startsWith('application/x-www-form-urlencoded')) {
    const operation = new URLSearchParams(body).get('Action') ?? ''
    return { ...signed, protocol: service === 'ec2' ? 'ec2' : 'query', operation }
  }
  const operation = url.searchParams.get('x-id') ?? `${req.method} ${url.pathname}`
  return { ...signed, protocol: REST_XML.has(service) ? 'restXml' : 'restJson', operation }
}

export type Written = Readonly<{ status: number; headers: Readonly<Record<string, string>>; body: Buffer }>

/** A healthy answer with these members. */
export function writeAnswer({ protocol, operation }: Understood, members: object, requestId: string): Written {
  const text = (type: string, body: string): Written => ({
    status: 200,
    headers: { 'content-type': type, 'x-amzn-requestid': requestId },
    body: Buffer.from(body),
  })
  switch (protocol) {
    case 'awsJson':
      return text('application/x-amz-json-1.0', JSON.stringify(members))
    case 'restJson':
      return text('application/json', JSON.stringify(members))
    case 'restXml':
      return text('application/xml', `<Result>${xml(members, null)}</Result>`)
    case 'query': {
      const inner = `<${operation}Result>${xml(members, 'member')}</${operation}Result>`
      const metadata = `<ResponseMetadata><RequestId>${requestId}</RequestId></ResponseMetadata>`
      return text('text/xml', `<${operation}Response>${inner}${metadata}</${operation}Response>`)
    }
    case 'ec2':
      return text(
        'text/xml',
        `<${operation}Response><requestId>${requestId}</requestId>${xml(members, 'item')}</${operation}Response>`,
      )
    case 'rpcv2Cbor':
      return { status: 200, headers: cborHeaders(requestId), body: cbor(members) }
  }
}

/** An error as the protocol words it. `code`: `null` for one that has no name. */
export function writeError(
  { protocol, service }: Understood,
  { status, code, message }: Readonly<{ status: number; code: string | null; message: string }>,
  requestId: string,
): Written {
  const fault = status >= 500 ? 'Receiver' : 'Sender'
  const named = code === null ? '' : `<Code>${code}</Code>`
  const xmlError = (body: string): Written => ({
    status,
    headers: { 'content-type': 'text/xml', 'x-amzn-requestid': requestId },
    body: Buffer.from(body),
  })
  const json = (type: string, headers: Record<string, string>, body: object): Written => ({
    status,
    headers: { 'content-type': type, 'x-amzn-requestid': requestId, ...headers },
    body: Buffer.from(JSON.stringify(body)),
  })
  switch (protocol) {
    case 'awsJson':
      return json('application/x-amz-json-1.0', {}, code === null ? {} : { __type: `com.amazonaws.model#${code}`, message })
    case 'restJson':
      return json('application/json', code === null ? {} : { 'x-amzn-errortype': `${code}:http://internal.amazon.com/` }, {
        message,
      })
    case 'restXml': {
      const inner = `<Error>${named}<Message>${message}</Message></Error>`
      return xmlError(service === 's3' ? inner : `<ErrorResponse>${inner}</ErrorResponse>`)
    }
    case 'query':
      return xmlError(
        `<ErrorResponse><Error><Type>${fault}</Type>${named}<Message>${message}</Message></Error><RequestId>${requestId}</RequestId></ErrorResponse>`,
      )
    case 'ec2':
      return xmlError(
        `<Response><Errors><Error>${named}<Message>${message}</Message></Error></Errors><RequestID>${requestId}</RequestID></Response>`,
      )
    case 'rpcv2Cbor':
      return {
        status,
        headers: cborHeaders(requestId),
        body: cbor(code === null ? {} : { __type: `com.amazonaws.model#${code}`, message }),
      }
  }
}

function cborHeaders(requestId: string): Record<string, string> {
  return { 'content-type': 'application/cbor', 'smithy-protocol': 'rpc-v2-cbor', 'x-amzn-requestid': requestId }
}

/** @param item the name of a list's elements; `null`: each is named as the list */
function xml(value: object, item: string | null): string {
  return Object.entries(value)
    .map(([name, inner]) => {
      if (!Array.isArray(inner)) return `<${name}>${xmlText(inner, item)}</${name}>`
      if (item === null) return inner.map((one) => `<${name}>${xmlText(one, item)}</${name}>`).join('')
      return `<${name}>${inner.map((one) => `<${item}>${xmlText(one, item)}</${item}>`).join('')}</${name}>`
    })
    .join('')
}

function xmlText(value: unknown, item: string | null): string {
  if (typeof value === 'object' && value !== null) return xml(value, item)
  return String(value).replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}

/** RFC 8949, as far as answers need it. */
function cbor(value: unknown): Buffer {
  if (value === null || value === undefined) return Buffer.of(0xf6)
  if (typeof value === 'boolean') return Buffer.of(value ? 0xf5 : 0xf4)
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value < 0 ? cborHead(1, -1 - value) : cborHead(0, value)
  if (typeof value === 'number') {
    const double = Buffer.alloc(9, 0xfb)
    double.writeDoubleBE(value, 1)
    return double
  }
  if (typeof value === 'string') return Buffer.concat([cborHead(3, Buffer.byteLength(value)), Buffer.from(value)])
  if (Array.isArray(value)) return Buffer.concat([cborHead(4, value.length), ...value.map(cbor)])
  const entries = Object.entries(value as object)
  return Buffer.concat([cborHead(5, entries.length), ...entries.flatMap(([key, inner]) => [cbor(key), cbor(inner)])])
}

function cborHead(major: number, count: number): Buffer {
  if (count < 24) return Buffer.of((major << 5) | count)
  const head = Buffer.alloc(9)
  head[0] = (major << 5) | 27
  head.writeBigUInt64BE(BigInt(count), 1)
  return head
}
