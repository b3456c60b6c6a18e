"""A workspace's supervisord: starting it, asking it, and what its answers mean."""
