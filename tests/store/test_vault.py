from __future__ import annotations

import base64
import json
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.settings import BadSetting, Settings
from gateway.store.vault import Tampered, Vault, master_key

KEY = bytes(range(32))
SECRETS = {"token": "hush-hush", "password": "s3same! ₹"}
VALUES = st.dictionaries(st.text(max_size=8), st.text(max_size=20), max_size=4)
OURS = ("mer_1", "cac_1")


@given(VALUES, st.text(max_size=9), st.text(max_size=9))
def test_what_was_sealed_opens_again_for_the_same_account(values, merchant, account):
    vault = Vault(KEY)
    assert vault.open(vault.seal(values, merchant, account), merchant, account) == values


def test_a_record_shows_nothing_of_what_it_holds():
    record = Vault(KEY).seal(SECRETS, *OURS)
    assert [word for word in (*SECRETS, *SECRETS.values()) if word.encode() in record] == []


def test_the_same_secrets_never_look_the_same():
    records = {Vault(KEY).seal(SECRETS, *OURS) for _ in range(50)}
    assert (len(records), len({record[1:13] for record in records})) == (50, 50)


@pytest.mark.parametrize("theirs", [("mer_2", "cac_1"), ("mer_1", "cac_2"), ("mer_1/cac_1", ""), ("", "mer_1/cac_1"), ("", "")])
def test_another_accounts_record_does_not_open(theirs):
    with pytest.raises(Tampered):
        Vault(KEY).open(Vault(KEY).seal(SECRETS, *OURS), *theirs)


def test_another_master_key_does_not_open():
    with pytest.raises(Tampered, match="GATEWAY_MASTER_KEY"):
        Vault(bytes(32)).open(Vault(KEY).seal(SECRETS, *OURS), *OURS)


@given(st.data())
def test_a_record_changed_in_any_bit_does_not_open(data):
    record = bytearray(Vault(KEY).seal(SECRETS, *OURS))
    record[data.draw(st.integers(0, len(record) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(Tampered):
        Vault(KEY).open(bytes(record), *OURS)


@given(st.data())
def test_a_record_cut_anywhere_does_not_open(data):
    record = Vault(KEY).seal(SECRETS, *OURS)
    with pytest.raises(Tampered):
        Vault(KEY).open(record[: data.draw(st.integers(0, len(record) - 1))], *OURS)


@given(st.binary(max_size=80))
def test_no_bytes_whatever_are_a_record(record):
    with pytest.raises(Tampered):
        Vault(KEY).open(record, *OURS)


def test_what_does_not_open_is_not_told():
    record = Vault(KEY).seal(SECRETS, *OURS)
    with pytest.raises(Tampered) as raised:
        Vault(bytes(32)).open(record, *OURS)
    assert json.dumps(str(raised.value)).find("hush") == -1


# --- the master key -------------------------------------------------------------------------------------


def settings(folder: Path, **more: str) -> Settings:
    return Settings(data_dir=folder / "data", **more)  # type: ignore[arg-type]


def test_the_given_key_is_taken(tmp_path):
    assert master_key(settings(tmp_path, master_key=base64.b64encode(KEY).decode())) == KEY
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("key", [b"short", bytes(31), bytes(33)])
def test_a_key_of_another_length_is_refused_with_the_cure(tmp_path, key):
    with pytest.raises(BadSetting, match="openssl rand -base64 32"):
        master_key(settings(tmp_path, master_key=base64.b64encode(key).decode()))


@pytest.mark.parametrize("text", ["not base64!", "AAA", "ключ"])
def test_a_key_that_is_no_base64_is_refused_with_the_cure(tmp_path, text):
    with pytest.raises(BadSetting, match="openssl rand -base64 32"):
        master_key(settings(tmp_path, master_key=text))


def test_with_a_database_of_its_own_the_key_must_be_given(tmp_path):
    with pytest.raises(BadSetting, match="GATEWAY_MASTER_KEY is needed with DATABASE_URL"):
        master_key(settings(tmp_path, database_url="postgresql://db/gateway"))


def test_without_one_it_is_made_once_and_kept_for_the_owner_alone(tmp_path):
    first = master_key(settings(tmp_path))
    kept = tmp_path / "data" / "master.key"
    assert (len(first), master_key(settings(tmp_path))) == (32, first)
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert stat.S_IMODE(kept.parent.stat().st_mode) == 0o700


def test_two_data_folders_have_two_keys(tmp_path):
    assert master_key(settings(tmp_path / "one")) != master_key(settings(tmp_path / "two"))


def test_a_kept_key_that_was_spoilt_is_refused_and_not_replaced(tmp_path):
    master_key(settings(tmp_path))
    kept = tmp_path / "data" / "master.key"
    kept.write_text("spoilt")
    with pytest.raises(BadSetting):
        master_key(settings(tmp_path))
    assert kept.read_text() == "spoilt"
