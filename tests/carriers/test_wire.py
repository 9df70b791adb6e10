"""The wire end to end, over real sockets and on both event loops: what arrives, what fails, and in which word."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import gzip
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from adapters.contract.errors import Misread, OutcomeUnknown, Unreachable
from gateway.carriers.transport import LARGEST_REPLY, open_pool, send
from tests.carriers.peer import LOOPS, YES, Talk, always_yes, heard, peer, run

MOST = 32  # connections of a pool
PATIENCE = 5.0

Calls = list[asyncio.Task[bytes]]


@pytest.fixture(params=sorted(LOOPS))
def loop(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def asked(url: str, seconds: float = PATIENCE, content: bytes = b"") -> bytes:
    """One exchange over a pool of its own."""
    pool = open_pool()
    try:
        return await ask(pool, url, seconds, content)
    finally:
        await pool.aclose()


async def ask(pool: httpx.AsyncBaseTransport, url: str, seconds: float = PATIENCE, content: bytes = b"") -> bytes:
    return (await send(pool, httpx.Request("POST", url, content=content), seconds)).content


async def asked_of(talk: Talk, seconds: float = PATIENCE, content: bytes = b"") -> bytes:
    async with peer(talk) as url:
        return await asked(url, seconds, content)


async def asked_twice(talk: Talk, pause: float = 0.0) -> list[bytes]:
    async with peer(talk) as url:
        pool = open_pool()
        first = await ask(pool, url)
        await asyncio.sleep(pause)
        second = await ask(pool, url)
        await pool.aclose()
        return [first, second]


def test_a_reply_that_arrives_in_pieces_is_put_together(loop: str) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await heard(reader)
        for byte in YES:
            writer.write(bytes((byte,)))
            await writer.drain()
            await asyncio.sleep(0)

    assert run(loop, asked_of(talk)) == b"yes"


def test_a_reply_without_a_length_ends_where_the_server_hangs_up(loop: str) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await heard(reader)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 300_000)

    assert run(loop, asked_of(talk)) == b"x" * 300_000


def test_a_large_request_arrives_whole_at_a_server_that_reads_slowly(loop: str) -> None:
    sizes: list[int] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await heard(reader)
        await asyncio.sleep(0.05)
        sizes.append(len(await reader.readexactly(6_000_000)))
        writer.write(YES)

    assert (run(loop, asked_of(talk, content=b"x" * 6_000_000)), sizes) == (b"yes", [6_000_000])


def test_a_connection_is_used_again(loop: str) -> None:
    met: list[object] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        met.append(writer)
        await always_yes(reader, writer)

    async def work() -> list[bytes]:
        async with peer(talk) as url:
            pool = open_pool()
            answers = [await ask(pool, url) for _ in range(3)]
            await pool.aclose()
            return answers

    assert (run(loop, work()), len(met)) == ([b"yes"] * 3, 1)


def test_a_server_that_speaks_out_of_turn_is_asked_over_another_connection(loop: str) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await heard(reader)
        writer.write(YES)
        await asyncio.sleep(0.02)
        writer.write(YES.replace(b"yes", b"no!"))
        await heard(reader)
        writer.write(YES)

    assert run(loop, asked_twice(talk, pause=0.04)) == [b"yes"] * 2


def test_a_hint_before_the_reply_is_passed_over(loop: str) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await heard(reader)
        writer.write(b"HTTP/1.1 103 Early Hints\r\nlink: </style.css>\r\n\r\n" + YES)

    assert run(loop, asked_of(talk)) == b"yes"


def test_a_packed_reply_is_unpacked(loop: str) -> None:
    packed = gzip.compress(b"yes" * 1000)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await heard(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: %d\r\n\r\n%s" % (len(packed), packed))

    assert run(loop, asked_of(talk)) == b"yes" * 1000


def test_a_reply_that_unpacks_to_more_than_the_largest_is_no_reply(loop: str) -> None:
    packed = gzip.compress(bytes(LARGEST_REPLY + 1))

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await heard(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: %d\r\n\r\n%s" % (len(packed), packed))

    with pytest.raises(Misread, match="over 8 MiB"):
        run(loop, asked_of(talk))


def test_no_more_calls_are_in_flight_than_there_are_slots(loop: str) -> None:
    open_ones, most = 0, 0

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal open_ones, most
        while await heard(reader):
            open_ones += 1
            most = max(most, open_ones)
            await asyncio.sleep(0.01)
            open_ones -= 1
            writer.write(YES)

    async def work() -> list[bytes]:
        async with peer(talk) as url:
            pool = open_pool()
            answers = await asyncio.gather(*(ask(pool, url) for _ in range(2 * MOST)))
            await pool.aclose()
            return answers

    assert run(loop, work()) == [b"yes"] * 2 * MOST
    assert most <= MOST


def test_a_call_that_is_late_hangs_up(loop: str) -> None:
    async def work() -> bytes:
        last: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await heard(reader)
            last.set_result(await reader.read())

        async with peer(talk) as url, asyncio.timeout(PATIENCE):
            with pytest.raises(OutcomeUnknown):
                await ask(open_pool(), url, seconds=0.02)
            return await last

    assert run(loop, work()) == b""


def test_a_connection_that_the_server_gave_up_is_not_used_again(loop: str) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await heard(reader)
        writer.write(YES)

    assert run(loop, asked_twice(talk, pause=0.02)) == [b"yes"] * 2


# --- failures: sent or not? ------------------------------------------------------------------------


def test_where_nobody_listens_nothing_was_sent(loop: str) -> None:
    with pytest.raises(Unreachable, match=r"127\.0\.0\.1:1: ConnectError"):
        run(loop, asked("http://127.0.0.1:1"))


@pytest.mark.parametrize("url", ["ftp://localhost/", "http://localhost:1/"])
def test_what_cannot_be_asked_was_not_sent(loop: str, url: str) -> None:
    with pytest.raises(Unreachable):
        run(loop, asked(url))


def test_a_header_that_cannot_be_written_was_not_sent(loop: str) -> None:
    async def work() -> object:
        async with peer(always_yes) as url:
            return await send(open_pool(), httpx.Request("GET", url, headers={"authorization": "Token a\nb"}), PATIENCE)

    with pytest.raises(Unreachable, match="LocalProtocolError"):
        run(loop, work())


def test_a_server_that_hangs_up_without_a_word_leaves_the_outcome_unknown(loop: str) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await heard(reader)

    with pytest.raises(OutcomeUnknown, match="disconnected without sending a response"):
        run(loop, asked_of(talk))


def test_a_server_that_hangs_up_within_its_reply_leaves_the_outcome_unknown(loop: str) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await heard(reader)
        writer.write(YES[:-1])

    with pytest.raises(OutcomeUnknown, match="complete message body"):
        run(loop, asked_of(talk))


def test_a_server_that_does_not_answer_in_time_leaves_the_outcome_unknown(loop: str) -> None:
    with pytest.raises(OutcomeUnknown, match="ReadTimeout"):
        run(loop, asked_of(_silence, seconds=0.05))


def test_a_server_that_does_not_take_the_request_in_time_leaves_the_outcome_unknown(loop: str) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(PATIENCE)

    with pytest.raises(OutcomeUnknown, match="WriteTimeout"):
        run(loop, asked_of(talk, seconds=0.1, content=b"x" * 30_000_000))


def test_a_reply_without_an_end_is_read_no_further_than_the_largest(loop: str) -> None:
    sent: list[int] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await heard(reader)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            while True:
                writer.write(b"x" * 65536)
                await writer.drain()
                sent.append(65536)

    with pytest.raises(Misread, match="over 8 MiB"):
        run(loop, asked_of(talk))
    assert sum(sent) < 3 * LARGEST_REPLY  # what lay in the sockets' buffers comes on top


async def _silence(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await heard(reader)
    await asyncio.sleep(PATIENCE)


# --- no slot is lost -------------------------------------------------------------------------------


def test_calls_left_behind_at_a_deadline_cost_no_slot(loop: str) -> None:
    assert run(loop, _answers_after(_left_behind)) == [b"yes"] * MOST


def test_cancelled_calls_cost_no_slot(loop: str) -> None:
    assert run(loop, _answers_after(_cancelled)) == [b"yes"] * MOST


async def _answers_after(mishap: Callable[[Calls], Awaitable[None]]) -> list[bytes]:
    """What all slots of a pool at once bring, twice as many calls having come to grief before."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await heard(reader) != "/hang":
            await asyncio.sleep(0.01)  # so that no connection is free again before all are needed
            writer.write(YES)
        await asyncio.sleep(PATIENCE)

    async with peer(talk) as url:
        pool = open_pool()
        await mishap([asyncio.ensure_future(ask(pool, f"{url}/hang", 0.1)) for _ in range(2 * MOST)])
        answers = await asyncio.gather(*(ask(pool, url) for _ in range(MOST)))
        await pool.aclose()
        return answers


