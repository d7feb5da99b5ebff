"""Play with a bot on this machine: its own script against the emulator, and you or a story as the people."""
