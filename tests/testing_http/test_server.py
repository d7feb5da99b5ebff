"""The Bot API server over raw sockets: routes, verbs, errors, files, long polls, and its end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from aiostep_testing import World
from aiostep_testing.http import Limits
from aiostep_testing.server import Server, serve
from tests.testing_http.wire import Client, request, until

pytestmark = pytest.mark.anyio

TOKEN = "42:TEST"
FORM = "application/x-www-form-urlencoded"
JSON = "application/json"


@pytest.fixture
def world() -> World:
    world = World()
    world.bot(TOKEN)
    return world


@pytest.fixture
async def server(world: World) -> AsyncIterator[Server]:
    async with serve(world, limits=Limits(head=2000, body=5000)) as server:
        yield server


@pytest.fixture
async def client(server: Server) -> AsyncIterator[Client]:
    client = await Client.connect(server.url)
    yield client
    await client.close()


@pytest.mark.parametrize(
    "wire",
    [
        request("GET", f"/bot{TOKEN}/getMe"),
        request("POST", f"/bot{TOKEN}/GETME"),
        request("PUT", f"/bot{TOKEN}/getme", b"{}", content_type=JSON),
        request("POST", f"/bot{TOKEN}/test/getMe", b"a=b", content_type=FORM),
        request("GET", "/bot42%3ATEST/getMe"),
    ],
)
async def test_any_verb_reaches_the_method(client: Client, wire: bytes) -> None:
    """The method is found whatever the verb, the spelling of its name, and the environment."""
    answer = await client.ask(wire)

    assert (answer.status, answer.json["result"]["id"]) == (200, 42)


@pytest.mark.parametrize(
    ("verb", "query", "body", "kind"),
    [
        ("GET", "?chat_id={id}&text=h%C3%A9+llo", b"", ""),
        ("GET", "", b"chat_id={id}&text=h%C3%A9+llo", FORM),
        ("POST", "", '{"chat_id": {id}, "text": "hé llo"}'.encode(), JSON),
        ("POST", "?chat_id={id}&text=ignored", '{"text": "hé llo"}'.encode(), JSON),
    ],
)
async def test_parameters_come_from_query_and_body(
    world: World, client: Client, verb: str, query: str, body: bytes, kind: str
) -> None:
    """Parameters are taken from the query string and the body of any verb; the body wins."""
    alice = world.person("Alice")
    target = f"/bot{TOKEN}/sendMessage{query}".replace("{id}", str(alice.id))

    answer = await client.ask(request(verb, target, body.replace(b"{id}", str(alice.id).encode()), content_type=kind))

    assert (answer.status, answer.json["result"]["text"]) == (200, "hé llo")


@pytest.mark.parametrize(
    ("wire", "status", "description"),
    [
        (request("GET", "/"), 404, "Not Found"),
        (request("GET", f"/bot{TOKEN}"), 404, "Not Found"),
        (request("GET", f"/bot{TOKEN}/a/getMe"), 404, "Not Found"),
        (request("GET", f"/bot{TOKEN}/noSuchMethod"), 404, "Not Found: method not found"),
        (request("GET", f"/file/bot{TOKEN}/nothing"), 404, "Not Found"),
        (request("GET", "/bot1:OTHER/getMe"), 401, "Unauthorized"),
        (request("POST", f"/bot{TOKEN}/getMe", b"{", content_type=JSON), 400, "Bad Request: can't parse"),
        (request("GET", f"/bot{TOKEN}/getMe", host="evil.example"), 403, "Forbidden: host is 'evil.example'"),
        (request("GET", f"/bot{TOKEN}/getMe", origin="http://[half"), 403, "Forbidden: origin"),
    ],
)
async def test_a_refused_request_leaves_the_connection_usable(
    client: Client, wire: bytes, status: int, description: str
) -> None:
    """A request that cannot be carried out is answered in the API's own form, and the next one is served."""
    refused = await client.ask(wire)
    served = await client.ask(request("GET", f"/bot{TOKEN}/getMe"))

    assert (refused.status, refused.json["ok"], refused.json["error_code"]) == (status, False, status)
    assert refused.json["description"].startswith(description)
    assert served.status == 200


