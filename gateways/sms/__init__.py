"""Carriers of SMS codes: the simulator's page in development, the brand's own sender in life."""
