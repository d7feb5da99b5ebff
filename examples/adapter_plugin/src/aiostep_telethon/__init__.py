"""Conversations in Telethon.

::

    import aiostep

    aiostep.install(client)

and in handlers the functions of ``aiostep``: ``ask``, ``wait_for``, ``register_next_step`` and the others. Messages
come as ``events.NewMessage.Event``, clicks as ``events.CallbackQuery.Event``, what happens to a chat as
``events.ChatAction.Event`` (``kinds="chat_action"``), and any other update as Telethon's own object, by its name
(``kinds="UpdateMessagePollVote"``).
"""
