"""The outside world: WeChat, Redis, SMS, storage. Nothing foreign leaves these packages."""
