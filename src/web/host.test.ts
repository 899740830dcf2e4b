import { expect, test } from 'vitest'
import { isOwnHost } from './host.ts'

const loopback = { host: '127.0.0.1', port: 9464, hosts: [] }
const six = { host: '::1', port: 9464, hosts: [] }
const proxied = { host: '127.0.0.1', port: 9464, hosts: ['alibi.example.com'] }

test.for<[string, string | undefined, typeof loopback | typeof proxied, boolean]>([
  ['its own address', '127.0.0.1:9464', loopback, true],
  ['localhost while it listens on loopback', 'localhost:9464', loopback, true],
  ['its name in capitals', 'LOCALHOST:9464', loopback, true],
  ['its name with a trailing dot', 'localhost.:9464', loopback, true],
  ['its own address, on a dual-stack socket', '127.0.0.1:9464', { ...loopback, host: '::ffff:127.0.0.1' }, true],
  ['its own address, written as IPv6', '[::ffff:127.0.0.1]:9464', loopback, false],
  ['an IPv6 address in brackets', '[::1]:9464', six, true],
  ['localhost over IPv6', 'localhost:9464', six, true],
  ['a configured name without a port', 'alibi.example.com', proxied, true],
  ['a configured name with the port of a proxy', 'Alibi.Example.com:8443', proxied, true],
  ['no port is port 80', '127.0.0.1', { ...loopback, port: 80 }, true],
  ['no port is not another port', '127.0.0.1', loopback, false],
  ['another port', '127.0.0.1:9465', loopback, false],
  ['another loopback address', '127.0.0.2:9464', loopback, false],
  ['a foreign name that was made to point here', 'rebound.example.net:9464', loopback, false],
  ['a name that only begins like ours', 'localhost.example.net:9464', loopback, false],
  ['a name that only ends like a configured one', 'evil-alibi.example.com', proxied, false],
  ['a foreign name behind a user name', 'localhost@example.net:9464', loopback, false],
  ['localhost while it does not listen on loopback', 'localhost:9464', { ...loopback, host: '192.0.2.7' }, false],
  [
    'localhost while it listens on a name that looks like loopback',
    'localhost:9464',
    { ...loopback, host: '127.0.0.300' },
    false,
  ],
  ['two names, joined', '127.0.0.1:9464, example.net', loopback, false],
  ['nothing', '', loopback, false],
  ['no header', undefined, loopback, false],
  ['a long one', `${'a'.repeat(300)}:9464`, loopback, false],
])('%s', ([, header, listen, expected]) => expect(isOwnHost(header, listen)).toBe(expected))
