"""``conversation()`` and ``stream()`` in a durable conversation: what arrives is kept for the waits inside.

Whatever a block does outside of the code that is replayed is an effect: where it is (``Machine.blocks``) is known
again after a replay, and when it began is in the journal.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from ..context import Talk, current_talk
from ..waits import Conversation
from .effects import BLOCK
from .journal import current_flow

if TYPE_CHECKING:
    from ..setting import Setting
    from .run import Run

__all__ = ["block_kept"]


@asynccontextmanager
async def block_kept(
    setting: Setting, timeout: float | None, on_conflict: str, kinds: frozenset[str] = frozenset()
) -> AsyncGenerator[Conversation, None]:
    """Hold a conversation, as ``aiostep.conversation`` does, in the current durable conversation.

    Args:
        kinds: of updates that are kept besides messages.
    """
    flow, place = current_flow.get(), setting.aim.place
    assert flow is not None

    async def begin(run: Run) -> float:
        conversation = setting.conversation(on_conflict)
        conversation.kinds |= kinds
        run.watch(conversation)
        await run.hold_place(place)
        return run.wall()

    async def end(run: Run) -> None:
        await run.leave_place(place)

    began: float = await flow.effect("conversation", begin, BLOCK)
    deadline = None
    if timeout is not None:
        wall: Any = setting.runtime.steps.durables.wall_clock()
        deadline = setting.runtime.now() + began + timeout - wall
    flow.blocks.append(place)
    token = current_talk.set(Talk(setting.turn, None, setting.aim, deadline))
    is_cut = False
    try:
        yield Conversation(place, user_id=setting.aim.user_id)
    except GeneratorExit:
        is_cut = True  # it is taken out of memory, or another part of it was over first: nothing is awaited any more
        raise
    finally:
        current_talk.reset(token)
        flow.blocks.remove(place)
        if not is_cut:
            await flow.effect("end of conversation", end, BLOCK)
