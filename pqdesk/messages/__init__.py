"""What a message is: states, records, payloads, backoff. Nothing here does I/O."""
