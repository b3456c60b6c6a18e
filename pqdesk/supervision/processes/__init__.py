"""Workers' processes: starting, stopping, changing and ending them, and what they leave behind."""
