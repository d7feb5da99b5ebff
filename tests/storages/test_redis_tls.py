"""``rediss://``: a server behind TLS, as those are that one rents; who is not who they say they are gets nothing.

No server that is packed for Python knows TLS, so a real one stands behind a proxy that does.
"""

from __future__ import annotations

import asyncio
import ssl
import time
import uuid
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import redis
import redis.asyncio
import trustme

import aiostep
from aiostep_core.errors import StorageUnavailable
from aiostep_core.storages.records import record_key, settle
from aiostep_core.storages.redis import RedisRecords
from tests.storages.redis_servers import OLDEST, SHARED
from tests.storages.tcp_proxy import TcpProxy, proxy

pytestmark = pytest.mark.anyio

KEY = record_key("thing", 1, "key")
# What may pass until a refusal, beyond the grace, on a busy machine.
SLACK = 5.0


@dataclass
class Papers:
    """An authority that nobody has heard of but who is told, and what it has signed."""

    authority: Any
    folder: Path

    @property
    def known(self) -> str:
        """The file by which one recognises what the authority has signed."""
        return str(self.folder / "authority.pem")

    def context(self, name: str = "127.0.0.1", *, asks_for_papers: bool = False) -> ssl.SSLContext:
        """Return what a server called *name* answers with."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.authority.issue_cert(name).configure_cert(context)
        if asks_for_papers:
            context.verify_mode = ssl.CERT_REQUIRED
            self.authority.configure_trust(context)
        return context

    def client(self) -> dict[str, str]:
        """Return the options of a client that has papers of its own."""
        paper = self.authority.issue_cert("bot@example.org")
        paper.private_key_pem.write_to_path(self.folder / "bot.key")
        paper.cert_chain_pems[0].write_to_path(self.folder / "bot.pem")
        return {"ssl_certfile": str(self.folder / "bot.pem"), "ssl_keyfile": str(self.folder / "bot.key")}


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Papers:
    """Have an authority."""
    made = Papers(trustme.CA(), tmp_path_factory.mktemp("papers"))
    made.authority.cert_pem.write_to_path(made.known)
    return made


@pytest.fixture(params=[True, False], ids=["blocking", "asynchronous"])
def is_blocking(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@contextmanager
def guarded(context: ssl.SSLContext) -> Generator[TcpProxy]:
    """Have a real server behind TLS."""
    with proxy(SHARED.get(OLDEST).port, context) as one:
        yield one


def records_at(port: int, is_blocking: bool, **options: Any) -> RedisRecords:
    url = f"rediss://bot:hunter2@127.0.0.1:{port}/0" if options.pop("secret", None) else f"rediss://127.0.0.1:{port}/0"
    kept = {name: options.pop(name) for name in ("grace", "timeout") if name in options}
    url += f"?{urlencode(options)}" if options else ""
    return RedisRecords.from_url(url, is_blocking=is_blocking, prefix=uuid.uuid4().hex, **{"grace": 0.3, **kept})


async def test_all_goes_through(papers: Papers, is_blocking: bool) -> None:
    """With the authority's file in the URL operations work, alone, many at once, and large ones; both faces do."""
    with guarded(papers.context()) as one:
        records = records_at(one.port, is_blocking, ssl_ca_certs=papers.known)
        await records.write(KEY, {"a": "x" * 900_000})
        assert await records.merge(KEY, {"b": "2"}) == {"a": "x" * 900_000, "b": "2"}
        for face in (records.blocking(), records.asynchronous()):
            assert (await face.read(KEY))["b"] == "2"
        others = [record_key("thing", 1, number) for number in range(500)]
        if not is_blocking:
            await asyncio.gather(*(records.write(key, {"n": key.name}) for key in others))
            found = await asyncio.gather(*map(records.read, others))
            assert [each["n"] for each in found] == [key.name for key in others]
        await records.close()
        settle(records.blocking().close())


async def test_a_url_opens_everything(papers: Papers) -> None:
    """``open_storage`` takes the URL, and what shows the storage does not show its password."""
    with guarded(papers.context()) as one:
        storage: Any = aiostep.open_storage(f"rediss://127.0.0.1:{one.port}/0?ssl_ca_certs={papers.known}")
        await storage.set_state(7, "NAME")
        assert (await storage.get_state(7)).current_state == "NAME"
        await storage.close()
        shown = repr(records_at(one.port, is_blocking=False, secret=True))
        assert f"rediss://127.0.0.1:{one.port}/0" in shown
        assert "hunter2" not in shown


