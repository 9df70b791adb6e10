"""The image and compose.yaml as far as they can be held against the code without an engine; and the handbook's tables."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from gateway import metrics, settings
from gateway.cli import _COMMANDS
from gateway.processes import health
from gateway.processes import metrics as port
from gateway.services import gauges
from gateway.settings import BadSetting, Settings, from_environment
from tests.processes.running import free_port

ROOT = Path(__file__).parents[2]
HANDBOOK = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
OURS = ("migrate", "api", "work", "relay")


class Step(msgspec.Struct, frozen=True):
    word: str
    rest: str


def steps() -> list[Step]:
    lines = [line for line in (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    return [Step(*line.split(maxsplit=1)) for line in lines]


def stages() -> list[list[Step]]:
    found: list[list[Step]] = []
    for step in steps():
        if step.word == "FROM":
            found.append([])
        found[-1].append(step)
    return found


def last(word: str) -> str:
    return [step.rest for step in stages()[-1] if step.word == word][-1]


def copied() -> Iterator[str]:
    for step in steps():
        if step.word == "COPY" and not step.rest.startswith("--from="):
            yield from step.rest.split()[:-1]


# --- the image -----------------------------------------------------------------------------------------


def test_every_step_is_one_we_know():
    assert {step.word for step in steps()} <= {
        "FROM", "ENV", "RUN", "WORKDIR", "COPY", "USER", "EXPOSE", "HEALTHCHECK", "ENTRYPOINT", "CMD",
    }  # fmt: skip


def test_it_is_built_in_two_stages_on_an_image_whose_python_we_support():
    bases = [stage[0].rest.split()[0] for stage in stages()]
    assert bases == ["python:3.11-slim"] * 2
    assert [step.rest for step in stages()[1] if step.word == "COPY"] == ["--from=build /opt/gateway /opt/gateway"]


def test_nothing_runs_as_root():
    user = last("USER")
    assert user == "gateway"
    assert any(step.rest.startswith("useradd") and "--uid 10001" in step.rest and user in step.rest for step in stages()[-1])
    after = stages()[-1][[step.word for step in stages()[-1]].index("USER") :]
    assert "RUN" not in [step.word for step in after]


def test_what_is_copied_is_there_and_reaches_the_builder():
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert [name for name in copied() if not (ROOT / name).exists()] == []
    assert set(copied()) == kept


def test_every_requirement_is_installed_by_its_hash():
    installs = [step.rest for step in steps() if "pip install" in step.rest]
    assert ["--require-hashes" in one or one.endswith("--no-deps --no-build-isolation .") for one in installs] == [True, True]
    text = (ROOT / "requirements.txt").read_text()
    pinned = re.split(r"\n(?=\S)", text.strip())
    assert [one.split()[0] for one in pinned if "==" in one and "--hash=sha256:" not in one] == []
    needed = re.findall(r'^    "([a-zA-Z0-9-]+)', (ROOT / "pyproject.toml").read_text().partition("[project.optional")[0], re.M)
    assert {name.lower() for name in needed} - set(re.findall(r"^([a-z0-9-]+)==", text, re.M)) == set()


def test_the_commands_it_runs_are_ours():
    assert json.loads(last("ENTRYPOINT")) == ["gateway"]
    assert json.loads(last("CMD"))[0] in _COMMANDS
    check = json.loads(last("HEALTHCHECK").partition("CMD ")[2])
    assert check == ["python", "-m", health.__name__]


def test_no_registry_is_named_anywhere_in_it():
    images = [COMPOSE["services"][name]["image"] for name in COMPOSE["services"]]
    assert set(images) == {"pickup-gateway", "postgres:15", "redis:7"}
    text = "".join((ROOT / name).read_text() for name in ("Dockerfile", "compose.yaml", "requirements.txt"))
    assert re.findall(r"https?://[^\s\"']+|--(?:extra-)?index-url", text) == []


# --- compose -------------------------------------------------------------------------------------------


def service(name: str) -> dict[str, Any]:
    found: dict[str, Any] = COMPOSE["services"][name]
    return found


def test_the_services_are_these_in_these_numbers():
    numbers = {name: one.get("deploy", {}).get("replicas", 1) for name, one in COMPOSE["services"].items()}
    assert numbers == {"postgres": 1, "redis": 1, "migrate": 1, "api": 2, "work": 2, "relay": 1}


@pytest.mark.parametrize("name", OURS)
def test_each_of_ours_runs_a_command_of_ours_on_a_read_only_root_with_no_new_privileges(name):
    found = service(name)
    assert found["command"][0] in _COMMANDS
    assert (found["read_only"], found["cap_drop"], found["security_opt"]) == (True, ["ALL"], ["no-new-privileges:true"])
    assert [mount.partition(":")[0] for mount in found["tmpfs"]] == ["/tmp", "/data"]


@pytest.mark.parametrize("name", sorted(COMPOSE["services"]))
def test_every_service_is_read_only_and_gains_no_privileges(name):
    assert (service(name)["read_only"], service(name)["security_opt"]) == (True, ["no-new-privileges:true"])


@pytest.mark.parametrize("name", OURS)
def test_its_settings_are_known_and_its_secrets_come_by_file(name):
    known = set(re.findall(r"`([A-Z_]+)`", table()))
    assert set(service(name)["environment"]) <= known
    plain = {key: str(value) for key, value in service(name)["environment"].items()}
    assert not any(word in key and not key.endswith("_FILE") for key in plain for word in ("MASTER_KEY", "TOKEN", "DATABASE_URL"))
    named = {value.rpartition("/")[2] for key, value in plain.items() if value.startswith("/run/secrets/")}
    assert named == set(service(name)["secrets"]) <= set(COMPOSE["secrets"])


@pytest.mark.parametrize("name", OURS)
def test_its_settings_can_be_read(name, tmp_path):
    """The values as they are there, the files' folder apart."""
    contents = {"database_url": "postgresql://gateway:pw@postgres/gateway\n", "master_key": "k\n", "metrics_token": "scrape-me\n"}
    for file, text in contents.items():
        (tmp_path / file).write_text(text)
    environment = {key: str(value).replace("/run/secrets", str(tmp_path)) for key, value in service(name)["environment"].items()}
    environment = {key: re.sub(r"\$\{\w+:-(\w*)\}", r"\1", value) for key, value in environment.items()}
    found = from_environment(environment)
    assert (found.database, found.metrics_token) == ("postgresql+psycopg://gateway:pw@postgres/gateway", "scrape-me")
    assert found.metrics_port == (9100 if name in ("work", "relay") else 0)
    assert (found.retention_days, found.master_key_file) == (180, tmp_path / "master_key")


