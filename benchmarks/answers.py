"""What an answer costs: brought to a handler that waits for it, the whole way there and back, and as a next step."""

from __future__ import annotations

from _bots import AiogramInput, Aiostep, Alone, Host, Original, hosts, with_filter
from _measure import Goal, Options, Subject, main, measure, table

OURS, ORIGINAL, INPUT = (kind.name for kind in (Aiostep, Original, AiogramInput))


async def run(choice: Options) -> None:
    """Measure and print, table by table."""
    alone = Alone()
    with_steps: list[Host] = [kind() for kind in hosts() if kind is not AiogramInput]
    filtered = [with_filter(kind) for kind in hosts() if kind is not Original]
    figures = await measure([Subject(kind.name, kind().hit) for kind in hosts()], choice)
    table("an answer is brought to its handler", figures, [Goal(OURS, ORIGINAL, 0.5), Goal(OURS, INPUT)], choice)

    subjects = [Subject(kind.name, kind().round_trip) for kind in hosts()]
    figures = await measure([*subjects, Subject("a look-up and a future", alone.limit)], choice)
    table("wait, answer, go on", figures, [Goal(OURS, ORIGINAL, 0.6), Goal(OURS, INPUT)], choice)

    figures = await measure([Subject(host.name, host.round_trip) for host in filtered], choice)
    table("wait with an F filter, answer, go on", figures, [Goal(OURS, INPUT, 0.35)], choice)

    figures = await measure(
        [Subject("aiogram calls a handler", alone.miss), *(Subject(host.name, host.step) for host in with_steps)],
        choice,
    )
    goals = [Goal(OURS, "aiogram calls a handler"), Goal(OURS, ORIGINAL)]
    table("a next step runs", figures, goals, choice)


if __name__ == "__main__":
    main(run, __doc__)