@pytest.mark.parametrize("kind", [redis.Redis, redis.asyncio.Redis], ids=["blocking", "asynchronous"])
async def test_a_client_with_tls(papers: Papers, kind: Callable[..., Any]) -> None:
    """A client that is passed in keeps its TLS for both faces."""
    with guarded(papers.context()) as one:
        client = kind(host="127.0.0.1", port=one.port, ssl=True, ssl_ca_data=Path(papers.known).read_text("ascii"))
        records = RedisRecords(client, prefix=uuid.uuid4().hex)
        await records.asynchronous().write(KEY, {"a": "1"})
        assert settle(records.blocking().read(KEY)) == {"a": "1"}
        await records.asynchronous().close()
        settle(records.blocking().close())


UNTRUSTED = "has a certificate that cannot be trusted, and was told nothing; pass the file of who signed it"


@pytest.mark.parametrize(
    ("reason", "message"),
    [
        ("unknown authority", UNTRUSTED),
        ("another name", UNTRUSTED),
        ("no papers", "cannot be reached"),
        ("no TLS", "cannot be reached"),
    ],
)
async def test_nobody_is_trusted_without_reason(papers: Papers, is_blocking: bool, reason: str, message: str) -> None:
    """Who cannot be trusted, or does not trust us, is unavailable within the grace, and the error says why."""
    context = papers.context(
        "redis.example.org" if reason == "another name" else "127.0.0.1", asks_for_papers=reason == "no papers"
    )
    options: dict[str, Any] = {} if reason == "unknown authority" else {"ssl_ca_certs": papers.known}
    with guarded(context) as one:
        if reason == "no TLS":
            records = RedisRecords.from_url(f"redis://127.0.0.1:{one.port}", is_blocking=is_blocking, grace=0.3)
        else:
            records = records_at(one.port, is_blocking, **options)
        start = time.monotonic()
        with pytest.raises(StorageUnavailable, match=message):
            await records.write(KEY, {"a": "1"})
        assert time.monotonic() - start < 0.3 + SLACK
        await records.close()


async def test_papers_of_both(papers: Papers, is_blocking: bool) -> None:
    """A server that asks for the client's certificate gets it."""
    with guarded(papers.context(asks_for_papers=True)) as one:
        records = records_at(one.port, is_blocking, ssl_ca_certs=papers.known, **papers.client())
        await records.write(KEY, {"a": "1"})
        assert await records.read(KEY) == {"a": "1"}
        await records.close()


async def test_a_connection_that_breaks(papers: Papers, is_blocking: bool) -> None:
    """A connection is made anew; an operation whose answer was lost is carried out once."""
    with guarded(papers.context()) as one:
        records = records_at(one.port, is_blocking, ssl_ca_certs=papers.known, grace=2.0)
        assert await records.append(KEY, None, ["1"]) == 1
        one.cut()
        assert await records.append(KEY, None, ["2"]) == 2
        one.lose = 1
        assert await records.append(KEY, None, ["3"]) == 3
        found = await records.journal(KEY)
        assert found is not None
        assert list(found.entries) == ["1", "2", "3"]
        assert one.connections == 3
        await records.close()


async def test_silence(papers: Papers, is_blocking: bool) -> None:
    """Who accepts the connection, shakes hands and says nothing any more is given up in time."""
    with guarded(papers.context()) as one:
        records = records_at(one.port, is_blocking, ssl_ca_certs=papers.known, timeout=0.5)
        await records.write(KEY, {"a": "1"})
        one.is_silent = True
        start = time.monotonic()
        with pytest.raises(StorageUnavailable, match="did not answer in time"):
            await records.read(KEY)
        assert time.monotonic() - start < 0.5 + SLACK
        await records.close()


def test_a_loop_that_ends(papers: Papers) -> None:
    """An event loop that ends without closing the storage leaves no connection behind, and no warning."""
    with guarded(papers.context()) as one:
        records = records_at(one.port, is_blocking=False, ssl_ca_certs=papers.known)
        for number in range(2):
            assert asyncio.run(records.merge(KEY, {str(number): "x"}))
        settle(records.blocking().close())
