"""Members: the signed-in person, as they see themselves."""
