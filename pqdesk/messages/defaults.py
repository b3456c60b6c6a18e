"""What holds where neither put() nor configure() nor a handler says anything. Times in seconds."""

DEFAULT_MAX_ATTEMPTS = 5
DEFAULT_LEASE_S = 60.0
DEFAULT_MAX_DEATHS = 3
DEFAULT_KEEP_COMPLETED_S = 7 * 86_400.0
DEFAULT_KEEP_TRASH_S = 7 * 86_400.0
