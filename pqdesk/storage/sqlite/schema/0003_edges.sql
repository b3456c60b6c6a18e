-- Where failed messages go, queues that were removed, and keys that stay taken for a while.
ALTER TABLE pqdesk_queue ADD COLUMN failed_to TEXT;               -- the queue for messages that failed; NULL: they stay
ALTER TABLE pqdesk_queue ADD COLUMN is_removed INTEGER NOT NULL DEFAULT 0;  -- not shown while it has no messages

-- Keys that were put with unique_for: taken until then, whatever becomes of their message.
CREATE TABLE pqdesk_unique (
  queue_id INTEGER NOT NULL, key TEXT NOT NULL, until_us INTEGER NOT NULL, message_id INTEGER NOT NULL,
  PRIMARY KEY (queue_id, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX pqdesk_unique_until ON pqdesk_unique (until_us);
