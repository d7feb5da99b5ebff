"""Try and test Telegram bots without Telegram: a Bot API world, scripted people, faults and transports."""

from __future__ import annotations

from aiostep_testing.accounts import BotAccount as BotAccount
from aiostep_testing.accounts import Webhook as Webhook
from aiostep_testing.chats import Business as Business
from aiostep_testing.chats import Chat as Chat
from aiostep_testing.chats import Event as Event
from aiostep_testing.clock import Clock as Clock
from aiostep_testing.clock import ManualClock as ManualClock
from aiostep_testing.clock import RealClock as RealClock
from aiostep_testing.faults import Fault as Fault
from aiostep_testing.faults import FaultPlan as FaultPlan
from aiostep_testing.groups import Channel as Channel
from aiostep_testing.groups import Group as Group
from aiostep_testing.groups import Topic as Topic
from aiostep_testing.people import Person as Person
from aiostep_testing.server import Server as Server
from aiostep_testing.server import serve as serve
from aiostep_testing.waiting import Click as Click
from aiostep_testing.webhook import WebhookSender as WebhookSender
from aiostep_testing.wire import ApiError as ApiError
from aiostep_testing.wire import Call as Call
from aiostep_testing.wire import Dropped as Dropped
from aiostep_testing.wire import File as File
from aiostep_testing.wire import Reply as Reply
from aiostep_testing.world import World as World

__all__ = [
    "ApiError",
    "BotAccount",
    "Business",
    "Call",
    "Channel",
    "Chat",
    "Click",
    "Clock",
    "Dropped",
    "Event",
    "Fault",
    "FaultPlan",
    "File",
    "Group",
    "ManualClock",
    "Person",
    "RealClock",
    "Reply",
    "Server",
    "Topic",
    "Webhook",
    "WebhookSender",
    "World",
    "serve",
]
