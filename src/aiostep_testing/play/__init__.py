"""Play with a bot on this machine: run its script against the emulator and talk to it, by hand or from a story."""
