"""The work loops: consumers, producers, their handlers and commands, and how a worker process ends."""
