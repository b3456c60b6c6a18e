"""What workers and supervisord write: reading, following, and what it says."""
