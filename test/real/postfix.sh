#!/usr/bin/env bash
# Alibi against Debian's Postfix: `check --live`, and a delivery to three addresses of which one is deferred and one is unknown.
# Postfix runs with a configuration, a queue and ports of its own in a temporary directory; that of the system is not touched.
# Needs root, for Postfix does; says that it is skipped where Postfix is not installed and cannot be.
set -euo pipefail
cd "$(dirname "$0")/../.."

if [ "$(id -u)" != 0 ]; then
  echo 'postfix: skipped, for only root can start it'
  exit 0
fi
if ! command -v postfix >/dev/null && [ "${CI:-}" != '' ] && command -v apt-get >/dev/null; then
  # No configuration is made by the package, and nothing is started.
  echo 'postfix postfix/main_mailer_type select No configuration' | debconf-set-selections 2>/dev/null || true
  (apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postfix) >/dev/null 2>&1 || true
fi
if ! command -v postfix >/dev/null; then
  echo 'postfix: skipped, for it is not installed (apt-get install postfix)'
  exit 0
fi

place=$(mktemp -d /tmp/alibi-postfix-XXXXXX)
chmod 755 "$place"
cleanup() {
  # Its own master only, by the process id in its own queue.
  [ -e "$place/etc/main.cf" ] && postfix -c "$place/etc" stop >/dev/null 2>&1 || true
  rm -rf "$place"
}
trap cleanup EXIT

free_port() { node -e "const s = require('node:net').createServer().listen(0, '127.0.0.1', () => { console.log(s.address().port); s.close() })"; }
plain=$(free_port)
strict=$(free_port)

mkdir -p "$place/etc" "$place/queue" "$place/data" "$place/mail"
chown postfix "$place/data"
chown nobody "$place/mail"

# An authority that nobody knows, and a certificate that it signed.
curve=(-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes)
openssl req -x509 "${curve[@]}" -subj '/CN=Invented Authority' -days 2 -keyout "$place/ca.key" -out "$place/ca.pem" 2>/dev/null
openssl req -new "${curve[@]}" -subj '/CN=localhost' -addext 'subjectAltName=IP:127.0.0.1,DNS:localhost' \
  -keyout "$place/server.key" -out "$place/server.csr" 2>/dev/null
openssl x509 -req -in "$place/server.csr" -CA "$place/ca.pem" -CAkey "$place/ca.key" -CAcreateserial -days 2 \
  -copy_extensions copy -out "$place/server.pem" 2>/dev/null

printf '%s\n' 'oncall@example.com oncall/' 'deputy@example.com deputy/' >"$place/boxes"
printf '%s\n' 'deputy@example.com 450 4.2.0 Greylisted, see http://postgrey.example/help' >"$place/access"

cat >"$place/etc/main.cf" <<MAIN
compatibility_level = 3.6
queue_directory = $place/queue
data_directory = $place/data
maillog_file = $place/log
maillog_file_prefixes = $place
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mx.example.com
mydestination =
mynetworks = 127.0.0.0/8
virtual_mailbox_domains = example.com
virtual_mailbox_base = $place/mail
virtual_mailbox_maps = texthash:$place/boxes
virtual_uid_maps = static:$(id -u nobody)
virtual_gid_maps = static:$(id -g nobody)
virtual_minimum_uid = 1
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
smtpd_recipient_restrictions = check_recipient_access texthash:$place/access, reject_unlisted_recipient, permit_mynetworks, reject
smtpd_helo_required = yes
smtpd_helo_restrictions = reject_non_fqdn_helo_hostname, reject_invalid_helo_hostname
smtpd_tls_security_level = may
smtpd_tls_cert_file = $place/server.pem
smtpd_tls_key_file = $place/server.key
MAIN
cat >"$place/etc/master.cf" <<MASTER
127.0.0.1:$plain  inet  n - n - - smtpd
127.0.0.1:$strict inet  n - n - - smtpd -o smtpd_delay_reject=no
cleanup   unix  n - n - 0 cleanup
qmgr      unix  n - n 300 1 qmgr
tlsmgr    unix  - - n 1000? 1 tlsmgr
rewrite   unix  - - n - - trivial-rewrite
bounce    unix  - - n - 0 bounce
defer     unix  - - n - 0 bounce
trace     unix  - - n - 0 bounce
verify    unix  - - n - 1 verify
flush     unix  n - n 1000? 0 flush
proxymap  unix  - - n - - proxymap
smtp      unix  - - n - - smtp
error     unix  - - n - - error
retry     unix  - - n - - error
virtual   unix  - n n - - virtual
anvil     unix  - - n - 1 anvil
postlog   unix-dgram n - n - 1 postlogd
MASTER

if ! said=$(postfix -c "$place/etc" start 2>&1); then
  echo "postfix: it does not start: $said"
  cat "$place/log" 2>/dev/null || true
  exit 1
fi
postconf -h mail_version | sed 's/^/postfix: /'
PLACE=$place PLAIN=$plain STRICT=$strict node test/real/postfix.ts || {
  code=$?
  tail -n 30 "$place/log"
  exit "$code"
}
