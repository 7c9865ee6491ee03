"""The doctor minds the law and the roots that messengers are believed by."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from bots.channel_sections import ChannelsSection
from bots.configuration import MissingSecretError, Secrets, checked
from bots.doctor import channel_checks, pooler_checks, secrets_apart, warnings_of_law
from bots.messengers import (
    MAX_SECRET,
    MAX_TOKEN,
    OK_TOKEN,
    TELEGRAM_TOKEN,
    Means,
    channels_of,
    missing_secrets,
)
from bots.messengers import SECRETS as SECRETS_OF
from bots.trust import CertificateFileError, told_of_roots
from bots.wiring import wrong_keys
from core.channel import Channel, Identity, Pace
from core.errors import ChannelFailedError
from storage.database import Connection
from storage.paces import set_pace, stop
from tests.conftest import Database
from tests.making_certificates import make_authority

CENTRE: dict[str, Any] = {"centre": {"name": "ЕРКЦ"}, "server": {"public_url": "https://centre.example"}}


def warned(**channels: object) -> list[str]:
    return warnings_of_law(checked({**CENTRE, "channels": channels}, source="test"))


@pytest.mark.parametrize("name", ["telegram", "viber"])
def test_a_foreign_messenger_that_is_open_is_warned_of_with_the_law(name: str) -> None:
    [warning] = warned(**{name: {"mode": "open"}})

    assert f"channels.{name}.mode" in warning
    assert "149-ФЗ" in warning
    assert "41-ФЗ" in warning
    assert "13.11.2" in warning


def test_a_foreign_messenger_is_strict_unless_it_says_otherwise() -> None:
    assert warned(telegram={}, viber={}) == []


@pytest.mark.parametrize("name", ChannelsSection.__struct_fields__)
def test_each_messenger_states_whether_it_is_foreign_and_only_such_a_one_is_strict_by_itself(
    name: str,
) -> None:
    needed = {"vk": {"group_id": 1}}
    section = checked({**CENTRE, "channels": {name: needed.get(name, {})}}, source="test").channels.on[name]

    assert "foreign" in vars(type(section))
    assert section.mode == ("strict" if section.foreign else "open")


def test_a_messenger_of_the_country_may_be_open() -> None:
    assert warned(vk={"group_id": 1}, ok={}) == []


# --- Roots ------------------------------------------------------------------------------------------

NOW = datetime.now(UTC)
SECRETS = {MAX_TOKEN: "token-of-a-test", MAX_SECRET: "secret-of-a-test"}


def test_a_root_is_told_with_its_end_and_one_that_is_over_is_wrong(tmp_path: Path) -> None:
    file = make_authority(days=30).file(tmp_path)

    well, line = told_of_roots("max", file, now=NOW)
    over, _ = told_of_roots("max", file, now=NOW + timedelta(days=31))

    assert (well, over) == (True, False)
    assert file in line


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_root_that_is_missing_or_is_none_stops_the_channel_at_start(
    tmp_path: Path, content: str | None
) -> None:
    file = tmp_path / "root.pem"
    if content is not None:
        file.write_text(content)
    configuration = checked({**CENTRE, "channels": {"max": {"ca_file": str(file)}}}, source="test")

    with pytest.raises(CertificateFileError, match=r"root\.pem"):
        channels_of(Means(configuration, Secrets(SECRETS), lambda: NOW))


# --- Secrets ----------------------------------------------------------------------------------------


def lines(checks: Iterable[tuple[bool | None, str]]) -> str:
    return "\n".join(line for _, line in checks)


@pytest.mark.parametrize("name", SECRETS_OF)
def test_a_channel_is_built_with_the_secrets_that_it_is_said_to_want_and_with_no_less(name: str) -> None:
    section = {"group_id": 1} if name == "vk" else {}
    configuration = checked({**CENTRE, "channels": {name: section}}, source="test")
    wanted = [error.name for error in missing_secrets(name, configuration.channels.on[name], Secrets({}))]
    shaped = {
        TELEGRAM_TOKEN: "123456789:AAtoken-of-a-test-0000000000000000000",
        OK_TOKEN: "tkn1token0of0a0test:CTEST",
    }
    given = {one: shaped.get(one, "secret-of-a-test-that-is-long") for one in wanted}

    assert name in channels_of(Means(configuration, Secrets(given), lambda: NOW))
    for one in wanted:
        with pytest.raises(MissingSecretError, match=one):
            channels_of(Means(configuration, Secrets({**given, one: ""}), lambda: NOW))


def test_every_key_that_is_wrong_is_named() -> None:
    said = [str(error) for error in wrong_keys(Secrets({"KVITOK_BILLING_KEY": "short"}))]

    assert [each.split()[0].rstrip(":") for each in said] == ["KVITOK_SECRET_KEY", "KVITOK_BILLING_KEY"]


def test_a_mistake_elsewhere_hides_no_missing_secret(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(
        """
        centre: {timezone: Nowhere}
        channels: {telegram: {}, vk: {group_id: none}, viber: {}}
        payments: {yookassa: {shop_id: "1"}, sberbank: {gateway: legacy, callback: hmac}}
        """
    )

    said = lines(secrets_apart(file, Secrets({"KVITOK_VIBER_TOKEN": "set"})))

    assert "viber: its secrets are set" in said
    for name in ("TELEGRAM_TOKEN", "TELEGRAM_SECRET", "YOOKASSA_KEY", "SBER_LOGIN", "SBER_CALLBACK_KEY"):
        assert f"KVITOK_{name} is not set" in said
    assert "VK_" not in said


@pytest.mark.parametrize("content", [None, "[", "channels: 1", "{}"])
def test_a_file_with_no_part_that_is_right_has_no_secrets(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "config.yaml"
    if content is not None:
        file.write_text(content)

    assert list(secrets_apart(file, Secrets({}))) == []


# --- The pooler -------------------------------------------------------------------------------------


async def told_of_pooler(**environment: str) -> list[tuple[bool | None, str]]:
    pooled = checked({**CENTRE, "database": {"pooled": True}}, source="test")
    return [check async for check in pooler_checks(pooled, Secrets(environment))]


async def test_a_pooler_wants_a_way_past_it() -> None:
    [(passed, line), *_] = await told_of_pooler()

    assert not passed
    assert "KVITOK_DATABASE_DIRECT_URL" in line


async def test_a_server_that_is_no_pooler_with_our_timeouts_is_told_what_to_set(database: Database) -> None:
    [(passed, _), (served, line)] = await told_of_pooler(
        KVITOK_DATABASE_URL=database.app, KVITOK_DATABASE_DIRECT_URL=database.app
    )

    assert passed
    assert not served
    assert "connect_query" in line


# --- Stops ------------------------------------------------------------------------------------------


@dataclass
class Known:
    """A messenger that says who we are, or refuses to."""

    refuses: bool = False

    async def identify(self) -> Identity:
        if self.refuses:
            raise ChannelFailedError("vk", "5 User authorization failed")
        return Identity("1", "ЕРКЦ")


@pytest.mark.parametrize(("refuses", "stopped"), [(False, None), (True, "captcha")])
async def test_the_stop_of_a_channel_that_knows_us_again_is_lifted(
    database: Database, db: Connection, monkeypatch: pytest.MonkeyPatch, *, refuses: bool, stopped: str | None
) -> None:
    monkeypatch.setenv("KVITOK_DATABASE_URL", database.app)
    await set_pace(db, "vk", Pace(rate=1, burst=1, chat_rate=1))
    await stop(db, "vk", "captcha")
    configuration = checked({**CENTRE, "channels": {"vk": {"group_id": 1}}}, source="test")
    channel = cast("Channel", Known(refuses))

    checks = [check async for check in channel_checks("vk", channel, configuration, Path("none"))]

    assert await db.fetchval("select stopped_why from bucket") == stopped
    lifted = (True, "vk: its queue was stopped (captcha); it goes on now")
    assert (lifted in checks) == (stopped is None)
