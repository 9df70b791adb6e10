"""Where an endpoint may be, over a corpus of places that attackers name."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.webhooks.guard import Forbidden, Place, admit, is_open, place_of

CLOSED = """
    0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.127.255.255 127.0.0.1 127.1.2.3 169.254.169.254 172.16.0.1 172.31.255.255
    192.0.0.1 192.0.0.170 192.0.0.255 192.0.2.1 192.31.196.1 192.52.193.1 192.88.99.1 192.168.1.1 192.175.48.1 198.18.0.1
    198.19.255.255 198.51.100.7 203.0.113.7 224.0.0.1 239.255.255.250 240.0.0.1 255.255.255.255
    :: ::1 ::127.0.0.1 ::8.8.8.8 ::ffff:127.0.0.1 ::ffff:8.8.8.8 ::ffff:0:127.0.0.1 64:ff9b::7f00:1 64:ff9b::808:808
    64:ff9b:1::a00:1 100::1 2001::1 2001:0:4136:e378:8000:63bf:3fff:fdd2
    2001:10::1 2001:20::1 2001:2::1 2001:db8::1 2002:7f00:1::1 2002:808:808::1
    3fff::1 2620:4f:8000::1 4000::1 5f00::1 fc00::1 fd12:3456:789a::1 fe80::1 fe80::1%eth0 2606:4700::1%eth0 fec0::1 ff02::1 ff0e::1
    localhost 127.1 0x7f000001 2130706433 017700000001 1.1.1 1.1.1.1.1
"""
OPEN = """
    1.1.1.1 8.8.8.8 100.63.255.255 100.128.0.1 172.15.0.1 172.32.0.1 192.0.1.1 223.255.255.255 2606:4700::1111 2a00:1450::1
