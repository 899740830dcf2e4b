import { HOUR_MS } from '../../domain/probe.ts'

/** Marks of a strip; the newest are kept. Three hours of a probe that runs each second. */
const MAX_STRIP = 10_800
/** How many emails of an outbox or of an incident, and how many deliveries, one answer holds. */
const MAX_MAILS = 10_000
const MAX_HOURS = 20_000
/** Incidents that are loaded at start: the open ones and those that closed lately. */
const MAX_LOADED = 10_000

/** A notification (`n`) at one of its addresses (`c`). */
const OWED_COLUMNS =
  'n.id, n.wording, n.doc, c.address, c.state, c.attempts, c.next_at, c.error, c.uncertain, c.no_session, c.delivered_at, c.reply'
const OWED_STATES = "('due', 'retrying', 'sending')"

/** What is written. Lists arrive as arrays, one for each column: one statement for a thousand rows. */
export const WRITE = {
  putIncident: `INSERT INTO incidents (id, state, family, partition, opened_at, closed_at, doc, sums, patterns)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
    ON CONFLICT (id) DO UPDATE SET state = excluded.state, family = excluded.family, partition = excluded.partition,
      opened_at = excluded.opened_at, closed_at = excluded.closed_at, doc = excluded.doc, sums = excluded.sums,
      patterns = excluded.patterns`,
  dropMembers: 'DELETE FROM members WHERE incident = $1',
  dropPlaces: 'DELETE FROM members WHERE incident = $1 AND place = ANY($2::int[])',
  putMembers: `INSERT INTO members (incident, place, rejected, doc) SELECT $1, * FROM unnest($2::int[], $3::int[], $4::text[])
    ON CONFLICT (incident, place) DO UPDATE SET rejected = excluded.rejected, doc = excluded.doc`,
  putRejected: 'INSERT INTO rejected_events (incident, list, doc) SELECT $1, * FROM unnest($2::int[], $3::text[])',
  dropRejected: 'DELETE FROM rejected_events WHERE incident = $1 AND list = ANY($2::int[])',
  dropAllRejected: 'DELETE FROM rejected_events WHERE incident = $1',
  putProbes: `INSERT INTO probes (probe, doc) SELECT * FROM unnest($1::text[], $2::text[])
    ON CONFLICT (probe) DO UPDATE SET doc = excluded.doc`,
  clearSelfAlerts: 'DELETE FROM self_alerts WHERE key = ANY($1::text[])',
  putSelfAlert: 'INSERT INTO self_alerts (key, doc) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET doc = excluded.doc',
  putMeta: 'INSERT INTO meta (key, doc) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET doc = excluded.doc',
  addLedger: `INSERT INTO ledger (at, incident, probe, decision, doc)
    SELECT at, incident, probe, decision, doc
    FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[]) WITH ORDINALITY AS r (at, incident, probe, decision, doc, n)
    ORDER BY n`,
  addNotification: `INSERT INTO notifications (id, thread, seq, incident, created_at, doc) VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (id) DO NOTHING`,
  addCopies: `INSERT INTO copies (notification, place, address, state, attempts, next_at, uncertain, no_session)
    SELECT $1, n - 1, address, 'due', 0, $2, 0, 0 FROM unnest($3::text[]) WITH ORDINALITY AS r (address, n) ORDER BY n
    ON CONFLICT (notification, address) DO NOTHING`,
  setCopy: `UPDATE copies SET state = $3, attempts = $4, next_at = $5, error = $6, uncertain = $7, no_session = $8,
      delivered_at = $9, reply = $10 WHERE notification = $1 AND address = $2`,
  setWording: 'UPDATE notifications SET wording = $2 WHERE id = $1',
  putQueueEvent: 'INSERT INTO queue_events (arn, doc) VALUES ($1, $2) ON CONFLICT (arn) DO UPDATE SET doc = excluded.doc',
  dropQueueEvents: 'DELETE FROM queue_events WHERE arn = ANY ($1)',
  dropQueue: 'DELETE FROM queue_events',
  addSilence: `INSERT INTO silences (id, until, ended_at, at, doc) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (id) DO NOTHING`,
  endSilence: 'UPDATE silences SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL AND until > $2',
  redateSilence: 'UPDATE silences SET at = $2, until = $3, ended_at = $4, doc = $5 WHERE id = $1',
  redateAck: 'UPDATE acks SET at = at + $2 WHERE incident = $1',
  addAck: `INSERT INTO acks (incident, at, moment, reason) VALUES ($1, $2, $3, $4)
    ON CONFLICT (incident) DO UPDATE SET at = excluded.at, moment = excluded.moment, reason = excluded.reason`,
  addEventForm: 'INSERT INTO event_forms (arn, hash, seen_at, doc) VALUES ($1, $2, $3, $4) RETURNING id',
  prolongReading: 'UPDATE readings SET until = greatest(until, $1) WHERE id = $2',
  addReading: 'INSERT INTO readings (partition, since, until, said, doc) VALUES ($1, $2, $2, $3, $4)',
  addProbeNames: 'INSERT INTO probe_names (name) SELECT unnest($1::text[]) ON CONFLICT (name) DO NOTHING',
  putRuns: `INSERT INTO runs (probe, at, ms, result, kind, tries, request_id, incident, doc)
    SELECT * FROM unnest($1::int[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::int[], $7::text[], $8::text[], $9::text[])
    ON CONFLICT (probe, at) DO UPDATE SET ms = excluded.ms, result = excluded.result, kind = excluded.kind, tries = excluded.tries,
      request_id = excluded.request_id, incident = coalesce(excluded.incident, runs.incident), doc = coalesce(excluded.doc, runs.doc)`,
  // In one statement: a run is in the one place or in the other, whenever we die.
  sumUp: `WITH old AS (
      DELETE FROM runs WHERE (probe, at) IN (SELECT probe, at FROM runs WHERE incident IS NULL AND at < $1 ORDER BY at LIMIT $2)
      RETURNING probe, at, ms, result
    ), summed AS (
      INSERT INTO hours (probe, hour, ok, failed, inconclusive, sum_ms, max_ms)
      SELECT probe, at - at % ${HOUR_MS}, count(*) FILTER (WHERE result = 'ok'), count(*) FILTER (WHERE result = 'failed'),
        count(*) FILTER (WHERE result = 'inconclusive'), sum(ms)::bigint, max(ms)
      FROM old GROUP BY probe, at - at % ${HOUR_MS}
      ON CONFLICT (probe, hour) DO UPDATE SET ok = hours.ok + excluded.ok, failed = hours.failed + excluded.failed,
        inconclusive = hours.inconclusive + excluded.inconclusive, sum_ms = hours.sum_ms + excluded.sum_ms,
        max_ms = greatest(hours.max_ms, excluded.max_ms)
    ) SELECT count(*) AS n FROM old`,
  dropHours: 'DELETE FROM hours WHERE (probe, hour) IN (SELECT probe, hour FROM hours WHERE hour < $1 ORDER BY hour LIMIT $2)',
  dropReadings: 'DELETE FROM readings WHERE id IN (SELECT id FROM readings WHERE until < $1 ORDER BY id LIMIT $2)',
} as const satisfies Record<string, string>

