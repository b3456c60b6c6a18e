"""The queue as programs use it: Queue, Message, and waiting for messages."""
