"""Redis: connections, the stock gate, rate limits and the store of WeChat tokens."""
