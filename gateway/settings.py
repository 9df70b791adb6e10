"""Configuration from the environment, read once, refused with the cure when wrong."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import parse_qsl, quote, urlsplit

import msgspec

_TLS_CHECKS = {"ssl_cert_reqs": "required", "ssl_check_hostname": "true"}
_LONGEST_SOCKET_PATH = 107  # bytes, of `sun_path` in unix(7) without its closing zero


class BadSetting(ValueError):
    """A setting that cannot be used; the text names it, says what is wrong and what to do."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """`port` serves the API on 127.0.0.1 unless `host` says otherwise; the lab listens on `lab_port` (0: any free one)."""

    data_dir: Path
    host: str = "127.0.0.1"
    port: int = 8080
    lab_port: int = 0
    redis_url: str = ""
    database_url: str = ""
    database_pool: int = 10
    master_key: str = ""
    master_key_file: Path | None = None
    egress_allow: frozenset[str] = frozenset()
    workers: int = 1
    public_url: str = ""
    currency_rates_file: Path | None = None
    rate_limit: tuple[int, int] = (6000, 10)  # requests of a key, in so many seconds
    metrics_token: str = ""
    metrics_host: str = "127.0.0.1"
    metrics_port: int = 0  # of a worker or relay; 0: none
    retention_days: int = 180  # after its end, until people are erased from a pickup; 0: never

    @property
    def currency_rates(self) -> Path:
        """Where the dated currency rates stand, if anywhere."""
        return self.currency_rates_file or self.data_dir / "currency_rates.toml"

    @property
    def database(self) -> str:
        """As SQLAlchemy takes it: PostgreSQL by its driver psycopg 3."""
        scheme, _, rest = self.database_url.partition("://")
        if scheme in ("postgres", "postgresql"):
            return f"postgresql+psycopg://{rest}"
        return self.database_url or f"sqlite:///{self.data_dir / 'gateway.db'}"

    @property
    def sqlite(self) -> bool:
        return self.database.startswith("sqlite")

    @property
    def redis_socket(self) -> Path:
        """In the data folder; where its path is too long for a socket, in a short private folder named after it."""
        beside = self.data_dir / "valkey.sock"
        return beside if len(os.fsencode(beside)) <= _LONGEST_SOCKET_PATH else _short_folder(self.data_dir) / "valkey.sock"

    @property
    def redis(self) -> str:
        return self.redis_url or f"unix://{quote(str(self.redis_socket))}"

    @property
    def lab_address(self) -> Path:
        """The file in which a running lab says where it listens."""
        return self.data_dir / "lab.url"

    @property
    def api_url(self) -> str:
        return self.public_url or f"http://{self.host}:{self.port}"


def from_environment(environment: Mapping[str, str] = os.environ) -> Settings:
    """Raises BadSetting naming the variable."""
    return Settings(
        data_dir=Path(environment.get("GATEWAY_DATA_DIR") or _default_data_dir(environment)).expanduser().resolve(),
        host=environment.get("GATEWAY_HOST") or "127.0.0.1",
        port=_number(environment, "GATEWAY_PORT", 8080),
        lab_port=_number(environment, "GATEWAY_LAB_PORT", 0),
        redis_url=_redis_url(environment),
        database_url=_url(environment, "DATABASE_URL", ("sqlite:///", "postgresql://", "postgres://", "postgresql+psycopg://")),
        database_pool=_number(environment, "GATEWAY_DATABASE_POOL", 10, least=1),
        master_key=environment.get("GATEWAY_MASTER_KEY", ""),
        master_key_file=_file(environment, "GATEWAY_MASTER_KEY_FILE"),
        egress_allow=frozenset(environment.get("GATEWAY_EGRESS_ALLOW", "").replace(",", " ").split()),
        workers=_number(environment, "GATEWAY_WORKERS", 1),
        public_url=environment.get("GATEWAY_PUBLIC_URL", "").rstrip("/"),
        currency_rates_file=_file(environment, "GATEWAY_CURRENCY_RATES"),
        rate_limit=_rate(environment, "GATEWAY_RATE_LIMIT", (6000, 10)),
        metrics_token=_text(environment, "GATEWAY_METRICS_TOKEN"),
        metrics_host=environment.get("GATEWAY_METRICS_HOST") or "127.0.0.1",
        metrics_port=_number(environment, "GATEWAY_METRICS_PORT", 0),
        retention_days=_number(environment, "GATEWAY_RETENTION_DAYS", 180),
    )


def _short_folder(data_dir: Path) -> Path:
    """The same for every process that works on this data folder."""
    name = f"pickup-gateway-{hashlib.blake2b(os.fsencode(data_dir), digest_size=6).hexdigest()}"
    own = Path(f"/run/user/{os.getuid()}")
    return own / name if own.is_dir() else Path(tempfile.gettempdir()) / f"{name}-{os.getuid()}"


def _default_data_dir(environment: Mapping[str, str]) -> str:
    return str(Path(environment.get("XDG_DATA_HOME") or "~/.local/share") / "pickup-gateway")


def _file(environment: Mapping[str, str], name: str) -> Path | None:
    text = environment.get(name, "")
    if text and not Path(text).expanduser().is_file():
        raise BadSetting(f"{name}={text!r} names no file")
    return Path(text).expanduser().resolve() if text else None


def _number(environment: Mapping[str, str], name: str, default: int, least: int = 0) -> int:
    text = environment.get(name) or str(default)
    if not text.isdecimal() or not least <= int(text) <= 65535:
        raise BadSetting(f"{name}={text!r} is not a number from {least} to 65535; leave it out for {default}")
    return int(text)


def _rate(environment: Mapping[str, str], name: str, default: tuple[int, int]) -> tuple[int, int]:
    text = environment.get(name) or "{}/{}".format(*default)
    found = re.fullmatch(r"([1-9]\d{0,6})/([1-9]\d{0,4})", text, re.ASCII)
    if not found:
        raise BadSetting(f"{name}={text!r} is not REQUESTS/SECONDS; leave it out for {'{}/{}'.format(*default)}")
    return int(found[1]), int(found[2])


def _redis_url(environment: Mapping[str, str]) -> str:
    """What the library would pass over in silence is refused: a database that is no number, TLS that checks nothing."""
    text = _url(environment, "REDIS_URL", ("redis://", "rediss://", "unix://"))
    parts = urlsplit(text)
    number = "" if parts.scheme == "unix" else parts.path.strip("/")
    if number and not number.isdecimal():
        raise BadSetting(f"REDIS_URL names database {number!r}: it must be a number, as in redis://host:6379/1")
    if any(value.lower() != _TLS_CHECKS.get(name, value.lower()) for name, value in parse_qsl(parts.query)):
        raise BadSetting("REDIS_URL switches TLS verification off: name your certificate authority with ?ssl_ca_certs=FILE instead")
    return text


def _text(environment: Mapping[str, str], name: str) -> str:
    """The value, or what stands in the file that NAME_FILE names: so are secrets handed to containers."""
    path = None if environment.get(name) else _file(environment, f"{name}_FILE")
    return path.read_text().strip() if path else environment.get(name, "")


def _url(environment: Mapping[str, str], name: str, schemes: tuple[str, ...]) -> str:
    text = _text(environment, name)
    if text and not text.startswith(schemes):
        raise BadSetting(f"{name} must start with one of {', '.join(schemes)}")
    try:
        _ = urlsplit(text).port
    except ValueError as error:
        raise BadSetting(f"{name} cannot be read: write special characters of a password as %40, %2F, %23...") from error
    return text
