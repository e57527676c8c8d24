"""What an order would cost, and why."""
