"""What people press and choose: buttons, reactions, polls, inline results."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from aiostep_testing.accounts import BotAccount, public_user
from aiostep_testing.chats import Chat, Place, PrivateChat
from aiostep_testing.content import message_content
from aiostep_testing.groups import SharedChat
from aiostep_testing.waiting import Click, InlineQuery
from aiostep_testing.wire import Json
from aiostep_testing.writing import Writing


class Pressing(Writing):
    """The part of a Person that presses and chooses."""

    def click(self, button: str, *, on: Json | None = None, in_: Place = None) -> Click:
        """Press the inline button with this text or callback_data, on the newest message that has it.

        The result can be awaited for what the bot answers: ``(await alice.click("Save")).get("text")``.

        Raises:
            AssertionError: there is no such button.
        """
        chat, thread = (self.chat_of(on), None) if on else self.place(in_)
        message, found = find_button(chat, button, on, thread)
        inline_id = next((k for k, (_, c, m) in self.world.inline_messages.items() if c is chat and m is message), None)
        bot = self._owner(chat, message, inline_id)
        query_id = str(10**17 + self.world.number())
        click = self.world.clicks[query_id] = Click(query_id, bot, chat, message, found)
        query: Json = {
            "id": query_id,
            "from": self.user,
            "chat_instance": str(chat.id),
            "data": found["callback_data"],
        }
        if inline_id:
            query["inline_message_id"] = inline_id
        elif message["message_id"] in chat.messages:
            query["message"] = message
        else:
            query["message"] = {"chat": chat.info, "message_id": message["message_id"], "date": 0}
        self.world.push("callback_query", query, to=[bot])
        return click

    def _owner(self, chat: Chat, message: Json, inline_id: str | None) -> BotAccount:
        """Find the bot a button belongs to."""
        if inline_id:
            return self.world.inline_messages[inline_id][0]
        if isinstance(chat, PrivateChat):
            return chat.bot
        sender: Json = message.get("sender_business_bot") or message.get("from") or {}
        author = sender.get("id")
        owners = [bot for bot in self.world.bots.values() if bot.id == author]
        return owners[0] if owners else chat.audience(message)[0]

    def press(self, button: str, *, in_: Place = None) -> Json:
        """Press a button of the reply keyboard.

        Raises:
            AssertionError: the keyboard does not show it.
        """
        chat, _ = self.place(in_)
        rows: Sequence[Sequence[Json | str]] = (chat.keyboard or {}).get("keyboard", ())
        buttons: list[Json] = [b if isinstance(b, dict) else {"text": b} for row in rows for b in row]
        found = next((b for b in buttons if b["text"] == button), None)
        if found is None:
            raise AssertionError(f"no button {button!r} in {chat!r}; shown: {[b['text'] for b in buttons]}")
        if found.get("request_contact"):
            return self.contact(to=in_)
        if found.get("request_location"):
            return self.location(to=in_)
        return self.send(button, to=in_)

    def react(self, message: Json, *emoji: str) -> None:
        """Set this person's reactions; only bots that are administrators and asked for the kind are told."""
        chat = self.chat_of(message)
        key = (chat.id, message["message_id"], self.id)
        old = self.world.reactions.get(key, [])
        new = self.world.reactions[key] = [{"type": "emoji", "emoji": e} for e in emoji]
        change = {
            "chat": chat.info,
            "message_id": message["message_id"],
            "date": int(self.world.clock.time()),
        }
        change |= self.actor() | {"old_reaction": old, "new_reaction": new}
        told = chat.admin_bots() if isinstance(chat, SharedChat) else chat.audience(message)
        self.world.push("message_reaction", change, to=told)

    def actor(self) -> Json:
        """Say who reacts or votes."""
        return {"user": self.user}

    def vote(self, message: Json, *options: int) -> None:
        """Vote in a poll; no options take the vote back. Anonymous polls only tell the bot the counts."""
        bot, _, live = self.world.polls[message["poll"]["id"]]
        poll: Json = live["poll"]
        votes: dict[int, tuple[int, ...]] = self.world.votes.setdefault(poll["id"], {})
        votes[self.id] = options
        for index, choice in enumerate(poll["options"]):
            choice["voter_count"] = sum(index in chosen for chosen in votes.values())
        poll["total_voter_count"] = sum(bool(chosen) for chosen in votes.values())
        if not poll["is_anonymous"]:
            answer = {"poll_id": poll["id"], "option_ids": list(options), "user": self.user}
            answer["option_persistent_ids"] = [poll["options"][i]["persistent_id"] for i in options]
            self.world.push("poll_answer", answer, to=[bot])
        self.world.push("poll", poll, to=[bot])

    def query(self, text: str, *, bot: BotAccount | None = None) -> InlineQuery:
        """Type an inline query; await the result for the bot's answer."""
        account = bot or self.world.default_bot()
        query_id = str(10**17 + self.world.number())
        query = self.world.inline_queries[query_id] = InlineQuery(query_id, account, text)
        self.world.push("inline_query", {"id": query_id, "from": self.user, "query": text, "offset": ""}, to=[account])
        return query

    def choose(self, result: Json, *, to: Place = None, query: str = "", bot: BotAccount | None = None) -> Json:
        """Send an inline result to a chat; without *to* to one where the bot is not.

        Buttons of the message then come to the bot with inline_message_id and without a message.
        """
        account = bot or self.world.default_bot()
        chat, thread = self.place(to) if to is not None else (self.world.elsewhere(self), None)
        made: Json = result.get("input_message_content") or {}
        text: str = made.get("message_text") or result.get("title") or ""
        content: Json = message_content(self.world.files, text, {}) | {"via_bot": public_user(account.user)}
        chosen: Json = {"result_id": result["id"], "from": self.user, "query": query}
        if markup := result.get("reply_markup"):
            content["reply_markup"] = markup
            chosen["inline_message_id"] = f"inline{self.world.number()}"
        message = self._post(chat, content, thread, None)
        if markup:
            self.world.inline_messages[chosen["inline_message_id"]] = (account, chat, message)
        self.world.push("chosen_inline_result", chosen, to=[account])
        return message


def find_button(chat: Chat, button: str, on: Json | None, thread: int | None) -> tuple[Json, Json]:
    """Find the newest message with this button.

    Raises:
        AssertionError: there is none; names those there are.
    """
    messages: Iterable[Json] = reversed(chat.messages.values())
    if on is not None:
        number = on["message_id"]
        # Last, as it was seen: a thumb is on its way while the bot takes the button away.
        messages = [chat.messages.get(number) or chat.hidden.get(number) or on, on]
    shown: list[str] = []
    for message in messages:
        if thread is not None and message.get("message_thread_id") != thread:
            continue
        for row in message.get("reply_markup", {}).get("inline_keyboard", ()):
            for item in row:
                if "callback_data" in item and button in (item["text"], item["callback_data"]):
                    return message, item
                shown.append(item["text"])
    raise AssertionError(f"no button {button!r} in {chat!r}; there are: {shown}")
