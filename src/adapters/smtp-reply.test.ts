import { expect, test } from 'vitest'
import { type Phase, refusalOf, statusOf } from './smtp-reply.ts'

const meant = (reply: string, phase: Phase) => {
  const { session, permanent, crowded } = refusalOf(reply, phase)
  return session ? 'session' : crowded ? 'crowded' : permanent ? 'final' : 'later'
}

test.for<[string, Phase, string]>([
  // Before the mail is spoken of, nothing is said about it.
  ['554 5.7.1 no SMTP service here', 'session', 'session'],
  ['421 4.7.0 Try again later, closing connection. (EHLO)', 'session', 'session'],
  ['454 4.7.0 TLS not available due to local problem', 'session', 'session'],
  ['535 5.7.8 Error: authentication failed: Connection lost to authentication server', 'session', 'session'],
  ['535 5.7.3 Authentication unsuccessful', 'session', 'session'],
  // Later, where it is about us.
  ['421 4.3.2 Service shutting down', 'recipient', 'session'],
  ['421 4.4.2 timeout', 'final dot', 'session'],
  ['550 5.4.5 Daily user sending quota exceeded. s12-20020a05640217cc', 'sender', 'session'],
  ['550-5.4.5 Daily user sending quota exceeded.\n550 5.4.5 s12', 'recipient', 'session'],
  ['550 5.4.5 Daily SMTP relay limit exceeded for user', 'final dot', 'session'],
  ['530 5.7.0 Must issue a STARTTLS command first', 'sender', 'session'],
  ['530 5.7.57 Client not authenticated to send mail.', 'sender', 'session'],
  ['503 5.5.1 Error: send HELO/EHLO first', 'sender', 'session'],
  ['550 5.7.25 The IP address sending this message does not have a PTR record', 'final dot', 'session'],
  ['550 5.7.28 There is an unusual rate of unsolicited mail originating from your IP address.', 'final dot', 'session'],
  ['504 5.5.2 <3f2a9c0de51b>: Helo command rejected: need fully-qualified hostname', 'recipient', 'session'],
  ['450 4.7.1 <3f2a>: Helo command rejected: Host not found', 'recipient', 'session'],
  ['554 5.7.1 <unknown[192.0.2.7]>: Client host rejected: Access denied', 'recipient', 'session'],
  ['554 5.7.1 Service unavailable; Client host [192.0.2.7] blocked using zen.example', 'recipient', 'session'],
  [
    '550 Domain example.com has exceeded the max emails per hour (100/100 (100%)) allowed. Message discarded.',
    'final dot',
    'session',
  ],
  ['554 Daily message quota exceeded', 'final dot', 'session'],
  ['550 Maximum credits exceeded', 'sender', 'session'],
  ['550 5.7.705 Access denied, tenant has exceeded threshold', 'final dot', 'session'],
  // About this recipient.
  ['550 5.1.1 <deputy@example.com>: Recipient address rejected: User unknown', 'recipient', 'final'],
  ['550 No such user here', 'recipient', 'final'],
  ['554 5.7.1 <deputy@example.com>: Relay access denied', 'recipient', 'final'],
  ['550 5.2.1 The user you are trying to contact is receiving mail at a rate that exceeds the limit', 'recipient', 'final'],
  ['552 5.2.2 Mailbox over quota', 'recipient', 'final'],
  ['552 Mailbox quota exceeded', 'recipient', 'final'],
  ['450 4.2.0 <deputy@example.com>: Recipient address rejected: Greylisted', 'recipient', 'later'],
  ['451 4.7.1 Try again later', 'recipient', 'later'],
  ['452 4.2.2 The mailbox is full', 'recipient', 'later'],
  // One too many at once.
  ['452 4.5.3 Error: too many recipients', 'recipient', 'crowded'],
  ['452 4.5.3 Your message has too many recipients', 'recipient', 'crowded'],
  ['552 5.5.3 Too many recipients', 'recipient', 'crowded'],
  ['552 Too many recipients', 'recipient', 'crowded'],
  ['550 5.5.3 this message has no such thing', 'final dot', 'final'],
  // About the sender or the message.
  ['553 5.7.1 <alibi@example.com>: Sender address rejected: not owned by user relay', 'sender', 'final'],
  ['550 5.1.8 Access denied, bad outbound sender', 'sender', 'final'],
  ['501 5.1.7 Bad sender address syntax', 'sender', 'final'],
  ['452 4.3.1 Insufficient system storage', 'sender', 'later'],
  ['552 5.3.4 Message size exceeds fixed limit', 'sender', 'final'],
  ['552 5.3.4 Message size exceeds the sending limit', 'final dot', 'final'],
  ['554 Message rejected: Email address is not verified.', 'final dot', 'final'],
  ['554 5.7.1 Message rejected: it speaks of a client host', 'final dot', 'final'],
  ['550 5.7.26 Unauthenticated email from example.com is not accepted', 'final dot', 'final'],
  ['554 5.6.0 Message contains invalid header', 'final dot', 'final'],
  ['451 4.3.0 queue file write error', 'final dot', 'later'],
  ['554 no', 'data', 'final'],
  ['nonsense', 'data', 'later'],
])('%s (%s): %s', ([reply, phase, expected]) => expect(meant(reply, phase)).toBe(expected))

test('an enhanced status code is read where it stands, and nowhere else', () => {
  expect(statusOf('550 5.1.1 no')).toBe('5.1.1')
  expect(statusOf('550-5.1.1 no\n550 5.7.1 really')).toBe('5.1.1')
  expect(statusOf('550 see 5.1.1')).toBeNull()
  expect(statusOf('550 5.1.1.1')).toBeNull()
})
