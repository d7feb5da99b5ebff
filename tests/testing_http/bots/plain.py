"""A bot without a framework: it finds the emulator by the environment variable, as a script with its own URL would."""

import json
import os
import sys
import threading
import urllib.request

URL = f"{os.environ['AIOSTEP_BOT_API']}/bot{os.environ['BOT_TOKEN']}/"
KEYS = {"inline_keyboard": [[{"text": "Save", "callback_data": "s"}, {"text": "Help", "url": "https://example.com"}]]}


def call(method, **params):
    body = json.dumps(params).encode()
    request = urllib.request.Request(URL + method, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)["result"]


def handle(update):
    if query := update.get("callback_query"):
        call("answerCallbackQuery", callback_query_id=query["id"], text="Saved!")
        place = query["message"]["chat"]["id"], query["message"]["message_id"]
        call("editMessageText", chat_id=place[0], message_id=place[1], text="All set")
        return
    chat, text = update["message"]["chat"]["id"], update["message"].get("text", "")
    if text == "/crash":
        raise RuntimeError("as you wish")
    if text == "/leave":
        sys.exit(int(sys.argv[1]) if sys.argv[1:] else 0)
    if text == "/menu":
        call("sendMessage", chat_id=chat, text="menu", reply_markup=KEYS)
    elif text == "/keys":
        keyboard = {"keyboard": [["Yes"], [{"text": "No"}]]}
        call("sendMessage", chat_id=chat, text="Well?", reply_markup=keyboard)
    elif text == "/stdin":
        call(
            "sendMessage",
            chat_id=chat,
            text=f"stdin: {sys.stdin.read()!r}, main: {__name__}, {threading.active_count()}",
        )
    elif text != "/silent":
        print("handling", text)
        call("sendMessage", chat_id=chat, text=f"echo:{text}")


def main():
    offset = 0
    while True:
        for update in call("getUpdates", offset=offset, timeout=20):
            offset = update["update_id"] + 1
            handle(update)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
