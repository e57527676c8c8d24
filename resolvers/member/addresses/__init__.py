"""Members' shipping addresses."""