async def _cancelled(calls: Calls) -> None:
    await asyncio.sleep(0.02)
    for call in calls:
        call.cancel()
    await asyncio.wait(calls)


async def _left_behind(calls: Calls) -> None:
    """As quoting does it: the deadline passes, the calls end on their own time-outs."""
    done, pending = await asyncio.wait(calls, timeout=0.02)
    assert (len(done), len(pending)) == (0, 2 * MOST)
    assert {type(error) for error in await asyncio.gather(*calls, return_exceptions=True)} <= {OutcomeUnknown, Unreachable}


# --- TLS -------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with a key and a certificate for localhost that nobody has signed but itself."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(now - dt.timedelta(days=1)).not_valid_after(now + dt.timedelta(days=1))
    signed = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False).sign(
        key, hashes.SHA256()
    )
    secret = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path = tmp_path_factory.mktemp("tls") / "localhost.pem"
    path.write_bytes(secret + signed.public_bytes(serialization.Encoding.PEM))
    return path


def server_side(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def test_tls_is_spoken_with_a_server_whose_certificate_holds(loop: str, certificate: Path) -> None:
    async def work() -> list[bytes]:
        pool = httpx.AsyncHTTPTransport(verify=ssl.create_default_context(cafile=str(certificate)))
        async with peer(always_yes, server_side(certificate)) as url:
            answers = [await ask(pool, url) for _ in range(2)]
            await pool.aclose()
            return answers

    assert run(loop, work()) == [b"yes", b"yes"]


def test_nothing_is_sent_to_a_server_whose_certificate_does_not_hold(loop: str, certificate: Path) -> None:
    async def work() -> bytes:
        async with peer(always_yes, server_side(certificate)) as url:
            return await asked(url)

    with pytest.raises(Unreachable, match="certificate verify failed"):
        run(loop, work())


def test_a_server_that_does_not_speak_tls_is_given_up_in_time(loop: str) -> None:
    async def work() -> bytes:
        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await asyncio.sleep(PATIENCE)

        async with peer(talk) as url:
            return await asked(url.replace("http:", "https:"), seconds=0.1)

    with pytest.raises(Unreachable, match="ConnectTimeout"):
        run(loop, work())
