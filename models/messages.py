"""What members are told in the mall's inbox."""
