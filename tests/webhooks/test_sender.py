"""What goes out to an endpoint, and what never does: over real sockets, and before name servers that change their minds."""

from __future__ import annotations

import asyncio
import datetime as dt
import functools
import ssl
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gateway.webhooks import sender as sending
from gateway.webhooks import signing
from gateway.webhooks.schedule import Attempt
from gateway.webhooks.sender import Message, Sender, connection
from tests.webhooks.receiver import Receiver, Say, always, answer, listening, verified

NAME = "hooks.example.com"
SECRET = signing.new_secret()


def message(number: int = 1) -> Message:
    return Message(id=f"evt_{number}", body=b'{"type":"pickup.booked"}', secrets=(SECRET,))


async def sent(sender: Sender, url: str, *, test: bool = True, messages: int = 1) -> list[Attempt]:
    line = sender.line(url, test=test)
    try:
        return [await line.send(message(number)) for number in range(messages)]
    finally:
        await line.close()


def at(*addresses: str) -> Callable[[str, int], Awaitable[Sequence[str]]]:
    """A name server that always says so."""

    async def say(host: str, port: int) -> Sequence[str]:
        return addresses

    return say


async def to_loopback(say: Say, messages: int = 1, deadline: float = 5.0) -> tuple[list[Attempt], Receiver]:
    """Messages to an endpoint on loopback that the operator allows."""
    async with listening(say) as receiver:
        sender = Sender(frozenset({f"127.0.0.1:{receiver.port}"}), deadline=deadline)
        return await sent(sender, f"http://127.0.0.1:{receiver.port}/in?shop=1", messages=messages), receiver


def outcome(attempt: Attempt) -> tuple[int | None, str, str]:
    return attempt.status, attempt.answer, attempt.error


# --- what arrives ----------------------------------------------------------------------------------


def test_a_message_arrives_signed_with_its_id_and_the_time_of_this_try() -> None:
    (attempt,), receiver = asyncio.run(to_loopback(always(204)))
    (received,) = receiver.received
    assert (received.path, received.body) == ("/in?shop=1", b'{"type":"pickup.booked"}')
    assert verified(received.headers, received.body, SECRET)
    told = {name: received.headers[name] for name in ("webhook-id", "content-type", "host", "accept-encoding", "user-agent")}
    assert told == {
        "webhook-id": "evt_0",
        "content-type": "application/json",
        "host": f"127.0.0.1:{receiver.port}",
        "accept-encoding": "identity",
        "user-agent": "pickup-gateway-webhooks",
    }
    assert int(received.headers["webhook-timestamp"]) == int(attempt.at.timestamp())
    assert outcome(attempt) == (204, "", "")


def test_a_round_goes_over_one_connection() -> None:
    attempts, receiver = asyncio.run(to_loopback(always(), messages=5))
    assert ([one.status for one in attempts], receiver.connections) == ([200] * 5, 1)


def test_the_beginning_of_the_answer_is_kept_readable() -> None:
    (attempt,), _ = asyncio.run(to_loopback(always(500, b"line one\r\n\x1b[31m" + "नमस्ते".encode() + b"\xff" + b"x" * 2000)))
    assert attempt.answer.startswith("line one   [31mनमस्ते\ufffdxxx")
    assert len(attempt.answer) == 500


def test_an_answer_that_does_not_end_is_cut_off_and_counts_by_its_status() -> None:
    async def endless(received: object) -> bytes:
        return b"HTTP/1.1 200 X\r\ncontent-length: 900000000\r\n\r\n" + b"x" * (sending.LARGEST_ANSWER + 200_000)

    (attempt,), _ = asyncio.run(to_loopback(endless))
    assert outcome(attempt) == (200, "x" * 500, "")


def test_a_packed_answer_is_not_unpacked() -> None:
    packed = b"\x1f\x8b\x08\x00no gzip at all"
    (attempt,), _ = asyncio.run(to_loopback(always(200, packed, "content-encoding: gzip\r\n")))
    assert (attempt.status, attempt.error) == (200, "")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(status: int) -> None:
    async def elsewhere(received: object) -> bytes:
        return answer(status, headers="location: /elsewhere\r\n")

    (attempt,), receiver = asyncio.run(to_loopback(elsewhere))
    assert ([one.path for one in receiver.received], attempt.status, attempt.taken) == (["/in?shop=1"], status, False)


# --- what fails, and how it is told ----------------------------------------------------------------


