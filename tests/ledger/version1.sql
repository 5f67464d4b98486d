-- A ledger as version 1 wrote it, with one reader whose second operation was left open. Never to be changed.
CREATE TABLE pullgrant_schema (version INTEGER PRIMARY KEY, applied_at TEXT NOT NULL);
CREATE TABLE pullgrant_meta (one INTEGER PRIMARY KEY CHECK (one = 1), id TEXT NOT NULL, fingerprint_key BLOB NOT NULL);
CREATE TABLE pullgrant_operations (
  position INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, reader_id TEXT NOT NULL, verb TEXT NOT NULL,
  opened_at TEXT NOT NULL, intent TEXT NOT NULL, closed TEXT, closed_at TEXT
);
CREATE INDEX pullgrant_operations_of_reader ON pullgrant_operations (reader_id, position);
CREATE INDEX pullgrant_operations_open ON pullgrant_operations (position) WHERE closed IS NULL;
CREATE TABLE pullgrant_events (
  operation TEXT NOT NULL REFERENCES pullgrant_operations (id), seq INTEGER NOT NULL, at TEXT NOT NULL, kind TEXT NOT NULL,
  body TEXT NOT NULL, PRIMARY KEY (operation, seq)
);
INSERT INTO pullgrant_schema VALUES (1, '2030-01-02T12:00:00.000000+00:00');
INSERT INTO pullgrant_meta VALUES (1, 'abcdef012345', x'000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f');
INSERT INTO pullgrant_operations (id, reader_id, verb, opened_at, intent, closed, closed_at) VALUES
  ('00000000000000a1', 'gcp:p/docker-reader', 'apply', '2030-01-02T12:00:00.345678+00:00',
   '{"verb":"apply","reader":{"provider":"gcp","account":"p","name":"docker-reader","host":"gcr.io"}}',
   'current', '2030-01-02T12:05:00.000000+00:00'),
  ('00000000000000a2', 'gcp:p/docker-reader', 'rotate', '2030-02-02T12:00:00.000000+00:00',
   '{"verb":"rotate","reader":{"provider":"gcp","account":"p","name":"docker-reader","host":"gcr.io"},"keys_before":["k1"]}',
   NULL, NULL);
INSERT INTO pullgrant_events VALUES
  ('00000000000000a1', 1, '2030-01-02T12:01:00.000000+00:00', 'Issuing', '{}'),
  ('00000000000000a1', 2, '2030-01-02T12:02:00.000000+00:00', 'KeyIssued',
   '{"key":{"id":"k1","created_at":"2030-01-02T12:02:00Z"},"fingerprint":"00ff00ff00ff00ff"}');
