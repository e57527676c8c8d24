"""Days on which members checked in."""
