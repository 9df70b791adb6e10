from __future__ import annotations

import os
from pathlib import Path

import pytest

from gateway.settings import BadSetting, Settings, from_environment


def given(**environment: str) -> Settings:
    return from_environment({"GATEWAY_DATA_DIR": "/srv/gateway", **environment})


def test_nothing_has_to_be_set():
    settings = from_environment({})
    assert settings == Settings(data_dir=Path("~/.local/share/pickup-gateway").expanduser().resolve())
    assert (settings.host, settings.port, settings.workers) == ("127.0.0.1", 8080, 1)


def test_an_empty_variable_is_one_that_is_not_set():
    names = "GATEWAY_HOST GATEWAY_PORT GATEWAY_LAB_PORT REDIS_URL DATABASE_URL GATEWAY_MASTER_KEY GATEWAY_WORKERS"
    assert given(**dict.fromkeys(names.split(), "")) == given()


@pytest.mark.parametrize(
    ("variable", "value", "field", "expected"),
    [
        ("GATEWAY_HOST", "0.0.0.0", "host", "0.0.0.0"),
        ("GATEWAY_PORT", "9000", "port", 9000),
        ("GATEWAY_LAB_PORT", "8090", "lab_port", 8090),
        ("REDIS_URL", "rediss://cache:6380/1", "redis", "rediss://cache:6380/1"),
        ("DATABASE_URL", "postgresql+psycopg://db/gateway", "database", "postgresql+psycopg://db/gateway"),
        ("DATABASE_URL", "postgresql://db/gateway?sslmode=require", "database", "postgresql+psycopg://db/gateway?sslmode=require"),
        ("DATABASE_URL", "postgres://db/gateway", "database", "postgresql+psycopg://db/gateway"),
        ("DATABASE_URL", "sqlite:////srv/other.db", "database", "sqlite:////srv/other.db"),
        ("GATEWAY_DATABASE_POOL", "25", "database_pool", 25),
        ("GATEWAY_RATE_LIMIT", "600/60", "rate_limit", (600, 60)),
        ("REDIS_URL", "unix:///run/redis.sock?db=2", "redis", "unix:///run/redis.sock?db=2"),
        ("REDIS_URL", "rediss://:p%40ss@cache/0?ssl_ca_certs=/ca.pem", "redis", "rediss://:p%40ss@cache/0?ssl_ca_certs=/ca.pem"),
        ("GATEWAY_MASTER_KEY", "abc=", "master_key", "abc="),
        (
            "GATEWAY_EGRESS_ALLOW",
            " 10.0.0.1,  hooks.test ",
            "egress_allow",
            frozenset({"10.0.0.1", "hooks.test"}),
        ),
        ("GATEWAY_WORKERS", "4", "workers", 4),
        ("GATEWAY_PUBLIC_URL", "https://returns.test/", "api_url", "https://returns.test"),
    ],
)
def test_each_variable_sets_its_own(variable, value, field, expected):
    assert getattr(given(**{variable: value}), field) == expected


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("GATEWAY_PORT", "http"),
        ("GATEWAY_PORT", "-1"),
        ("GATEWAY_PORT", "65536"),
        ("GATEWAY_PORT", "80.5"),
        ("GATEWAY_LAB_PORT", "x"),
        ("GATEWAY_WORKERS", "many"),
        ("REDIS_URL", "localhost:6379"),
        ("REDIS_URL", "redis://:p#ss@cache:6379"),
        ("REDIS_URL", "redis://cache:http"),
        ("REDIS_URL", "redis://cache/gateway"),
        ("REDIS_URL", "rediss://cache/0?ssl_cert_reqs=none"),
        ("REDIS_URL", "rediss://cache/0?ssl_check_hostname=False"),
        ("GATEWAY_DATABASE_POOL", "0"),
        ("GATEWAY_RATE_LIMIT", "600"),
        ("GATEWAY_RATE_LIMIT", "0/10"),
        ("GATEWAY_RATE_LIMIT", "600/0"),
        ("GATEWAY_RATE_LIMIT", "600/60\n"),
        ("DATABASE_URL", "postgresql://gateway:p/w@db/gateway"),
        ("DATABASE_URL", "mysql://db/gateway"),
        ("DATABASE_URL", "postgresql+asyncpg://db/gateway"),
        ("DATABASE_URL", "/srv/gateway.db"),
        ("GATEWAY_CURRENCY_RATES", "/nowhere/rates.csv"),
    ],
)
def test_a_value_that_cannot_be_used_is_refused_by_the_name_of_its_variable(variable, value):
    with pytest.raises(BadSetting, match=variable):
        given(**{variable: value})


def test_a_password_in_an_address_is_not_told():
    with pytest.raises(BadSetting) as raised:
        given(DATABASE_URL="mysql://gateway:hush@db/gateway")
    assert "hush" not in str(raised.value)


def test_everything_lies_in_the_data_folder_unless_told_otherwise():
    settings = given()
    assert (settings.database, settings.sqlite, settings.redis, settings.lab_address, settings.api_url) == (
        "sqlite:////srv/gateway/gateway.db",
        True,
        "unix:///srv/gateway/valkey.sock",
        Path("/srv/gateway/lab.url"),
        "http://127.0.0.1:8080",
    )


def test_the_data_folder_may_be_given_by_the_desktops_convention():
    assert from_environment({"XDG_DATA_HOME": "/srv/share"}).data_dir == Path("/srv/share/pickup-gateway")


def test_a_data_folder_is_made_absolute(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert from_environment({"GATEWAY_DATA_DIR": "data"}).data_dir == tmp_path.resolve() / "data"


def test_a_folder_too_deep_for_a_socket_has_its_socket_elsewhere_and_always_at_the_same_place():
    deep = Settings(data_dir=Path("/srv") / ("d" * 120))
    assert len(os.fsencode(deep.redis_socket)) <= 107
    assert deep.redis_socket == Settings(data_dir=deep.data_dir).redis_socket
    assert deep.redis_socket != Settings(data_dir=Path("/srv") / ("e" * 120)).redis_socket


def test_a_socket_in_a_folder_with_odd_characters_is_written_as_an_address():
    assert given(GATEWAY_DATA_DIR="/srv/my gateway#1").redis == "unix:///srv/my%20gateway%231/valkey.sock"
