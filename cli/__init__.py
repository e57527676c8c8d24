"""The `mall` command: it parses, calls and prints."""
