"""What every area of the API shares: scalars, errors, pages, ids, the context."""