def test_an_endpoint_that_hangs_up_has_not_answered() -> None:
    async def hang_up(received: object) -> None:
        return None

    (attempt,), _ = asyncio.run(to_loopback(hang_up))
    assert outcome(attempt) == (None, "", "RemoteProtocolError: Server disconnected without sending a response.")


def test_an_endpoint_that_takes_too_long_has_not_answered() -> None:
    async def sleep(received: object) -> None:
        await asyncio.sleep(5)

    (attempt,), _ = asyncio.run(to_loopback(sleep, deadline=0.05))
    assert outcome(attempt) == (None, "", "no answer within 0.05 s")


def test_an_endpoint_that_drips_its_answer_is_left_at_the_deadline() -> None:
    async def work() -> list[Attempt]:
        async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"HTTP/1.1 200 X\r\ncontent-length: 1000\r\n\r\n")
            for _ in range(1000):
                writer.write(b"x")
                await asyncio.sleep(0.02)

        server = await asyncio.start_server(drip, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        attempts = await sent(Sender(frozenset({f"127.0.0.1:{port}"}), deadline=0.2), f"http://127.0.0.1:{port}/")
        server.close()
        return attempts

    (attempt,) = asyncio.run(work())
    assert outcome(attempt) == (None, "", "no answer within 0.2 s")


def test_a_name_that_is_not_there_is_told() -> None:
    (attempt,) = asyncio.run(sent(Sender(), "https://no-such-name.invalid/"))
    assert attempt.error.startswith("the name cannot be resolved: ")


def test_an_endpoint_nobody_listens_at_is_told() -> None:
    (attempt,) = asyncio.run(sent(Sender(frozenset({"127.0.0.1:9"})), "http://127.0.0.1:9/"))
    assert (attempt.status, attempt.error.split(":")[0]) == (None, "ConnectError")


# --- certificates ----------------------------------------------------------------------------------


@functools.cache
def _authority() -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tests")])
    return _signed(x509.BasicConstraints(ca=True, path_length=0), name, name, key, key, "tests"), key


def _signed(
    basic: x509.BasicConstraints,
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    signer: ec.EllipticCurvePrivateKey,
    host: str,
) -> x509.Certificate:
    now = dt.datetime.now(dt.UTC)
    made = x509.CertificateBuilder(issuer, subject, key.public_key(), x509.random_serial_number(), now, now + dt.timedelta(1))
    names = x509.SubjectAlternativeName([x509.DNSName(host)])
    return made.add_extension(basic, critical=True).add_extension(names, critical=False).sign(signer, hashes.SHA256())


def server_for(host: str, folder: Path) -> ssl.SSLContext:
    """A server that shows a certificate for this name."""
    authority, signer = _authority()
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    made = _signed(x509.BasicConstraints(ca=False, path_length=None), subject, authority.subject, key, signer, host)
    plain = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path = folder / f"{host}.pem"
    path.write_bytes(key.private_bytes(serialization.Encoding.PEM, *plain) + made.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


def trusting() -> ssl.SSLContext:
    pem = _authority()[0].public_bytes(serialization.Encoding.PEM).decode()
    return ssl.create_default_context(cadata=pem)


async def over_tls(certificate_for: str, folder: Path) -> tuple[Attempt, Receiver]:
    """To hooks.example.com, which is at loopback, where a server shows a certificate for some name."""
    async with listening(always(), server_for(certificate_for, folder)) as receiver:
        sender = Sender(frozenset({f"{NAME}:{receiver.port}"}), at("127.0.0.1"), lambda: connection(trusting()))
        (attempt,) = await sent(sender, f"https://{NAME}:{receiver.port}/in")
        return attempt, receiver


def test_the_endpoint_is_called_by_number_and_meant_by_name(tmp_path: Path) -> None:
    attempt, receiver = asyncio.run(over_tls(NAME, tmp_path))
    assert (outcome(attempt), receiver.names) == ((200, "", ""), [NAME])
    assert receiver.received[0].headers["host"] == f"{NAME}:{receiver.port}"


def test_a_certificate_for_another_name_is_refused_and_nothing_is_sent(tmp_path: Path) -> None:
    attempt, receiver = asyncio.run(over_tls("other.example.com", tmp_path))
    assert (attempt.status, receiver.received) == (None, [])
    assert "CERTIFICATE_VERIFY_FAILED" in attempt.error


def test_a_certificate_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    async def work() -> Attempt:
        async with listening(always(), server_for(NAME, tmp_path)) as receiver:
            sender = Sender(frozenset({f"{NAME}:{receiver.port}"}), at("127.0.0.1"))
            return (await sent(sender, f"https://{NAME}:{receiver.port}/in"))[0]

    attempt = asyncio.run(work())
    assert attempt.status is None and "CERTIFICATE_VERIFY_FAILED" in attempt.error


# --- never inside ----------------------------------------------------------------------------------


class Wire:
    """Stands in for the network: notes every address that was connected to. `down`: those that do not answer."""

    def __init__(self, *down: str) -> None:
        self.called: list[str] = []
        self._down = down

    def __call__(self) -> httpx.AsyncBaseTransport:
        return httpx.MockTransport(self._meet)

    def _meet(self, request: httpx.Request) -> httpx.Response:
        self.called.append(request.url.host)
        if request.url.host in self._down:
            raise httpx.ConnectError("nobody there")
        return httpx.Response(200, stream=httpx.ByteStream(b"ok"))


def test_a_name_server_that_changes_its_mind_changes_nothing() -> None:
    """DNS rebinding: public when it is checked, inside a moment later; and within a round it is asked once."""
    wire, asked = Wire(), 0

    async def rebinding(host: str, port: int) -> Sequence[str]:
        nonlocal asked
        asked += 1
        return ["93.184.216.34"] if asked % 2 else ["169.254.169.254"]

    async def work() -> list[Attempt]:
        sender = Sender(resolve=rebinding, open_connection=wire)
        rounds = [await sent(sender, f"https://{NAME}/", test=False, messages=2 - number % 2) for number in range(1000)]
        return [one for round_ in rounds for one in round_]

    attempts = asyncio.run(work())
    assert (set(wire.called), asked) == ({"93.184.216.34"}, 1000)
    assert [one.status for one in attempts] == [200, 200, None] * 500
    assert {one.error for one in attempts if one.error} == {
        f"Forbidden: {NAME} is at 169.254.169.254, which is not a public address"
    }


@pytest.mark.parametrize(
    "inside", ["127.0.0.1", "10.0.0.8", "::1", "::ffff:10.0.0.8", "64:ff9b::a00:8", "fd00::8", "169.254.169.254"]
)
def test_a_name_that_is_inside_or_half_inside_is_never_connected_to(inside: str) -> None:
    for addresses in ([inside], ["8.8.8.8", inside], [inside, "8.8.8.8"]):
        wire = Wire()
        (attempt,) = asyncio.run(sent(Sender(resolve=at(*addresses), open_connection=wire), f"https://{NAME}/"))
        assert (wire.called, attempt.error) == ([], f"Forbidden: {NAME} is at {inside}, which is not a public address")


def test_in_live_mode_nothing_on_loopback_is_called_even_where_tests_may() -> None:
    async def work() -> tuple[list[Attempt], int]:
        async with listening(always()) as receiver:
            sender = Sender(frozenset({f"127.0.0.1:{receiver.port}"}))
            return await sent(sender, f"http://127.0.0.1:{receiver.port}/", test=False), receiver.connections

    (attempt,), connections = asyncio.run(work())
    assert (attempt.error, connections) == ("Forbidden: must begin with https://", 0)


def test_a_real_name_for_this_very_machine_is_not_connected_to() -> None:
    """Over the machine's own resolver: localhost as a public-looking name would be."""

    async def work() -> tuple[list[Attempt], int]:
        async with listening(always()) as receiver:
            sender = Sender(resolve=lambda host, port: sending.resolve("localhost", receiver.port))
            return await sent(sender, f"https://{NAME}/"), receiver.connections

    (attempt,), connections = asyncio.run(work())
    assert attempt.error.startswith(f"Forbidden: {NAME} is at ")
    assert connections == 0


def test_a_second_address_is_called_where_the_first_is_not_there_and_no_fourth() -> None:
    wire = Wire("8.8.8.8")
    sender = Sender(resolve=at("8.8.8.8", "1.1.1.1"), open_connection=wire)
    (attempt,) = asyncio.run(sent(sender, f"https://{NAME}/"))
    assert (attempt.status, wire.called) == (200, ["8.8.8.8", "1.1.1.1"])
    wire = Wire("8.8.8.1", "8.8.8.2", "8.8.8.3")
    sender = Sender(resolve=at("8.8.8.1", "8.8.8.2", "8.8.8.3", "8.8.8.4"), open_connection=wire)
    (attempt,) = asyncio.run(sent(sender, f"https://{NAME}/"))
    assert (attempt.status, wire.called) == (None, ["8.8.8.1", "8.8.8.2", "8.8.8.3"])
