"""Bots that tests run in other processes and kill: `-m tests.durable.bots.NAME API_URL STORAGE_URL [mortal]`."""
