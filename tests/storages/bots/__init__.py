"""Bots that tests run in processes of their own, and kill: `-m tests.storages.bots.NAME API_URL STORAGE_URL [mortal]`."""
