#!/usr/bin/env bash
# npm 11.19.1. Its manual says of npm-shrinkwrap.json that it "may be included when publishing a package", and recommends it for
# "daemons and command-line tools intended as global installs". One would expect a package that is distributed as a file
# (`npm pack`, then `npm install -g ./package.tgz`) to bring its locked tree along. It does not, for two reasons and without warning:
#   - `npm pack` leaves npm-shrinkwrap.json out of a package that has `files`, unless it is listed there;
#   - `npm install` of a .tgz that contains one does not read it, but installs whatever the ranges allow today. (The registry marks
#     versions that have one, `_hasShrinkwrap`; a file has no such mark, and one in package.json is ignored.)
# `npm ci` in the unpacked package reads it, with its hashes.
#
# Seen:
#   packed with `files`: package/index.js package/package.json
#   named in `files`: package/index.js package/npm-shrinkwrap.json package/package.json
#   locked: ms 2.0.0; installed from the file: ms 2.1.3; by npm ci in the unpacked file: ms 2.0.0
# Exits 1 if that changes.
set -euo pipefail
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
mkdir tool daemon place unpacked
(cd tool && npm init -y >/dev/null && npm install --silent --no-audit --no-fund npm@11.19.1)
npm() { node "$scratch/tool/node_modules/npm/bin/npm-cli.js" --no-audit --no-fund "$@"; }
npm --version

manifest() { printf '{"name":"daemon","version":"1.0.0","files":[%s],"dependencies":{"ms":"^2.0.0"}}' "$1" >daemon/package.json; }
packed() { (cd daemon && npm pack --silent >/dev/null && tar tzf daemon-1.0.0.tgz | sort | tr '\n' ' '); }
echo 'module.exports = require("ms")' >daemon/index.js
manifest '"index.js"'
(cd daemon && npm install --silent --package-lock-only ms@2.0.0 && npm shrinkwrap --silent)
# Like a lock file that was made when 2.0.0 was the newest version.
node -e "const f='daemon/npm-shrinkwrap.json', s=JSON.parse(fs.readFileSync(f)); s.packages[''].dependencies.ms='^2.0.0'; fs.writeFileSync(f, JSON.stringify(s))"
manifest '"index.js"'
without=$(packed)
manifest '"index.js","npm-shrinkwrap.json"'
with=$(packed)

version() { node -p "require('$1/package.json').version"; }
locked=$(node -p "require('./daemon/npm-shrinkwrap.json').packages['node_modules/ms'].version")
npm install --silent --global --prefix place ./daemon/daemon-1.0.0.tgz
installed=$(version "$scratch/place/lib/node_modules/daemon/node_modules/ms")
tar xzf daemon/daemon-1.0.0.tgz --strip-components=1 -C unpacked
(cd unpacked && npm ci --silent)
clean=$(version "$scratch/unpacked/node_modules/ms")

printf 'packed with `files`: %s\nnamed in `files`: %s\n' "$without" "$with"
printf 'locked: ms %s; installed from the file: ms %s; by npm ci in the unpacked file: ms %s\n' "$locked" "$installed" "$clean"
[[ $without != *shrinkwrap* && $with == *shrinkwrap* ]]
[[ $locked == 2.0.0 && $installed != 2.0.0 && $clean == 2.0.0 ]]
