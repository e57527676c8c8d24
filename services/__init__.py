"""Use cases: one transaction each; the outside world comes as ports, declared beside their use."""
