"""HTTP/1.1 over real sockets: what is read as a request, in which order answers go out, and when a connection ends."""

import asyncio
import gc
import weakref
from contextlib import asynccontextmanager, suppress

import pytest
import uvloop

from service import connection, incoming
from service import environ as wsgi
from service.answering import Answer
from service.clients import Clients
from service.connection import Connection

LIMIT = 1000


class Echo:
    """Answers with what it was asked; `held` requests only when the test lets them go."""

    most_bytes = 10**8

    def __init__(self):
        self.asked = []
        self.held = []

    def limit(self, environ):
        return LIMIT

    def refuses(self, environ, size):
        return environ["PATH_INFO"] == "/busy"

    def __call__(self, environ, body, answered):
        self.asked.append((environ, body))
        text = environ["PATH_INFO"].encode() + b" " + (b"refused" if body is None else body)
        if environ["PATH_INFO"] == "/large":
            text = bytes(4_000_000)
        answer = Answer(413 if body is None else 200, [("Content-Length", str(len(text)))], text)
        if environ["PATH_INFO"] == "/held":
            self.held.append(lambda: answered(answer))
        else:
            answered(answer)


class Server:
    def __init__(self, answering, port, clients):
        self.answering, self.port, self.clients = answering, port, clients
        self.writers = []

    async def connect(self):
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.writers.append(writer)
        return reader, writer

    async def say(self, *parts):
        """Send the parts, end, and give all that comes back."""
        reader, writer = await self.connect()
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(0.01)
        writer.write_eof()
        said = await asyncio.wait_for(reader.read(), 10)
        writer.close()
        return said

    async def until(self, condition):
        async with asyncio.timeout(10):
            while not condition():
                await asyncio.sleep(0.005)


@asynccontextmanager
async def serving(answering=None, most=100, most_bytes=10**8):
    loop = asyncio.get_running_loop()
    clients = Clients(answering or Echo(), most, most_bytes=most_bytes)
    clients.tick(loop.time())
    server = await loop.create_server(lambda: Connection(clients, loop), "127.0.0.1", 0)
    running = Server(clients.answering, server.sockets[0].getsockname()[1], clients)
    try:
        yield running
    finally:
        server.close()
        for each in list(clients.open):
            each._transport.abort()
        for writer in running.writers:
            writer.transport.abort()
            with suppress(ConnectionError):
                await writer.wait_closed()
        await running.until(lambda: not clients.open)


def run(scenario, **options):
    async def within():
        async with serving(**options) as server:
            return await scenario(server)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(within())


def said(*parts):
    return run(lambda server: server.say(*parts))


