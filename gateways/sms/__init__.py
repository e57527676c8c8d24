"""Senders of SMS codes. Each has `send_code(phone, code)` and raises `SmsUnavailable`."""
