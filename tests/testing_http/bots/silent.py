"""A script that never calls the Bot API."""

import time

time.sleep(60)
