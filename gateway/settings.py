"""Configuration from the environment, read once, refused with the cure when wrong."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

import msgspec

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
    master_key: str = ""
    egress_allow: frozenset[str] = frozenset()
    workers: int = 1
    public_url: str = ""
    currency_rates_file: Path | None = None

    @property
    def currency_rates(self) -> Path:
        """Where the dated currency rates stand, if anywhere."""
        return self.currency_rates_file or self.data_dir / "currency_rates.toml"

    @property
    def database(self) -> str:
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
        redis_url=_url(environment, "REDIS_URL", ("redis://", "rediss://", "unix://")),
        database_url=_url(environment, "DATABASE_URL", ("sqlite:///", "postgresql")),
        master_key=environment.get("GATEWAY_MASTER_KEY", ""),
        egress_allow=frozenset(environment.get("GATEWAY_EGRESS_ALLOW", "").replace(",", " ").split()),
        workers=_number(environment, "GATEWAY_WORKERS", 1),
        public_url=environment.get("GATEWAY_PUBLIC_URL", "").rstrip("/"),
        currency_rates_file=_file(environment, "GATEWAY_CURRENCY_RATES"),
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


def _number(environment: Mapping[str, str], name: str, default: int) -> int:
    text = environment.get(name) or str(default)
    if not text.isdecimal() or int(text) > 65535:
        raise BadSetting(f"{name}={text!r} is not a number from 0 to 65535; leave it out for {default}")
    return int(text)


def _url(environment: Mapping[str, str], name: str, schemes: tuple[str, ...]) -> str:
    text = environment.get(name, "")
    if text and not text.startswith(schemes):
        raise BadSetting(f"{name} must start with one of {', '.join(schemes)}")
    return text
