"""Engines that keep messages: one contract, one folder per engine."""