def test_nothing_starts_before_the_migration_has_ended_and_the_migration_not_before_the_database():
    assert {name: list(service(name)["depends_on"]) for name in OURS} == {
        "migrate": ["postgres"],
        "api": ["migrate", "redis"],
        "work": ["migrate", "redis"],
        "relay": ["migrate", "redis"],
    }
    assert service("migrate")["command"] == ["db", "upgrade"]


def test_redis_forgets_nothing_for_want_of_room():
    assert "noeviction" in service("redis")["command"]


# --- the health check ------------------------------------------------------------------------------------


def test_the_health_check_asks_a_worker_on_its_metrics_port(tmp_path, capsys):
    server = port.serve(Settings(data_dir=tmp_path, metrics_port=free_port(), metrics_token="secret"))
    assert server is not None
    environment = {"GATEWAY_METRICS_PORT": str(server.server_address[1])}
    assert health.main(environment) == 0
    server.shutdown()
    server.server_close()
    assert health.main(environment) == 1
    assert "no answer from port" in capsys.readouterr().err


def test_the_health_check_asks_any_other_part_as_the_api(capsys):
    assert health.main({"GATEWAY_PORT": str(free_port()), "GATEWAY_METRICS_PORT": "0"}) == 1
    assert health.main({"GATEWAY_PORT": "none"}) == 1
    assert capsys.readouterr().err.count("no answer from port") == 2