def post(path="/", body=b"", *headers, length=None):
    lines = [f"POST {path} HTTP/1.1", "Host: x", f"Content-Length: {len(body) if length is None else length}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def bodies(answers):
    return [part.partition(b"\r\n\r\n")[2] for part in answers.split(b"HTTP/1.1 ")[1:]]


def test_a_request_is_answered_with_status_date_headers_and_body():
    status, *headers = said(post("/a", b"b")).partition(b"\r\n\r\n")[0].decode().split("\r\n")

    assert status == "HTTP/1.1 200 OK"
    assert [line.partition(":")[0] for line in headers] == ["Date", "Content-Length"]


@pytest.mark.parametrize("cut", range(1, 60, 7))
def test_a_request_may_come_in_pieces(cut):
    whole = post("/a", b"body of it")

    assert bodies(said(whole[:cut], whole[cut:])) == [b"/a body of it"]


def test_requests_that_come_together_are_answered_in_their_order():
    assert bodies(said(b"".join(post(f"/{n}", b"x") for n in range(50)))) == [b"/%d x" % n for n in range(50)]


@pytest.mark.parametrize(("path", "together"), [("/", 2), ("/", 3000), ("/held", 2)])  # all 3,000 are not read at once
def test_after_requests_that_came_together_a_client_may_ask_again(path, together):
    async def answered(server, reader, count):
        async def let_go():
            while True:
                for held in server.answering.held[:]:
                    server.answering.held.remove(held)
                    held()
                await asyncio.sleep(0.001)

        letting_go = asyncio.create_task(let_go())
        answers = b""
        while answers.count(b"HTTP/1.1 200") < count or not answers.endswith(b"x"):
            answers += await asyncio.wait_for(reader.read(10_000), 10)
        letting_go.cancel()

    async def scenario(server):
        reader, writer = await server.connect()
        for _ in range(2):
            writer.write(post(path, b"x") * together)
            await answered(server, reader, together)
        writer.close()
        return len(server.answering.asked)

    assert run(scenario) == 2 * together


def test_a_request_behind_one_that_takes_long_waits_for_it():
    async def scenario(server):
        reader, writer = await server.connect()
        writer.write(post("/held", b"1") + post("/b", b"2") + post("/held", b"3") + post("/d", b"4"))
        found = []
        for _ in range(2):
            await server.until(lambda: server.answering.held)
            found.append([environ["PATH_INFO"] for environ, _ in server.answering.asked])
            server.answering.held.pop()()
        answers = b""
        while len(bodies(answers)) < 4 or not answers.endswith(b"4"):
            answers += await asyncio.wait_for(reader.read(10_000), 10)
        writer.close()
        return found, answers

    found, answers = run(scenario)

    assert found == [["/held"], ["/held", "/b", "/held"]]
    assert bodies(answers) == [b"/held 1", b"/b 2", b"/held 3", b"/d 4"]


def test_of_requests_that_come_together_others_get_their_turn_between_them():
    order = []

    class Orderly(Echo):
        def __call__(self, environ, body, answered):
            order.append(environ["PATH_INFO"])
            super().__call__(environ, body, answered)

    async def scenario(server):
        (_, many), (one_reader, one) = await server.connect(), await server.connect()
        many.write(post("/many") * 200)
        one.write(post("/one"))
        await one_reader.readuntil(b"/one ")
        many.close()
        one.close()

    run(scenario, answering=Orderly())

    assert order.index("/one") < 150


def test_chunks_are_one_body_of_known_length():
    async def scenario(server):
        await server.say(
            b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", b"2\r\nde\r\n0\r\n\r\n"
        )
        return server.answering.asked[0]

    environ, body = run(scenario)

    assert (body, environ["CONTENT_LENGTH"]) == (b"abcde", "5")
    assert "HTTP_TRANSFER_ENCODING" not in environ


def test_a_client_that_waits_to_be_asked_for_its_body_is_asked():
    async def scenario(server):
        reader, writer = await server.connect()
        writer.write(post("/", b"", "Expect: 100-continue", length=3))
        asked = await reader.readuntil(b"\r\n\r\n")
        writer.write(b"abc")
        writer.write_eof()
        return asked, await reader.read()

    asked, answer = run(scenario)

    assert asked == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert bodies(answer) == [b"/ abc"]


def test_a_body_over_the_limit_is_refused_before_it_comes():
    async def scenario(server):
        reader, writer = await server.connect()
        writer.write(post("/", b"", "Expect: 100-continue", length=LIMIT + 1))
        answer = await reader.readuntil(b"refused")
        writer.write(bytes(LIMIT + 1))  # one that did not listen: the answer must not be lost for it
        return answer + await asyncio.wait_for(reader.read(), 10), server.answering.asked

    answer, asked = run(scenario)

    assert answer.startswith(b"HTTP/1.1 413")
    assert b"Connection: close" in answer
    assert len(asked) == 1


def test_chunks_over_the_limit_are_refused_where_they_pass_it():
    chunk = b"258\r\n" + bytes(600) + b"\r\n"

    answer = said(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk, chunk, chunk)

    assert answer.startswith(b"HTTP/1.1 413")
    assert bodies(answer) == [b"/ refused"]


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GARBAGE\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length:\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nbad header: 1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nX: " + b"a" * 70_000, 431),
        (b"GET /" + b"a" * 70_000, 431),
    ],
)
def test_what_is_no_request_gets_a_problem_and_an_end(sent, status):
    async def scenario(server):
        return await server.say(sent), server.answering.asked

    answer, asked = run(scenario)

    assert answer.startswith(b"HTTP/1.1 %d" % status)
    assert b"application/problem+json" in answer
    assert b"Connection: close" in answer
    assert asked == []


def test_garbage_behind_requests_is_answered_after_them():
    answers = said(post("/a", b"1") + post("/b", b"2") + b"GARBAGE\r\n\r\n")

    assert [part[:3] for part in answers.split(b"HTTP/1.1 ")[1:]] == [b"200", b"200", b"400"]


