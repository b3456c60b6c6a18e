"""The commands: one file per group, each imported only when it is called. Knows nothing of Qt."""
