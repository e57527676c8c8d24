"""What points buy."""
