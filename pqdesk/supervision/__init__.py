"""Workers kept alive by supervisord: their definitions, the daemon, its XML-RPC, their logs."""
