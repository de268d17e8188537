"""What the two Channels servers have in common: a message, JWTs, settings, people."""
