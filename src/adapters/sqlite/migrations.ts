import type { DatabaseSync } from 'node:sqlite'
import { StoreError } from '../../ports/store.ts'

/** `ALIB` in the file's header: says whose database this is (https://www.sqlite.org/pragma.html#pragma_application_id). */
export const APPLICATION_ID = 0x41_4c_49_42

/**
 * Step n leads from version n to n + 1. Steps that were released are never edited: databases are out there that took them.
 *
 * What the engine thinks is kept as JSON documents; a column stands beside a document only where a query needs it. Runs are
 * many, and have columns instead: their documents stay only when they say more than "ok" or belong to an incident.
 */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE meta (key TEXT PRIMARY KEY, doc TEXT NOT NULL) STRICT, WITHOUT ROWID;

  CREATE TABLE incidents (
    id TEXT PRIMARY KEY, state TEXT NOT NULL, family TEXT NOT NULL, partition TEXT NOT NULL,
    opened_at INTEGER NOT NULL, closed_at INTEGER, doc TEXT NOT NULL,
    -- What lists need of the members of a closed incident; NULL while it is open.
    sums TEXT, patterns TEXT
  ) STRICT;
  CREATE INDEX incidents_open ON incidents (opened_at) WHERE state <> 'closed';
  CREATE INDEX incidents_closed ON incidents (closed_at) WHERE state = 'closed';
  CREATE INDEX incidents_opened ON incidents (opened_at);
  -- An outage of a thousand accounts is megabytes, of which a run changes one member: members are rows of their own.
  CREATE TABLE members (
    incident TEXT NOT NULL REFERENCES incidents (id), place INTEGER NOT NULL, rejected INTEGER, doc TEXT NOT NULL,
    PRIMARY KEY (incident, place)
  ) STRICT;
  -- The events that were considered for members and rejected: each list once, by the number that stands in members.rejected.
  CREATE TABLE rejected_events (
    incident TEXT NOT NULL REFERENCES incidents (id), list INTEGER NOT NULL, doc TEXT NOT NULL, PRIMARY KEY (incident, list)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE probes (probe TEXT PRIMARY KEY, doc TEXT NOT NULL) STRICT;
  CREATE TABLE self_alerts (key TEXT PRIMARY KEY, doc TEXT NOT NULL) STRICT;

  CREATE TABLE silences (id TEXT PRIMARY KEY, until INTEGER NOT NULL, ended_at INTEGER, at INTEGER NOT NULL, doc TEXT NOT NULL) STRICT;
  CREATE TABLE acks (incident TEXT PRIMARY KEY, at INTEGER NOT NULL, moment TEXT, reason TEXT) STRICT;

  CREATE TABLE ledger (
    id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, incident TEXT, probe TEXT, decision TEXT NOT NULL, doc TEXT NOT NULL
  ) STRICT;
  CREATE INDEX ledger_at ON ledger (at, id);
  CREATE INDEX ledger_incident ON ledger (incident, at, id) WHERE incident IS NOT NULL;
  CREATE TRIGGER ledger_is_written_once BEFORE UPDATE ON ledger BEGIN SELECT raise(ABORT, 'the ledger is written once'); END;
  CREATE TRIGGER ledger_is_kept BEFORE DELETE ON ledger BEGIN SELECT raise(ABORT, 'the ledger is kept for ever'); END;

  CREATE TABLE notifications (
    id TEXT PRIMARY KEY, thread TEXT NOT NULL, seq INTEGER NOT NULL, incident TEXT, created_at INTEGER NOT NULL,
    wording TEXT, doc TEXT NOT NULL
  ) STRICT;
  CREATE INDEX notifications_incident ON notifications (incident, created_at) WHERE incident IS NOT NULL;
  -- What became of a notification at each of its addresses.
  CREATE TABLE copies (
    notification TEXT NOT NULL REFERENCES notifications (id), place INTEGER NOT NULL, address TEXT NOT NULL,
    state TEXT NOT NULL, attempts INTEGER NOT NULL, next_at INTEGER NOT NULL, error TEXT, uncertain INTEGER NOT NULL,
    no_session INTEGER NOT NULL, delivered_at INTEGER, reply TEXT, PRIMARY KEY (notification, address)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX copies_owed ON copies (notification) WHERE state IN ('due', 'retrying', 'sending');
  CREATE INDEX copies_refused ON copies (notification) WHERE state = 'refused';
  CREATE INDEX copies_delivered ON copies (delivered_at) WHERE delivered_at IS NOT NULL;

  CREATE TABLE event_forms (
    id INTEGER PRIMARY KEY, arn TEXT NOT NULL, hash TEXT NOT NULL, seen_at INTEGER NOT NULL, doc TEXT NOT NULL, UNIQUE (arn, hash)
  ) STRICT;
  CREATE INDEX event_forms_seen ON event_forms (arn, seen_at);
  CREATE TABLE readings (
    id INTEGER PRIMARY KEY, partition TEXT NOT NULL, since INTEGER NOT NULL, until INTEGER NOT NULL, said TEXT NOT NULL, doc TEXT NOT NULL
  ) STRICT;
  CREATE INDEX readings_since ON readings (partition, since);

  -- Each event of AWS Health that came by the health queue, in its last form: a queue tells changes, not how things stand.
  CREATE TABLE queue_events (arn TEXT PRIMARY KEY, doc TEXT NOT NULL) STRICT, WITHOUT ROWID;

  CREATE TABLE probe_names (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;

  -- Runs of no incident, until they are summed up. result: 0 ok, 1 failed, 2 inconclusive. request_id: the sixteen bytes of a UUID,
  -- else text. doc: only where it says more than "ok".
  CREATE TABLE runs (
    probe INTEGER NOT NULL REFERENCES probe_names (id), at INTEGER NOT NULL, ms INTEGER NOT NULL, result INTEGER NOT NULL,
    tries INTEGER NOT NULL, request_id ANY, doc TEXT, PRIMARY KEY (probe, at)
  ) STRICT, WITHOUT ROWID;
  -- Runs that are evidence of an incident: kept for ever.
  CREATE TABLE incident_runs (
    probe INTEGER NOT NULL REFERENCES probe_names (id), at INTEGER NOT NULL, ms INTEGER NOT NULL, result INTEGER NOT NULL,
    incident TEXT NOT NULL, doc TEXT NOT NULL, PRIMARY KEY (probe, at)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX incident_runs_incident ON incident_runs (incident, at);

  CREATE TABLE hours (
    probe INTEGER NOT NULL REFERENCES probe_names (id), hour INTEGER NOT NULL,
    ok INTEGER NOT NULL, failed INTEGER NOT NULL, inconclusive INTEGER NOT NULL, sum_ms INTEGER NOT NULL, max_ms INTEGER NOT NULL,
    PRIMARY KEY (probe, hour)
  ) STRICT, WITHOUT ROWID;
  `,
]

/** The version that the file stands at: 0 for one that holds nothing yet. */
export function versionOf(db: DatabaseSync): number {
  return Number(Object.values(db.prepare('PRAGMA user_version').get() ?? {})[0] ?? 0)
}

/**
 * Says whether the file is ours and can be understood.
 * @throws {StoreError} fatal: another program's database, or one that a newer Alibi has written
 */
export function checkOwner(db: DatabaseSync, path: string, migrations: readonly string[] = MIGRATIONS): number {
  const version = versionOf(db)
  const application = Number(Object.values(db.prepare('PRAGMA application_id').get() ?? {})[0] ?? 0)
  const tables = Number(db.prepare('SELECT count(*) AS n FROM sqlite_schema').get()?.['n'] ?? 0)
  if (application !== APPLICATION_ID && (application !== 0 || version !== 0 || tables > 0)) {
    throw new StoreError(`${path} is the database of another program: set storage.path to a file of Alibi's own`, { fatal: true })
  }
  if (version > migrations.length) {
    throw new StoreError(
      `${path} was written by a newer Alibi (schema ${version}, this one knows up to ${migrations.length}): install that version again, or set storage.path to another file`,
      { fatal: true },
    )
  }
  const planted = plantedIn(db, migrations)
  if (planted !== null)
    throw new StoreError(`${path} holds ${planted}, which Alibi has not put there: restore a backup`, { fatal: true })
  return version
}

/**
 * A view, a trigger or a virtual table that no migration made: in the place of a table it could answer for ever, and what it does
 * is not in our hands. `null` where there is none. Tables and indexes do nothing by themselves.
 */
function plantedIn(db: DatabaseSync, migrations: readonly string[]): string | null {
  const plain = (sql: unknown) => String(sql).replace(/\s+/g, ' ')
  const made = plain(migrations.join('\n'))
  const rows = db
    .prepare("SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'")
    .all()
  for (const { type, name, sql } of rows) {
    const acts = type === 'view' || type === 'trigger' || /^CREATE VIRTUAL /i.test(plain(sql))
    if (acts && !(type === 'trigger' && made.includes(plain(sql)))) return `the ${String(type)} \`${String(name).slice(0, 100)}\``
  }
  return null
}

/**
 * Brings the database to the newest version: each step and its number in one transaction, so that a process which dies in
 * between finds the database as it was before the step.
 */
export function migrate(db: DatabaseSync, path: string, migrations: readonly string[] = MIGRATIONS): void {
  for (let version = checkOwner(db, path, migrations); version < migrations.length; version++) {
    db.exec('BEGIN IMMEDIATE')
    try {
      db.exec(migrations[version] ?? '')
      db.exec(`PRAGMA application_id = ${APPLICATION_ID}`)
      db.exec(`PRAGMA user_version = ${version + 1}`)
      db.exec('COMMIT')
    } catch (cause) {
      if (db.isTransaction) db.exec('ROLLBACK')
      throw cause
    }
  }
}
