"""Use cases: one transaction each. The outside world comes as ports, declared beside their use."""
