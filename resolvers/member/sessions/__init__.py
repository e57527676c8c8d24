"""Sessions: signing in and out, refreshing, SMS codes, binding a phone."""
