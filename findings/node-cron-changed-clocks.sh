#!/usr/bin/env bash
# node-cron 4.6.0. When clocks are set back, one whole pass of the repeated time is left out: east of Greenwich the first one, west of it the second. A
# schedule of every five minutes pauses for 65 minutes, and where clocks change by half an hour for 35. (Debian's cron runs through both passes.) A daily
# schedule east of Greenwich runs in the second pass, west of it in the first. When clocks are set ahead over a named time, that day has no run.
#
# Seen (UTC):
#   Europe/Berlin        30 2 * * *   2026-10-25T01:30 2026-10-26T01:30
#   America/New_York     30 1 * * *   2026-11-01T05:30 2026-11-02T06:30
#   Europe/Berlin        */5 * * * *  longest pause 65 minutes
#   America/New_York     */5 * * * *  longest pause 65 minutes
#   Australia/Lord_Howe  */5 * * * *  longest pause 35 minutes
#   Europe/Berlin        30 2 * * *   2026-03-30T00:30
# Exits 1 if that changes.
set -euo pipefail
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund node-cron@4.6.0 @sinonjs/fake-timers@15.0.0

cat >nights.mjs <<'JS'
import FakeTimers from '@sinonjs/fake-timers'

const [zone, expression, from, hours, show] = process.argv.slice(2)
const clock = FakeTimers.install({ now: Date.parse(from) })
const { schedule } = await import('node-cron')
const fires = []
schedule(expression, () => void fires.push(Date.now()), { timezone: zone })
await clock.tickAsync(Number(hours) * 3_600_000)
const pauses = fires.slice(1).map((at, n) => (at - fires[n]) / 60_000)
const text = show === 'pause' ? `longest pause ${Math.max(...pauses)} minutes` : fires.map((at) => new Date(at).toISOString().slice(0, 16)).join(' ')
process.stdout.write(`${zone.padEnd(20)} ${expression.padEnd(12)} ${text}\n`)
process.exit()
JS
seen=$(
  node nights.mjs Europe/Berlin '30 2 * * *' 2026-10-24T12:00Z 48 fires
  node nights.mjs America/New_York '30 1 * * *' 2026-10-31T12:00Z 48 fires
  node nights.mjs Europe/Berlin '*/5 * * * *' 2026-10-24T23:50Z 3 pause
  node nights.mjs America/New_York '*/5 * * * *' 2026-11-01T04:50Z 3 pause
  node nights.mjs Australia/Lord_Howe '*/5 * * * *' 2026-04-04T14:20Z 2 pause
  node nights.mjs Europe/Berlin '30 2 * * *' 2026-03-28T12:00Z 48 fires
)
echo "$seen"
[ "$(tr -s ' ' <<<"$seen")" = "$(tr -s ' ' <<'SEEN'
Europe/Berlin 30 2 * * * 2026-10-25T01:30 2026-10-26T01:30
America/New_York 30 1 * * * 2026-11-01T05:30 2026-11-02T06:30
Europe/Berlin */5 * * * * longest pause 65 minutes
America/New_York */5 * * * * longest pause 65 minutes
Australia/Lord_Howe */5 * * * * longest pause 35 minutes
Europe/Berlin 30 2 * * * 2026-03-30T00:30
SEEN
)" ] || { echo 'changed'; exit 1; }
