"""The worker: jobs that a transaction enqueued, and sweeps over due work."""