@pytest.mark.parametrize(
    "head",
    [
        b"POST /last HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
        b"POST /last HTTP/1.0\r\nContent-Length: 0\r\n\r\n",
        b"POST /last HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 0\r\n\r\n",
    ],
)
def test_after_the_last_request_nothing_is_answered(head):
    async def scenario(server):
        reader, writer = await server.connect()
        writer.write(head + post("/more"))
        return await asyncio.wait_for(reader.read(), 10)

    answer = run(scenario)

    assert bodies(answer) == [b"/last "]
    assert b"Connection: close" in answer


def test_a_client_that_has_said_all_still_gets_an_answer_that_takes_long():
    async def scenario(server):
        waiting = asyncio.create_task(server.say(post("/held", b"1")))
        await server.until(lambda: server.answering.held)
        await asyncio.sleep(0.05)  # its end has come, too
        server.answering.held.pop()()
        return await waiting

    assert bodies(run(scenario)) == [b"/held 1"]


def test_an_answer_to_a_client_that_has_gone_goes_nowhere():
    async def scenario(server):
        _, writer = await server.connect()
        writer.write(post("/held"))
        await server.until(lambda: server.answering.held)
        writer.transport.abort()
        await asyncio.sleep(0.05)
        server.answering.held.pop()()
        await server.until(lambda: not server.clients.open)
        return bodies(await server.say(post("/next")))

    assert run(scenario) == [b"/next "]


def test_a_body_cut_off_by_its_client_is_asked_of_nobody():
    async def scenario(server):
        return await server.say(post("/", b"abc", length=10)), server.answering.asked

    assert run(scenario) == (b"", [])


@pytest.mark.parametrize(
    ("sent", "seconds", "answer"),
    [
        (b"", incoming.IDLE_SECONDS, b""),
        (b"POST / HTTP/1.1\r\nHost", incoming.IDLE_SECONDS, b""),
        (post("/", b"abc", length=10), incoming.BODY_SECONDS, b"HTTP/1.1 408"),
        (post("/", b"abc"), incoming.IDLE_SECONDS, b"HTTP/1.1 200"),
    ],
    ids=["nothing", "half a head", "half a body", "no second request"],
)
def test_a_client_that_keeps_us_waiting_is_left(sent, seconds, answer):
    async def scenario(server):
        loop = asyncio.get_running_loop()
        reader, writer = await server.connect()
        writer.write(sent)
        await server.until(lambda: server.clients.open)
        await asyncio.sleep(0.05)
        server.clients.tick(loop.time() + seconds - 1)
        before = len(server.clients.open)
        server.clients.tick(loop.time() + seconds + 1)
        return before, await asyncio.wait_for(reader.read(), 10)

    before, said = run(scenario)

    assert before == 1
    assert said.startswith(answer)
    assert bool(said) == bool(answer)


def test_a_request_that_takes_long_is_not_the_client_s_fault():
    async def scenario(server):
        _, writer = await server.connect()
        writer.write(post("/held") + post("/next", b"a", length=3))
        await server.until(lambda: server.answering.held)
        server.clients.tick(asyncio.get_running_loop().time() + 1000)
        return len(server.clients.open)

    assert run(scenario) == 1


def test_a_client_that_takes_no_answers_is_asked_for_no_more_and_left_in_the_end():
    async def scenario(server):
        loop = asyncio.get_running_loop()
        _, writer = await server.connect()
        writer.write(post("/large") * 50)
        await asyncio.sleep(0.3)
        asked = len(server.answering.asked)
        server.clients.tick(loop.time() + connection.WRITE_SECONDS + 1)
        await server.until(lambda: not server.clients.open)
        return asked

    assert run(scenario) < 10


def test_a_slow_reader_gets_all_answers():
    async def scenario(server):
        reader, writer = await server.connect()
        writer.write(post("/large") * 5 + post("/end"))
        count = 0
        while True:
            part = await asyncio.wait_for(reader.read(500_000), 10)
            count += len(part)
            if part.endswith(b"/end "):
                return count
            await asyncio.sleep(0.002)

    assert run(scenario) > 5 * 4_000_000


def test_a_client_more_than_there_may_be_is_told_to_come_back():
    async def scenario(server):
        held = [await server.connect() for _ in range(2)]
        await server.until(lambda: len(server.clients.open) == 2)
        reader, _ = await server.connect()
        refused = await asyncio.wait_for(reader.read(), 10)
        held[0][1].close()
        await server.until(lambda: len(server.clients.open) == 1)
        return refused, bodies(await server.say(post("/a")))

    refused, answered = run(scenario, most=2)

    assert refused.startswith(b"HTTP/1.1 503")
    assert b"Retry-After: 1" in refused
    assert answered == [b"/a "]


