-- Limits, errors by fingerprint, metrics, activity and undo, payload versions, schedules, and putting by plain SQL.
ALTER TABLE pqdesk_queue ADD COLUMN concurrency INTEGER;          -- running at once, everywhere; NULL: no limit
ALTER TABLE pqdesk_queue ADD COLUMN group_concurrency INTEGER;    -- running at once of one group; NULL: 1
ALTER TABLE pqdesk_queue ADD COLUMN rate_count INTEGER;           -- so many claims …
ALTER TABLE pqdesk_queue ADD COLUMN rate_us INTEGER;              -- … within any so long a time
ALTER TABLE pqdesk_queue ADD COLUMN rate_claims INTEGER NOT NULL DEFAULT 0;  -- so far: the next slot of the ring
ALTER TABLE pqdesk_queue ADD COLUMN max_size INTEGER;             -- unfinished messages

ALTER TABLE pqdesk_message ADD COLUMN error_id INTEGER;           -- of the newest failed attempt
ALTER TABLE pqdesk_message ADD COLUMN copy_of INTEGER;            -- the message that it was duplicated from

-- The wall times of the last rate_count claims of a queue, a ring.
CREATE TABLE pqdesk_rate (
  queue_id INTEGER NOT NULL, slot INTEGER NOT NULL, at_us INTEGER NOT NULL, PRIMARY KEY (queue_id, slot)
) STRICT, WITHOUT ROWID;

-- Errors that are the same but for numbers, ids and paths (messages/fingerprints.py).
CREATE TABLE pqdesk_error (
  id INTEGER PRIMARY KEY,
  queue_id INTEGER NOT NULL,
  fingerprint INTEGER NOT NULL,
  type TEXT NOT NULL,
  message TEXT NOT NULL,
  first_us INTEGER NOT NULL,
  last_us INTEGER NOT NULL,
  count INTEGER NOT NULL,
  UNIQUE (queue_id, fingerprint)
) STRICT;

-- What happened per minute (later per hour, see span_s), of each queue and type; outlives the messages. kind and
-- bucket: storage/sqlite/metrics.py. type_id 0: without a type.
CREATE TABLE pqdesk_metric (
  start_s INTEGER NOT NULL,
  queue_id INTEGER NOT NULL,
  type_id INTEGER NOT NULL,
  kind INTEGER NOT NULL,
  bucket INTEGER NOT NULL,
  span_s INTEGER NOT NULL,
  count INTEGER NOT NULL,
  PRIMARY KEY (start_s, queue_id, type_id, kind, bucket)
) STRICT, WITHOUT ROWID;

-- What people did, and what is needed to undo it.
CREATE TABLE pqdesk_activity (
  id INTEGER PRIMARY KEY,
  at_us INTEGER NOT NULL,
  actor TEXT NOT NULL,
  action TEXT NOT NULL,
  command TEXT NOT NULL,                  -- the command line that does the same
  queue TEXT,
  done INTEGER NOT NULL DEFAULT 0,
  skipped INTEGER NOT NULL DEFAULT 0,
  before TEXT,                            -- JSON: what is not about single messages
  undone_by INTEGER                       -- the activity that undid it
) STRICT;
CREATE TABLE pqdesk_undo (
  activity_id INTEGER NOT NULL, message_id INTEGER NOT NULL, before TEXT NOT NULL, PRIMARY KEY (activity_id, message_id)
) STRICT, WITHOUT ROWID;

-- Payloads that were edited, as they were before.
CREATE TABLE pqdesk_version (
  message_id INTEGER NOT NULL,
  version INTEGER NOT NULL,
  replaced_us INTEGER NOT NULL,
  activity_id INTEGER,
  payload_kind INTEGER NOT NULL,
  checksum INTEGER NOT NULL,
  payload BLOB NOT NULL,
  PRIMARY KEY (message_id, version)
) STRICT;

CREATE TABLE pqdesk_schedule (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  queue TEXT NOT NULL,
  type TEXT,
  priority INTEGER NOT NULL DEFAULT 0,
  "group" TEXT,
  key TEXT,
  max_attempts INTEGER,
  headers TEXT,
  payload_kind INTEGER NOT NULL,
  payload BLOB NOT NULL,
  every_us INTEGER,                       -- this or cron
  cron TEXT,
  timezone TEXT,                          -- NULL: the machine's
  missed TEXT NOT NULL,                   -- skip, once or all
  is_enabled INTEGER NOT NULL DEFAULT 1,
  created_us INTEGER NOT NULL,
  next_us INTEGER,                        -- NULL: never again, or not enabled
  last_us INTEGER,                        -- the due time of the last run
  last_message_id INTEGER,
  skipped INTEGER NOT NULL DEFAULT 0      -- due times passed over since it was made
) STRICT;

-- Messages put by plain SQL, in any program's own transaction. Taken in within a second; one that cannot be
-- is kept here with the reason. Not STRICT: whatever a program writes is judged by us, not by its driver.
CREATE TABLE pqdesk_put (
  id INTEGER PRIMARY KEY,
  queue TEXT NOT NULL,
  payload,                                -- TEXT is JSON, BLOB is bytes
  type TEXT,
  priority INTEGER,
  delay REAL,                             -- seconds
  key TEXT,
  "group" TEXT,
  headers TEXT,                           -- a JSON object
  refused TEXT
);

DROP INDEX pqdesk_group_head;
CREATE INDEX pqdesk_group_head ON pqdesk_message (queue_id, "group") WHERE line = 1;
CREATE INDEX pqdesk_error_of ON pqdesk_message (error_id) WHERE error_id IS NOT NULL;
CREATE INDEX pqdesk_schedule_next ON pqdesk_schedule (next_us) WHERE next_us IS NOT NULL;
CREATE INDEX pqdesk_put_new ON pqdesk_put (id) WHERE refused IS NULL;
