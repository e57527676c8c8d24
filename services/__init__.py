"""Use cases: one transaction each. They take the outside world as ports, declared beside their use."""