# --- secrets by file -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value", "field"),
    [
        ("DATABASE_URL", "postgresql://db/gateway", "database_url"),
        ("REDIS_URL", "rediss://:pw@redis/3", "redis_url"),
        ("GATEWAY_METRICS_TOKEN", "scrape-me", "metrics_token"),
    ],
)
def test_a_secret_may_stand_in_a_file(tmp_path, name, value, field):
    (tmp_path / "secret").write_text(f"{value}\n")
    assert getattr(from_environment({f"{name}_FILE": str(tmp_path / "secret")}), field) == value
    assert getattr(from_environment({name: "", f"{name}_FILE": str(tmp_path / "secret")}), field) == value


def test_a_file_that_is_not_there_is_told_by_its_variable(tmp_path):
    with pytest.raises(BadSetting, match=r"DATABASE_URL_FILE=.* names no file"):
        from_environment({"DATABASE_URL_FILE": str(tmp_path / "none")})


# --- the handbook ----------------------------------------------------------------------------------------


def table() -> str:
    return HANDBOOK.partition("<!-- environment -->")[2].partition("<!-- /environment -->")[0]


def test_the_handbooks_variables_are_those_the_settings_read():
    source = Path(settings.__file__).read_text()
    read = set(re.findall(r'"((?:GATEWAY_|REDIS_|DATABASE_)[A-Z_]+)"', source))
    read |= {f"{name}_FILE" for name in re.findall(r'_(?:text|url)\(environment, "([A-Z_]+)"', source)}
    told = set(
        re.findall(r"`([A-Z][A-Z_]+)`", "".join(line.split("|")[1] for line in table().splitlines() if line.startswith("| `")))
    )
    assert told == read


def test_the_handbooks_defaults_are_those_of_the_settings():
    bare = from_environment({})
    told: dict[str, str] = {}
    for line in rows():
        names, default = (cell.strip() for cell in line.split("|")[1:3])
        told[names.split(",")[0].strip("`")] = default
    assert told["GATEWAY_RETENTION_DAYS"] == f"`{bare.retention_days}`"
    assert told["GATEWAY_DATABASE_POOL"] == f"`{bare.database_pool}`"
    assert told["GATEWAY_PORT"] == f"`{bare.port}`"
    assert told["GATEWAY_WORKERS"] == f"`{bare.workers}`"
    assert told["GATEWAY_RATE_LIMIT"] == "`{}/{}`".format(*bare.rate_limit)
    assert told["GATEWAY_METRICS_HOST"] == f"`{bare.metrics_host}`"
    assert told["GATEWAY_HOST"].startswith(f"`{bare.host}`")


def rows() -> list[str]:
    return [line for line in table().splitlines() if line.startswith("| `")]


def test_the_handbooks_metrics_are_those_there_are(tmp_path):
    from tests.world import World

    world = World(tmp_path)
    registry = gauges.registry(world.db, lambda: {"pickups": 0})
    ours = {family.name for source in (metrics.REGISTRY, registry) for family in source.collect()}
    world.close()
    told = {re.sub(r"_total$", "", name) for name in re.findall(r"`(gateway_\w+|process_\w+)`", HANDBOOK)}
    gateways = {name for name in ours if name.startswith("gateway_")}
    assert gateways <= told
    assert {name for name in told if name.startswith("gateway_")} - gateways == set()


def test_every_command_the_handbook_names_is_one():
    code = "\n".join(re.findall(r"^    (.*)$", HANDBOOK, re.M)) + "\n" + "\n".join(re.findall(r"`([^`\n]+)`", HANDBOOK))
    called = {found.split()[0] for found in re.findall(r"\bgateway ((?!\.)[a-z][a-z-]*)", code)}
    called |= {shlex.split(found)[0] for found in re.findall(r"run --rm migrate ([a-z]+)", code)}
    assert called - set(_COMMANDS) == set()
    assert {"audit", "erase", "keys", "db"} <= called


def test_every_file_the_handbook_names_is_there():
    named = set(re.findall(r"\]\(([^)]+)\)", HANDBOOK)) | set(re.findall(r"`((?:tests|rates|gateway)/[\w/.]+)`", HANDBOOK))
    assert [name for name in named if not (ROOT / "docs" / name).exists() and not (ROOT / name).exists()] == []
