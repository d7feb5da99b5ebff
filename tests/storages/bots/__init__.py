"""Bots that tests run in other processes and kill: `-m tests.storages.bots.NAME API_URL STORAGE_URL [mortal]`."""