@pytest.mark.parametrize(
    ("wire", "status"),
    [
        (b"hello\r\n\r\n", 400),
        (b"GET / HTTP/3\r\n\r\n", 505),
        (b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n", 400),
        (b"GET /" + b"a" * 3000, 431),
        (b"POST / HTTP/1.1\r\nContent-Length: 6000\r\n\r\n", 413),
        (b"POST / HTTP/1.1\r\nContent-Length: 4000000\r\n\r\n" + b"x" * 4_000_000, 413),
        (b"\x00\xff" * 40 + b"\r\n\r\n", 400),
    ],
)
async def test_noise_is_refused_and_hurts_nobody_else(server: Server, wire: bytes, status: int) -> None:
    """Bytes that are no HTTP get an error and a closed connection, while others are served as before."""
    bad, good = await Client.connect(server.url), await Client.connect(server.url)

    refused = await bad.ask(wire + b"\r\n\r\n")
    served = await good.ask(request("GET", f"/bot{TOKEN}/getMe"))

    assert (refused.status, refused.json["error_code"]) == (status, status)
    assert await bad.ended()
    assert served.status == 200
    await bad.close()
    await good.close()


async def test_pipelined_requests_are_answered_in_order(client: Client) -> None:
    """Requests that arrive in one packet are answered one after the other."""
    client.writer.write(
        request("GET", f"/bot{TOKEN}/getMe") + request("GET", "/") + request("GET", f"/bot{TOKEN}/getMe")
    )

    assert [(await client.answer()).status for _ in range(3)] == [200, 404, 200]


async def test_a_client_that_waits_for_continue_is_told_to_go_on(client: Client) -> None:
    """100 Continue is sent before the body is there, and the request is served after it."""
    client.writer.write(
        f"POST /bot{TOKEN}/getMe HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n".encode()
    )

    interim = await asyncio.wait_for(client.reader.readuntil(b"\r\n\r\n"), 5)
    answer = await client.ask(b"a=")

    assert interim == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert answer.status == 200


async def test_the_connection_is_closed_when_the_client_asks_for_it(client: Client) -> None:
    """`Connection: close` is obeyed and repeated in the answer."""
    answer = await client.ask(request("GET", f"/bot{TOKEN}/getMe", connection="close"))

    assert answer.headers["connection"] == "close"
    assert await client.ended()


async def test_too_many_requests_names_the_delay_in_the_header(world: World, client: Client) -> None:
    """A 429 carries Retry-After, as the parameters of its body do."""
    world.faults.add("getMe", status=429, retry_after=7)

    answer = await client.ask(request("GET", f"/bot{TOKEN}/getMe"))

    assert (answer.status, answer.headers["retry-after"]) == (429, "7")
    assert answer.json["parameters"] == {"retry_after": 7}


async def test_a_dropped_call_cuts_the_connection(world: World, client: Client) -> None:
    """A fault that drops the call closes the connection without a byte."""
    world.faults.add("getMe", drop=True)
    client.writer.write(request("GET", f"/bot{TOKEN}/getMe"))

    assert await client.ended()


async def test_uploaded_files_can_be_downloaded(world: World, client: Client) -> None:
    """A binary upload with a non-ASCII name keeps name and bytes, and is served to its bot only."""
    alice, content = world.person("Alice"), bytes(range(256)) + b"\r\n--edg\r\n"
    part = f'--edge\r\nContent-Disposition: form-data; name="chat_id"\r\n\r\n{alice.id}\r\n'
    part += '--edge\r\nContent-Disposition: form-data; name="document"; filename="résumé ф.bin"\r\n\r\n'
    body = part.encode() + content + b"\r\n--edge--\r\n"
    upload = request("POST", f"/bot{TOKEN}/sendDocument", body, content_type="multipart/form-data; boundary=edge")

    document = (await client.ask(upload)).json["result"]["document"]
    info = (await client.ask(request("GET", f"/bot{TOKEN}/getFile?file_id={document['file_id']}"))).json["result"]
    download = await client.ask(request("GET", f"/file/bot{TOKEN}/{info['file_path']}"))
    stranger = await client.ask(request("GET", f"/file/bot1:OTHER/{info['file_path']}"))

    assert document["file_name"] == "résumé ф.bin"
    assert (download.status, download.body) == (200, content)
    assert stranger.status == 404


async def test_a_long_poll_brings_the_update_when_it_happens(world: World, client: Client) -> None:
    """getUpdates waits for an update and answers with it."""
    bot, alice = world.bot(TOKEN), world.person("Alice")
    client.writer.write(request("GET", f"/bot{TOKEN}/getUpdates?timeout=20"))
    await until(lambda: bot.poll)

    alice.send("hi")

    assert [update["message"]["text"] for update in (await client.answer()).json["result"]] == ["hi"]


async def test_a_second_poll_refuses_the_first(world: World, server: Server, client: Client) -> None:
    """Of two polls that wait, the older one gets 409 and the newer one the update."""
    bot, alice, newer = world.bot(TOKEN), world.person("Alice"), await Client.connect(server.url)
    client.writer.write(request("GET", f"/bot{TOKEN}/getUpdates?timeout=20"))
    await until(lambda: bot.poll)

    newer.writer.write(request("GET", f"/bot{TOKEN}/getUpdates?timeout=20"))
    refused = await client.answer()
    alice.send("hi")

    assert (refused.status, (await newer.answer()).status) == (409, 200)
    await newer.close()


async def test_the_poll_of_a_client_that_is_gone_is_given_up(world: World, client: Client) -> None:
    """A poll ends with its connection, so that a restarted bot is alone."""
    bot = world.bot(TOKEN)
    client.writer.write(request("GET", f"/bot{TOKEN}/getUpdates?timeout=20"))
    await until(lambda: bot.poll)

    await client.close()

    await until(lambda: bot.poll is None)


async def test_requests_that_follow_a_long_poll_in_the_pipe_are_not_lost(world: World, client: Client) -> None:
    """What a client sends while its poll is waiting is answered after the poll."""
    bot, alice = world.bot(TOKEN), world.person("Alice")
    client.writer.write(request("GET", f"/bot{TOKEN}/getUpdates?timeout=20"))
    await until(lambda: bot.poll)
    client.writer.write(request("GET", f"/bot{TOKEN}/getMe"))

    alice.send("hi")

    assert isinstance((await client.answer()).json["result"], list)
    assert (await client.answer()).json["result"]["id"] == 42


async def test_stopping_ends_polls_and_idle_connections(world: World) -> None:
    """The end of the server answers a waiting poll with nothing and closes every connection."""
    bot = world.bot(TOKEN)
    async with serve(world) as server:
        polling, idle = await Client.connect(server.url), await Client.connect(server.url)
        await idle.ask(request("GET", f"/bot{TOKEN}/getMe"))
        polling.writer.write(request("GET", f"/bot{TOKEN}/getUpdates?timeout=20"))
        await until(lambda: bot.poll)

    answer = await polling.answer()
    assert (answer.json["result"], answer.headers["connection"]) == ([], "close")
    assert await polling.ended()
    assert await idle.ended()
    with pytest.raises(OSError, match="Connect"):
        await Client.connect(server.url)
    await polling.close()
    await idle.close()


async def test_stopping_does_not_wait_for_a_call_that_hangs(world: World) -> None:
    """A call that an injected delay holds up is cut when the server ends."""
    fault = world.faults.add("getMe", delay=3600.0)
    async with serve(world) as server:
        client = await Client.connect(server.url)
        client.writer.write(request("GET", f"/bot{TOKEN}/getMe"))
        await until(lambda: fault.times == 0)
        started = asyncio.get_running_loop().time()
        await server.stop(grace=0.05)
        assert asyncio.get_running_loop().time() - started < 5

    assert await client.ended()
    await client.close()


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.1", "example.com", ""])
async def test_other_hosts_than_this_machine_are_refused(world: World, host: str) -> None:
    """The server refuses to listen where others could reach it, and says where it would listen."""
    with pytest.raises(ValueError, match=r"cannot listen on .*use '127\.0\.0\.1'"):
        async with serve(world, host=host):
            pass


async def test_two_servers_of_one_world_have_their_own_ports(world: World) -> None:
    """Port 0 gives every server a free port of its own, named in its address."""
    async with serve(world) as one, serve(world) as other:
        for url in {one.url, other.url}:
            client = await Client.connect(url)
            assert (await client.ask(request("GET", f"/bot{TOKEN}/getMe"))).status == 200
            await client.close()

    assert one.url != other.url
