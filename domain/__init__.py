"""Pure rules and value types: no I/O, no clock, no settings; the standard library alone."""
