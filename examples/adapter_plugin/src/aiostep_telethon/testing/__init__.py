"""A Telegram for Telethon bots: a server of MTProto in front of a ``World``, and the harness for the contract.

Nothing of Telethon is replaced but the socket: its sender encrypts and packs every request, and unpacks, orders and
parses every answer and update. Each module does one part::

    line.py      what is in place of the socket: messages of MTProto, encrypted with the key of the session
    server.py    which request is which call of the world, and the numbers that updates have
    entities.py  from the world's JSON to Telethon's objects
    harness.py   what the contract needs
"""

from __future__ import annotations

from .server import Server, make_client

__all__ = ["Server", "make_client"]
