"""Flash sales: sessions, their items, and tickets on their way to an order."""
