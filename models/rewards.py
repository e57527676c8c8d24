"""What points buy, and who bought it."""
