"""The bot about itself: getMe, commands, names and descriptions."""

from __future__ import annotations

from aiostep_testing.methods.request import Request, method
from aiostep_testing.wire import Json, bad_request

TEXTS = {
    "Name": ("name", 64),
    "Description": ("description", 512),
    "ShortDescription": ("short_description", 120),
}


@method("getMe")
def get_me(request: Request) -> Json:
    return request.bot.user


@method("logOut", "close")
def leave_server(request: Request) -> bool:
    return True


def scope_key(request: Request, what: str) -> str:
    """Name the setting; commands differ by scope and language, texts by language."""
    scope: Json = request.get("scope") or {"type": "default"}
    return f"{what}:{sorted(scope.items())}:{request.get('language_code') or ''}"


@method("setMyCommands")
def set_my_commands(request: Request) -> bool:
    for command in request.params["commands"]:
        name = command["command"].removeprefix("/")
        if not (1 <= len(name) <= 32 and name.replace("_", "a").isalnum() and name == name.lower()):
            raise bad_request("BOT_COMMAND_INVALID")
    request.bot.settings[scope_key(request, "commands")] = [
        command | {"command": command["command"].removeprefix("/")} for command in request.params["commands"]
    ]
    return True


@method("getMyCommands")
def get_my_commands(request: Request) -> list[Json]:
    commands: list[Json] = request.bot.settings.get(scope_key(request, "commands"), [])
    return commands


@method("deleteMyCommands")
def delete_my_commands(request: Request) -> bool:
    request.bot.settings.pop(scope_key(request, "commands"), None)
    return True


@method("setMyName", "setMyDescription", "setMyShortDescription")
def set_my_text(request: Request) -> bool:
    what = request.name.removeprefix("setMy")
    name, limit = TEXTS[what]
    text = request.get(name) or ""
    if len(text) > limit:
        raise bad_request(f"bot {name.replace('_', ' ')} is too long")
    request.bot.settings[scope_key(request, what)] = text
    return True


@method("getMyName", "getMyDescription", "getMyShortDescription")
def get_my_text(request: Request) -> Json:
    what = request.name.removeprefix("getMy")
    default = request.bot.user["first_name"] if what == "Name" else ""
    return {TEXTS[what][0]: request.bot.settings.get(scope_key(request, what), default)}
