"""What an update costs that nobody waits for: through the dispatcher alone, and with aiostep and others in it."""

from __future__ import annotations

from _bots import Aiostep, Alone, hosts
from _measure import Goal, Options, Subject, main, measure, table

BARE = "aiogram alone"


async def run(choice: Options) -> None:
    """Measure and print."""
    others = f"{choice.others:,} others"
    subjects = [Subject(BARE, Alone().miss), Subject("aiogram alone, again", Alone().miss)]
    goals = [Goal("aiogram alone, again", BARE)]
    crowded = []
    for kind in hosts():
        crowded += [(kind(), "nothing waiting", ""), (kind(), f"{others} waiting", "wait")]
    crowded.append((Aiostep(), f"{others} with a next step", "step"))
    targets = {"nothing waiting": 1.04, f"{others} waiting": 1.06}
    for host, state, text in crowded:
        if text:
            await host.crowd(choice.others, text)
        name = f"{host.name}, {state}"
        subjects.append(Subject(name, host.miss))
        goals.append(Goal(name, BARE, targets.get(state) if isinstance(host, Aiostep) else None))
    figures = await measure(subjects, choice)
    for host, _, _ in crowded:
        await host.stop()
    table("an update that nobody waits for", figures, goals, choice)


if __name__ == "__main__":
    main(run, __doc__)