def test_at_the_end_idle_connections_close_and_others_when_they_are_answered():
    async def scenario(server):
        (idle, _), (busy, busy_writer) = await server.connect(), await server.connect()
        busy_writer.write(post("/held"))
        await server.until(lambda: server.answering.held and len(server.clients.open) == 2)
        server.clients.ending = True
        server.clients.end_idle()
        gone = await asyncio.wait_for(idle.read(), 10)
        server.answering.held.pop()()
        return gone, await asyncio.wait_for(busy.read(), 10)

    gone, answer = run(scenario)

    assert gone == b""
    assert b"Connection: close" in answer
    assert bodies(answer) == [b"/held "]


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        ("/a%20b?x=%201", "/a b", "x=%201"),
        ("/%C3%A9", "/Ã©", ""),
        ("/a%2Fb?", "/a/b", ""),
        ("/%", "/%", ""),
        ("http://x/a?b=1?c", "/a", "b=1?c"),
        ("http://x", "/", ""),
        ("*", "*", ""),
    ],
)
def test_a_target_is_given_as_wsgi_has_it(target, path, query):
    assert wsgi.target(target.encode()) == (path, query)


def test_headers_are_given_as_wsgi_has_them():
    environ = {}
    sent = [("Accept", "a"), ("ACCEPT", "b"), ("Cookie", "x=1"), ("cookie", "y=2"), ("Content-Type", "é"), ("X_A", "1")]

    wsgi.put_headers(environ, [(name.encode(), value.encode()) for name, value in sent])

    assert environ == {"HTTP_ACCEPT": "a,b", "HTTP_COOKIE": "x=1;y=2", "CONTENT_TYPE": "Ã©"}


def test_names_of_headers_are_not_kept_without_end():
    for n in range(2000):
        wsgi.put_headers({}, [(b"X-%d" % n, b"")])

    assert len(wsgi._NAMES) <= 500