/** What is asked. */
export const READ = {
  meta: 'SELECT doc FROM meta WHERE key = $1',
  oneOwed: `SELECT ${OWED_COLUMNS} FROM copies c JOIN notifications n ON n.id = c.notification
    WHERE c.notification = $1 AND c.address = $2 FOR UPDATE OF c`,
  // The first email of each thread before the second of any: a long thread does not keep the others waiting.
  owed: `WITH ranked AS (
      SELECT n.id, c.address, c.place, c.next_at AS due, n.created_at AS born,
        row_number() OVER (PARTITION BY n.thread, c.address ORDER BY n.seq, n.created_at, n.id) AS rank
      FROM copies c JOIN notifications n ON n.id = c.notification WHERE c.state IN ${OWED_STATES}
    ), chosen AS (SELECT * FROM ranked ORDER BY rank, due, born, id, place LIMIT $1)
    SELECT ${OWED_COLUMNS} FROM chosen o JOIN notifications n ON n.id = o.id
    JOIN copies c ON c.notification = o.id AND c.address = o.address ORDER BY o.rank, o.due, o.born, o.id, o.place`,
  outbox: `SELECT ${OWED_COLUMNS} FROM notifications n JOIN copies c ON c.notification = n.id
    WHERE n.id IN (SELECT notification FROM copies WHERE state IN ${OWED_STATES}
      UNION SELECT notification FROM copies WHERE state = 'refused')
    ORDER BY n.created_at, n.seq, n.id, c.place LIMIT ${MAX_MAILS}`,
  mails: `SELECT ${OWED_COLUMNS} FROM notifications n JOIN copies c ON c.notification = n.id
    WHERE n.incident = $1 ORDER BY n.created_at, n.seq, n.id, c.place LIMIT ${MAX_MAILS}`,
  delivered: `SELECT address, delivered_at FROM copies WHERE delivered_at >= $1
    ORDER BY delivered_at, notification, place LIMIT ${MAX_MAILS}`,
  queueEvents: 'SELECT doc FROM queue_events ORDER BY arn LIMIT $1',
  silences: 'SELECT ended_at, doc FROM silences WHERE least(until, coalesce(ended_at, until)) >= $1 ORDER BY at, id',
  silenceToRedate: 'SELECT ended_at, doc FROM silences WHERE id = $1 FOR UPDATE',
  acks: `SELECT a.incident, a.at, a.moment, a.reason FROM acks a JOIN incidents i ON i.id = a.incident
    WHERE i.state <> 'closed' ORDER BY a.at`,
  eventFormIds: `SELECT f.id, f.arn, f.hash FROM event_forms f
    JOIN unnest($1::text[], $2::text[]) AS r (arn, hash) ON f.arn = r.arn AND f.hash = r.hash`,
  eventForms: 'SELECT id, doc FROM event_forms WHERE id = ANY($1::bigint[])',
  eventHistory: 'SELECT seen_at, doc FROM event_forms WHERE arn = $1 ORDER BY seen_at, id LIMIT $2',
  lastReading: 'SELECT id, said FROM readings WHERE partition = $1 ORDER BY since DESC, id DESC LIMIT 1',
  readingAt: 'SELECT since, until, doc FROM readings WHERE partition = $1 AND since <= $2 ORDER BY since DESC, id DESC LIMIT 1',
  readings:
    'SELECT since, until, doc FROM readings WHERE partition = $1 AND until >= $2 AND since <= $3 ORDER BY since, id LIMIT $4',
  probeIds: 'SELECT id, name FROM probe_names WHERE name = ANY($1::text[])',
  strip: `SELECT r.at, r.ms, r.result FROM runs r JOIN probe_names p ON p.id = r.probe
    WHERE p.name = $1 AND r.at >= $2 ORDER BY r.at DESC LIMIT ${MAX_STRIP}`,
  runs: 'SELECT doc FROM runs WHERE incident = $1 ORDER BY at DESC, probe DESC LIMIT $2',
  counts: `SELECT (SELECT count(*) FROM ledger WHERE incident = $1) AS ledger, (SELECT count(*) FROM runs WHERE incident = $1) AS runs`,
  hours: `SELECT h.hour, h.ok, h.failed, h.inconclusive, h.sum_ms, h.max_ms FROM hours h JOIN probe_names p ON p.id = h.probe
    WHERE p.name = $1 AND h.hour >= $2 ORDER BY h.hour LIMIT ${MAX_HOURS}`,
  probes: 'SELECT doc FROM probes ORDER BY probe',
  selfAlerts: 'SELECT doc FROM self_alerts ORDER BY key',
  liveIncidents: `SELECT doc FROM incidents WHERE state <> 'closed'
    UNION ALL (SELECT doc FROM incidents WHERE state = 'closed' AND closed_at >= $1) LIMIT ${MAX_LOADED}`,
  incidents: 'SELECT doc, sums FROM incidents ORDER BY opened_at DESC, id DESC LIMIT $1',
  closedIncidents: "SELECT doc, sums FROM incidents WHERE state = 'closed' ORDER BY opened_at DESC, id DESC LIMIT $1",
  patterns: 'SELECT doc, patterns FROM incidents ORDER BY opened_at DESC, id DESC LIMIT $1',
  incident: 'SELECT doc FROM incidents WHERE id = $1',
  members: 'SELECT incident, place, rejected, doc FROM members WHERE incident = ANY($1::text[]) ORDER BY incident, place',
  incidentIds: 'SELECT id FROM incidents ORDER BY id',
  rejected: 'SELECT incident, list, doc FROM rejected_events WHERE incident = ANY($1::text[])',
  ledgerAll: 'SELECT doc FROM ledger WHERE at >= $1 ORDER BY at, id LIMIT $2',
  ledgerOf: 'SELECT doc FROM ledger WHERE incident = $1 AND at >= $2 ORDER BY at DESC, id DESC LIMIT $3',
  left: `SELECT (SELECT count(*) FROM (SELECT 1 FROM runs WHERE incident IS NULL AND at < $1 LIMIT $3) r)
      + (SELECT count(*) FROM (SELECT 1 FROM hours WHERE hour < $2 LIMIT $3) h) AS n`,
} as const satisfies Record<string, string>
