import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What an EC2 instance with a role tells its programs (IMDSv2), on a loopback port. */
export async function startInstanceMetadata() {
  let asked = 0
  let isRefusing = false
  const server = createServer((request, response) => {
    asked++
    if (isRefusing) return response.writeHead(404).end()
    if (request.url === '/latest/api/token') return response.end('token')
    const path = '/latest/meta-data/iam/security-credentials/'
    if (request.url === path) return response.end('host')
    const credentials = {
      Code: 'Success',
      AccessKeyId: 'ASIAINSTANCE',
      SecretAccessKey: 's',
      Token: 't',
      Expiration: new Date(Date.now() + 6 * 3_600_000).toISOString(),
    }
    return response.end(JSON.stringify(credentials))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    env: { AWS_EC2_METADATA_DISABLED: 'false', AWS_EC2_METADATA_SERVICE_ENDPOINT: `http://127.0.0.1:${port}` },
    asked: () => asked,
    /** From now on no role is attached. */
    refuse() {
      isRefusing = true
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
