"""Durable conversations: handlers that go on after a restart. Start with ``journal``, then ``run``.

Nothing is imported here, as the modules that ask need one of these modules, and the others need those.
"""
