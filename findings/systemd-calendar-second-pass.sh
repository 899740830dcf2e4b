#!/usr/bin/env bash
# systemd 252 (Debian 12: 252.39). A timer with `OnCalendar=*:0/5` reads as "every five minutes", and `AccuracySec` aside one would
# expect no gap longer than that. In the night in which the clocks are set back, systemd finds the next elapse by the calendar and takes
# the first of two equal times: the repeated hour is left out as a whole, and so is a timer of each minute or each second in it. From
# 02:55 CEST it goes on at 03:00 CET, 65 minutes later. (Debian's cron runs schedules with `*` through both passes.)
# With a zone in the expression that has no summer time, `*:0/5 UTC`, the gap is gone: that is how to write a timer of a watchdog.
#
# Seen, with TZ=Europe/Berlin, in UTC:
#   *:0/5 after 00:50 UTC: 00:55 02:00 02:05
#   *:*:0 after 00:58 UTC: 00:59 02:00 02:01
#   *:0/5 UTC after 00:50 UTC: 00:55 01:00 01:05
# Exits 1 if that changes.
set -euo pipefail
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
# Unpacked here, not installed; the machine's own systemd, if it has one, is not asked.
apt-get -qq download 'systemd=252.*' 'libsystemd-shared=252.*' 2>/dev/null
for package in *.deb; do dpkg-deb -x "$package" root; done
export LD_LIBRARY_PATH="$scratch/root/usr/lib/x86_64-linux-gnu/systemd" TZ=Europe/Berlin
analyze="$scratch/root/usr/bin/systemd-analyze"
"$analyze" --version | head -n 1

elapses() {
  printf '%s after %s UTC:' "$1" "$2"
  "$analyze" calendar --base-time="2026-10-25 $2:00 UTC" --iterations=3 "$1" |
    sed -n 's/.*(in UTC).* \([0-9:]*\):00 UTC$/ \1/p; s/.*Next elapse.* \([0-9:]*\):00 UTC$/ \1/p; s/.*Iter\. #.* \([0-9:]*\):00 UTC$/ \1/p' | tr -d '\n'
  echo
}
seen=$(
  elapses '*:0/5' 00:50
  elapses '*:*:0' 00:58
  elapses '*:0/5 UTC' 00:50
)
echo "$seen"
[ "$seen" = '*:0/5 after 00:50 UTC: 00:55 02:00 02:05
*:*:0 after 00:58 UTC: 00:59 02:00 02:01
*:0/5 UTC after 00:50 UTC: 00:55 01:00 01:05' ]
