import { expect, test } from 'vitest'
import { ehloName } from './ehlo-name.ts'

test.for<[string, string | null, string, string, string]>([
  ['what the configuration says', 'relay.example.com', 'host.example.net', 'example.org', 'relay.example.com'],
  ['else the name of the host', null, 'host.example.net', 'example.org', 'host.example.net'],
  ['a host without a dot is called by the domain of its sender', null, '3f2a9c0de51b', 'example.org', 'example.org'],
  ['so is one whose name no relay would take', null, 'my_host.example.net', 'example.org', 'example.org'],
  ['and one that goes by the name of every host', null, 'localhost.localdomain', 'example.org', 'example.org'],
  ['and one that goes by its address', null, '10.0.0.7', 'example.org', 'example.org'],
  ['a sender in an internationalized domain', null, 'host', 'xn--bcher-kva.example', 'xn--bcher-kva.example'],
  ['a host known by its address alone', null, '10.0.0.7', 'localhost', '[10.0.0.7]'],
  ['nothing at all', null, '', 'localhost', '[127.0.0.1]'],
])('%s', ([, given, hostname, domain, name]) => {
  expect(ehloName(given, hostname, domain)).toBe(name)
})
