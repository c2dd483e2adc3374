"""What a user would write instead, with an environment of its own; nothing of ours is imported here."""
