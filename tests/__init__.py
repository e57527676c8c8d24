"""The tests. `make test` runs them; they bring their own servers and never leave this machine."""
