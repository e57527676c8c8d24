"""What posters' QR codes mean."""
