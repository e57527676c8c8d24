"""The brand: its name, its rules, and the server's clock."""
