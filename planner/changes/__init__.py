"""What could be done to a pool: changes as people write them, and the pool as it would be afterwards."""