"""


@pytest.mark.parametrize("address", CLOSED.split())
def test_what_is_inside_or_no_plain_number_is_closed(address: str) -> None:
    assert not is_open(address)


@pytest.mark.parametrize("address", OPEN.split())
def test_what_is_public_is_open(address: str) -> None:
    assert is_open(address)


@given(st.ip_addresses())
def test_nothing_is_open_that_python_knows_to_be_private(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    assert not (is_open(str(address)) and (address.is_private or address.is_multicast or address.is_link_local))


@given(st.ip_addresses(v=4))
def test_no_ipv4_address_hides_in_an_ipv6_one(address: ipaddress.IPv4Address) -> None:
    number = int(address)
    hidden = [number, number | 0xFFFF << 32, number | 0x64FF9B << 96, (0x2002 << 112) | (number << 80), 0x2001 << 112 | number]
    assert [is_open(str(ipaddress.IPv6Address(one))) for one in hidden] == [False] * 5


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://hooks.example.com/in", "must begin with https://"),
        ("ftp://hooks.example.com/", "must begin with https://"),
        ("file:///etc/passwd", "must begin with https://"),
        ("//hooks.example.com/", "must begin with https://"),
        ("https://hooks.example.com:22/", "must be at port 443 or 8443"),
        ("https://hooks.example.com:6379/", "must be at port 443 or 8443"),
        ("https://hooks.example.com:99999/", "is no URL"),
        ("https://hooks.example.com:x/", "is no URL"),
        ("https://[::1", "is no URL"),
        ("https://user:word@hooks.example.com/", "must hold no user or password: check the signature instead"),
        ("https://@hooks.example.com/", "must hold no user or password: check the signature instead"),
        ("https://hooks.example.com/#here", "must have no fragment"),
        ("https://hooks.example.com#@127.0.0.1/", "must have no fragment"),
        ("https://127.0.0.1/", "127.0.0.1 is not a public address"),
        ("https://[::1]/", "::1 is not a public address"),
        ("https://[::ffff:10.0.0.1]/", "::ffff:10.0.0.1 is not a public address"),
        ("https://[64:ff9b::7f00:1]/", "64:ff9b::7f00:1 is not a public address"),
        ("https://169.254.169.254/latest/meta-data", "169.254.169.254 is not a public address"),
        ("https://localhost/", "must name a public host, such as hooks.example.com"),
        ("https://127.1/", "must name a public host, such as hooks.example.com"),
        ("https://2130706433/", "must name a public host, such as hooks.example.com"),
        ("https://0x7f.0.0.1/", "must name a public host, such as hooks.example.com"),
        ("https://hooks.example.com./", "must name a public host, such as hooks.example.com"),
        ("https://-hooks.example.com/", "must name a public host, such as hooks.example.com"),
        ("https://" + "a" * 64 + ".example.com/", "must name a public host, such as hooks.example.com"),
        ("https:///in", "must name a public host, such as hooks.example.com"),
        ("https://hooks.example.com\\@127.0.0.1/", "must be written in ASCII without spaces, a name beyond it as xn--..."),
        ("https://hooks.example.com/\r\nHost: x", "must be written in ASCII without spaces, a name beyond it as xn--..."),
        ("https://h\u00f6oks.example.com/", "must be written in ASCII without spaces, a name beyond it as xn--..."),
        ("https://127\u30020\u30020\u30021/", "must be written in ASCII without spaces, a name beyond it as xn--..."),
    ],
)  # fmt: skip
def test_a_url_that_must_not_be_called_is_refused_with_the_reason(url: str, why: str) -> None:
    with pytest.raises(Forbidden) as refused:
        place_of(url)
    assert str(refused.value) == why


@pytest.mark.parametrize(
    ("url", "host", "port", "path", "authority"),
    [
        ("https://hooks.example.com", "hooks.example.com", 443, "/", "hooks.example.com"),
        ("https://Hooks.Example.com:8443/in?a=b", "hooks.example.com", 8443, "/in?a=b", "hooks.example.com:8443"),
        ("https://1.1.1.1/in", "1.1.1.1", 443, "/in", "1.1.1.1"),
        ("https://[2606:4700::1111]:8443/", "2606:4700::1111", 8443, "/", "[2606:4700::1111]:8443"),
    ],
)
def test_a_public_https_address_is_a_place(url: str, host: str, port: int, path: str, authority: str) -> None:
    place = place_of(url)
    assert (place.scheme, place.host, place.port, place.path, place.authority) == ("https", host, port, path, authority)


def test_loopback_is_a_place_only_where_the_operator_allows_that_port() -> None:
    allow = frozenset({"127.0.0.1:9000"})
    inside = Place(scheme="http", host="127.0.0.1", port=9000, path="/in", inside=True)
    assert place_of("http://127.0.0.1:9000/in", allow) == inside
    for other in ("http://127.0.0.1:9001/in", "http://127.0.0.2:9000/in", "ftp://127.0.0.1:9000/in"):
        with pytest.raises(Forbidden):
            place_of(other, allow)


@pytest.mark.parametrize(
    ("inside", "addresses", "why"),
    [
        (False, [], "hooks.example.com has no address"),
        (False, ["8.8.8.8", "127.0.0.1"], "hooks.example.com is at 127.0.0.1, which is not a public address"),
        (False, ["::ffff:8.8.8.8"], "hooks.example.com is at ::ffff:8.8.8.8, which is not a public address"),
        (True, ["10.0.0.1"], "hooks.example.com is at 10.0.0.1, which is not loopback"),
        (True, ["8.8.8.8"], "hooks.example.com is at 8.8.8.8, which is not loopback"),
    ],
)
def test_one_closed_address_closes_the_whole_name(inside: bool, addresses: list[str], why: str) -> None:
    place = Place(scheme="https", host="hooks.example.com", port=443, path="/", inside=inside)
    with pytest.raises(Forbidden) as refused:
        admit(place, addresses)
    assert str(refused.value) == why


def test_open_addresses_are_called_in_the_resolvers_order_once_each() -> None:
    place = Place(scheme="https", host="hooks.example.com", port=443, path="/")
    assert admit(place, ["8.8.8.8", "1.1.1.1", "8.8.8.8"]) == ("8.8.8.8", "1.1.1.1")
