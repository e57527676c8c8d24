"""WeChat: sign-in, phone numbers, codes, text checks and payments."""
