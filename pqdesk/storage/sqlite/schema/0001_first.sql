-- The first schema. States: messages/states.py; a trashed message has its state negated, so that no other index
-- sees it. line: 0 no group (or final), 1 head of its group's line, 2 waiting behind it.
-- Columns that are set later have a fixed size from the start, so that SQLite overwrites in place.
CREATE TABLE pqdesk_meta (name TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE pqdesk_queue (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  is_paused INTEGER NOT NULL DEFAULT 0,
  wake_us INTEGER,                        -- wall time of the next promotion or expiry
  scheduled INTEGER NOT NULL DEFAULT 0,
  ready INTEGER NOT NULL DEFAULT 0,
  running INTEGER NOT NULL DEFAULT 0,
  retrying INTEGER NOT NULL DEFAULT 0,
  completed INTEGER NOT NULL DEFAULT 0,
  failed INTEGER NOT NULL DEFAULT 0,
  cancelled INTEGER NOT NULL DEFAULT 0,
  blocked INTEGER NOT NULL DEFAULT 0,     -- ready, but behind the head of its group
  max_attempts INTEGER,                   -- NULL here and below: the default
  lease_us INTEGER,
  timeout_us INTEGER,
  backoff TEXT,
  max_deaths INTEGER,
  keep_completed_us INTEGER,
  keep_failed_us INTEGER
) STRICT;

CREATE TABLE pqdesk_type (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;

CREATE TABLE pqdesk_message (
  id INTEGER PRIMARY KEY,                 -- never used twice: prune leaves the highest one
  queue_id INTEGER NOT NULL,
  state INTEGER NOT NULL,
  line INTEGER NOT NULL DEFAULT 0,
  priority INTEGER NOT NULL DEFAULT 0,
  attempt INTEGER NOT NULL DEFAULT 0,
  forgiven INTEGER NOT NULL DEFAULT 0,    -- attempts made before the last retry by a person
  deaths INTEGER NOT NULL DEFAULT 0,      -- of its process, within this boot
  max_attempts INTEGER,
  type_id INTEGER,
  enqueued_us INTEGER NOT NULL,
  due_us INTEGER NOT NULL,
  expires_us INTEGER,
  owner_id INTEGER NOT NULL DEFAULT 0,
  receipt INTEGER NOT NULL DEFAULT 0,
  lease_ends_ms INTEGER NOT NULL DEFAULT 0, -- awake time of the owner's boot
  started_us INTEGER NOT NULL DEFAULT 0,
  finished_us INTEGER NOT NULL DEFAULT 0,
  trashed_us INTEGER,
  cancel_requested INTEGER NOT NULL DEFAULT 0,
  progress REAL,
  progress_note TEXT,
  "group" TEXT,
  key TEXT,
  open_key TEXT,                          -- the key until the message is final
  headers TEXT,
  payload_kind INTEGER NOT NULL,
  checksum INTEGER NOT NULL,
  payload BLOB                            -- NULL: in pqdesk_payload
) STRICT;

CREATE TABLE pqdesk_payload (id INTEGER PRIMARY KEY, payload BLOB NOT NULL) STRICT;
CREATE TABLE pqdesk_result (id INTEGER PRIMARY KEY, kind INTEGER NOT NULL, result BLOB NOT NULL) STRICT;

-- Ended attempts but the completed ones, which the message's own row tells.
CREATE TABLE pqdesk_attempt (
  message_id INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  owner_id INTEGER NOT NULL,
  started_us INTEGER NOT NULL,
  ended_us INTEGER NOT NULL,
  outcome INTEGER NOT NULL,
  error TEXT,
  PRIMARY KEY (message_id, attempt)
) STRICT, WITHOUT ROWID;

-- Processes that claim; a row stays while messages or attempts name it.
CREATE TABLE pqdesk_owner (
  id INTEGER PRIMARY KEY,
  token TEXT NOT NULL UNIQUE,             -- its lock file in run/owners; `detached-BOOT`: no process
  pid INTEGER NOT NULL,
  boot TEXT NOT NULL,
  name TEXT NOT NULL,
  started_us INTEGER NOT NULL,
  ended_us INTEGER
) STRICT;

CREATE TABLE pqdesk_mark (mark TEXT PRIMARY KEY, message_id INTEGER NOT NULL, put_us INTEGER NOT NULL) STRICT, WITHOUT ROWID;

CREATE INDEX pqdesk_claimable ON pqdesk_message (queue_id, priority DESC, id) WHERE state = 2 AND line < 2;
CREATE INDEX pqdesk_due ON pqdesk_message (queue_id, due_us) WHERE state IN (1, 4);
CREATE INDEX pqdesk_running ON pqdesk_message (owner_id, lease_ends_ms) WHERE state = 3;
CREATE INDEX pqdesk_final ON pqdesk_message (queue_id, state, finished_us) WHERE state >= 5;
CREATE INDEX pqdesk_expiring ON pqdesk_message (queue_id, expires_us) WHERE expires_us IS NOT NULL AND state IN (1, 2, 4);
CREATE UNIQUE INDEX pqdesk_open_key ON pqdesk_message (queue_id, open_key) WHERE open_key IS NOT NULL;
CREATE UNIQUE INDEX pqdesk_group_head ON pqdesk_message (queue_id, "group") WHERE line = 1;
CREATE INDEX pqdesk_group_wait ON pqdesk_message (queue_id, "group", id) WHERE line = 2;
CREATE INDEX pqdesk_trash ON pqdesk_message (trashed_us) WHERE trashed_us IS NOT NULL;
CREATE INDEX pqdesk_owner_alive ON pqdesk_owner (boot) WHERE ended_us IS NULL;
