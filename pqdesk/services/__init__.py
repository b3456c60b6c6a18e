"""What the window, the commands and the library share, above queues and supervision, which do not know each other."""