@pytest.mark.parametrize("size", [33_000, 300_000, 3_000_001])
def test_a_long_body_comes_whole_and_what_is_behind_it_too(size, monkeypatch):
    body = bytes(range(256)) * (size // 256)
    monkeypatch.setattr(Echo, "limit", lambda self, environ: 10**7)

    answers = said(post("/a", body) + post("/b", body[:5]) + post("/c", body) + post("/d", b"end"))

    assert bodies(answers) == [b"/a " + body, b"/b " + body[:5], b"/c " + body, b"/d end"]


def test_a_long_body_that_stops_is_waited_for_and_then_left(monkeypatch):
    monkeypatch.setattr(Echo, "limit", lambda self, environ: 10**7)

    async def scenario(server):
        reader, writer = await server.connect()
        writer.write(post("/", bytes(200_000), length=10**6))
        await writer.drain()
        await asyncio.sleep(0.1)
        server.clients.tick(asyncio.get_running_loop().time() + incoming.BODY_SECONDS + 1)
        return await asyncio.wait_for(reader.read(), 10), server.answering.asked

    answer, asked = run(scenario)

    assert answer.startswith(b"HTTP/1.1 408")
    assert asked == []


def test_a_connection_s_memory_is_free_when_it_ends(monkeypatch):
    monkeypatch.setattr(Echo, "limit", lambda self, environ: 10**7)

    async def scenario(server):
        _, writer = await server.connect()
        writer.write(post("/a", bytes(500_000)) + post("/b", bytes(300_000), length=400_000))
        await server.until(lambda: server.answering.asked)
        server.answering.asked.clear()
        gone = [weakref.ref(each) for each in server.clients.open]
        writer.transport.abort()
        await server.until(lambda: not server.clients.open)
        await asyncio.sleep(0.05)
        return [each() for each in gone]

    gc.disable()
    try:
        assert run(scenario) == [None]
    finally:
        gc.enable()


@pytest.fixture
def _long_bodies(monkeypatch):
    monkeypatch.setattr(Echo, "limit", lambda self, environ: 10**7)


def chunk(data):
    return b"%x\r\n%b\r\n" % (len(data), data)


CHUNKED = b"POST /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.usefixtures("_long_bodies")
@pytest.mark.parametrize(
    "more", [post("/b", bytes(300_000)), CHUNKED + chunk(bytes(300_000))], ids=["known", "chunked"]
)
def test_long_bodies_that_together_are_too_much_are_told_to_come_back(more):
    async def scenario(server):
        _, first = await server.connect()
        first.write(post("/a", bytes(800_000), length=900_000))
        await server.until(lambda: server.clients.held == 800_000)
        refused = await server.say(more)
        short = await server.say(post("/short", b"body"))
        await server.until(lambda: server.clients.held == 800_000)
        first.write(bytes(100_000))
        await server.until(lambda: server.answering.asked[-1][0]["PATH_INFO"] == "/a")
        again = await server.say(more + b"0\r\n\r\n" * more.startswith(CHUNKED))
        return refused, short, again, server.clients.held

    refused, short, again, held = run(scenario, most_bytes=10**6)

    assert refused.startswith(b"HTTP/1.1 503")
    assert b"Retry-After: 1\r\n" in refused
    assert bodies(short) == [b"/short body"]
    assert again.startswith(b"HTTP/1.1 200")
    assert held == 0


@pytest.mark.usefixtures("_long_bodies")
def test_whoever_is_refused_has_the_answer_before_all_of_it_has_come():
    async def scenario(server):
        reader, writer = await server.connect()
        writer.write(post("/a", bytes(10**6 + 1), length=9_000_000))
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
        for _ in range(79):  # what is still sent is taken, so that the answer is not lost
            writer.write(bytes(10**5))
            await writer.drain()
        return head, server.clients.held, server.answering.asked

    head, held, asked = run(scenario, most_bytes=10**6)

    assert head.startswith(b"HTTP/1.1 503")
    assert (held, asked) == (0, [])


@pytest.mark.usefixtures("_long_bodies")
def test_what_is_held_is_let_go_whatever_becomes_of_it():
    async def scenario(server):
        writers = [(await server.connect())[1] for _ in range(4)]
        writers[0].write(
            post("/held", bytes(100_000)) + post("/b", bytes(100_000)) + post("/c", bytes(10**5), length=2 * 10**5)
        )
        writers[1].write(post("/a", bytes(100_000), length=200_000))
        writers[2].write(CHUNKED + chunk(bytes(100_000)))
        writers[3].write(post("/a", bytes(100_000), length=10**8))
        await server.until(lambda: server.clients.held == 400_000 and server.answering.held)
        for writer in writers:
            writer.transport.abort()
        await server.until(lambda: len(server.clients.open) == 1)  # the one that is being answered
        held = server.clients.held
        server.answering.held[0]()
        await server.until(lambda: not server.clients.open)
        return held, server.clients.held

    assert run(scenario) == (200_000, 0)


def test_a_long_body_that_is_refused_by_its_headers_has_its_answer_before_it_comes(monkeypatch):
    monkeypatch.setitem(globals(), "LIMIT", 10**6)

    async def scenario(server):
        reader, writer = await server.connect()
        writer.write(b"POST /busy HTTP/1.1\r\nContent-Length: 100000\r\n\r\n" + bytes(1000))
        head = await reader.readuntil(b"\r\n\r\n")
        writer.write(bytes(99_000))
        rest = await asyncio.wait_for(reader.read(), 10)
        return head, rest, server.answering.asked

    head, rest, ((_, body),) = run(scenario)

    assert b"Connection: close" in head
    assert rest == b"/busy refused"
    assert body is None


def test_a_body_that_there_is_no_memory_for_is_503(monkeypatch):
    def none_left(*_):
        raise MemoryError

    async def scenario(server):
        reader, writer = await server.connect()
        writer.write(b"POST /a HTTP/1.1\r\nContent-Length: 100000\r\n\r\n" + bytes(1000))
        return await reader.readuntil(b"\r\n\r\n")

    monkeypatch.setitem(globals(), "LIMIT", 10**6)
    monkeypatch.setattr(incoming, "np", type("Memory", (), {"empty": none_left, "uint8": None}))

    assert run(scenario).startswith(b"HTTP/1.1 503")


def test_a_head_cut_behind_many_requests_is_not_taken_for_a_long_one():
    one = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n"
    answers = said(one * 4000 + one[:-4], one[-4:])

    assert answers.count(b"HTTP/1.1 200") == 4001
