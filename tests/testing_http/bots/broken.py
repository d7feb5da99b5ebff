"""A script that fails before it becomes a bot."""

raise ValueError("no such setting")
