-- Where failed messages go, queues that were removed, keys that stay taken for a while, and messages that wait for the
-- end of the one that has their key: those are in line 3, and have no open_key until then.
ALTER TABLE pqdesk_queue ADD COLUMN failed_to TEXT;               -- the queue for messages that failed; NULL: they stay
ALTER TABLE pqdesk_queue ADD COLUMN is_removed INTEGER NOT NULL DEFAULT 0;  -- not shown while it has no messages

-- Keys that were put with unique_for: taken until then, whatever becomes of their message.
CREATE TABLE pqdesk_unique (
  queue_id INTEGER NOT NULL, key TEXT NOT NULL, until_us INTEGER NOT NULL, message_id INTEGER NOT NULL,
  PRIMARY KEY (queue_id, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX pqdesk_unique_until ON pqdesk_unique (until_us);

CREATE INDEX pqdesk_after ON pqdesk_message (queue_id, key) WHERE line = 3;

CREATE INDEX pqdesk_undo_message ON pqdesk_undo (message_id);     -- what people did to one message
