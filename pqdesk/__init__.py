"""PQDesk: durable background work on one machine."""
