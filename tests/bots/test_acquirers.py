"""Acquirers are built from the configuration, and believed only by the roots that it names."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestServer

from adapters.sberbank import Sberbank
from adapters.yookassa import Yookassa
from bots.acquirers import acquirers_of, checks
from bots.configuration import Configuration, ConfigurationError, MissingSecretError, Secrets, checked
from bots.trust import CertificateFileError, expired, signer_in, trusting
from core.acquiring import Created, Details, Down, Order
from core.fiscal import ReceiptNeed
from core.money import Money
from tests.bots.making_banks import BANKS, SECRET, make_acquirer, make_stand_in
from tests.bots.making_desk import Clock
from tests.making_certificates import make_authority

NOW = datetime.now(UTC)
ORDER = Order(
    "018f3c2e7b1a7c449a532f6d1e8b0a11",
    Money(10_000),
    "ЖКУ",
    "https://pay.example.ru/p/x/done",
    Details("0000000001"),
)
REQUISITES = {
    "name": "МУП «ЕРКЦ Зареченска»",
    "inn": "5812345671",
    "kpp": "581201001",
    "bank_account": "40702810600000012345",
    "bank_name": "Банк «Присурье»",
    "bik": "045655999",
    "corr_account": "30101810500000000999",
}
SECRETS = {
    "KVITOK_YOOKASSA_KEY": SECRET,
    "KVITOK_SBER_LOGIN": "ercc-api",
    "KVITOK_SBER_PASSWORD": SECRET,
    "KVITOK_SBER_CALLBACK_KEY": "made-up",
}


def configured(requisites: dict[str, str] | None = REQUISITES, **payments: Any) -> Configuration:
    content = {
        "centre": {"name": "ЕРКЦ", **({"requisites": requisites} if requisites else {})},
        "server": {"public_url": "https://pay.example.ru"},
        "payments": payments,
    }
    return checked(content, source="test")


async def built(configuration: Configuration, secrets: dict[str, str] = SECRETS) -> dict[str, Any]:
    async with aiohttp.ClientSession() as http:
        return dict(acquirers_of(configuration, Secrets(secrets), http))


async def told(configuration: Configuration) -> list[tuple[bool | None, str]]:
    return [check async for check in checks(configuration, Secrets(SECRETS), now=NOW)]


# --- What the configuration says ------------------------------------------------------------------


async def test_several_may_be_on_at_once() -> None:
    receipt = {"email": "office@example.ru", "sno": "osn", "address": "https://pay.example.ru"}
    acquirers = await built(
        configured(
            yookassa={"shop_id": "100500", "receipt": "email", "vat_codes": {"cold_water": 11}},
            sberbank={"gateway": "legacy", "callback": "hmac", "receipt": receipt},
        )
    )

    assert list(acquirers) == ["yookassa", "sberbank"]
    assert isinstance(acquirers["yookassa"], Yookassa)
    assert isinstance(acquirers["sberbank"], Sberbank)
    needs = [acquirer.receipt for acquirer in acquirers.values()]
    assert needs == [ReceiptNeed.EMAIL, ReceiptNeed.EMAIL_OR_PHONE]


async def test_a_token_stands_for_login_and_password() -> None:
    acquirers = await built(configured(sberbank={}), {"KVITOK_SBER_TOKEN": SECRET})

    assert acquirers.keys() == {"sberbank"}


@pytest.mark.parametrize(
    ("payments", "missing"),
    [
        ({"yookassa": {"shop_id": "1"}}, "KVITOK_YOOKASSA_KEY"),
        ({"sberbank": {}}, "KVITOK_SBER_LOGIN"),
    ],
)
async def test_one_without_its_secret_is_an_error(payments: dict[str, Any], missing: str) -> None:
    with pytest.raises(MissingSecretError, match=missing):
        await built(configured(**payments), {})


async def test_a_shop_for_utilities_needs_the_centres_requisites() -> None:
    with pytest.raises(ConfigurationError, match=r"payments.yookassa.utilities: needs centre.requisites"):
        await built(configured(None, yookassa={"shop_id": "1"}))


@pytest.mark.parametrize(
    ("section", "mistake"),
    [
        ({"yookassa": {}}, "payments.yookassa.shop_id: is missing"),
        ({"yookassa": {"shop_id": "1", "vat_code": 13}}, "payments.yookassa.vat_code"),
        ({"yookassa": {"shop_id": "1", "vat_codes": {"x": 0}}}, "payments.yookassa.vat_codes"),
        ({"sberbank": {"gateway": "new"}}, "accepted: 'ecommerce' or 'legacy' or 'yookassa'"),
        ({"sberbank": {"base": "ecommerce.sberbank.ru"}}, "payments.sberbank.base"),
    ],
)
def test_a_mistake_is_named_with_its_path(section: dict[str, Any], mistake: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        configured(**section)

    assert mistake in str(raised.value)


# --- Whom we believe ------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", BANKS)
async def test_a_root_of_ones_own_is_believed_and_another_is_not(kind: str, tmp_path: Path) -> None:
    right, wrong = make_authority(), make_authority()
    server = TestServer(make_stand_in(kind, Clock(), None).app())
    await server.start_server(ssl=right.server(tmp_path))
    base = str(server.make_url("")).rstrip("/")

    async with aiohttp.ClientSession() as http:
        answers = [
            await make_acquirer(
                make_stand_in(kind, Clock(), None), http, base, context=trusting(authority.file(tmp_path))
            ).create(ORDER)
            for authority in (right, wrong)
        ]
        unnamed = await make_acquirer(make_stand_in(kind, Clock(), None), http, base).create(ORDER)
    await server.close()

    assert isinstance(answers[0], Created)
    assert answers[1] == Down("ClientConnectorCertificateError")
    assert unnamed == Down("ClientConnectorCertificateError")


async def test_the_doctor_says_whether_an_acquirer_is_believed(tmp_path: Path) -> None:
    right, wrong = make_authority(), make_authority()
    server = TestServer(make_stand_in("sberbank", Clock(), None).app())
    await server.start_server(ssl=right.server(tmp_path))
    base = str(server.make_url("")).rstrip("/")
    believed = await told(configured(sberbank={"base": base, "ca_file": right.file(tmp_path)}))
    doubted = await told(configured(sberbank={"base": base, "ca_file": wrong.file(tmp_path)}))
    await server.close()
    away = await told(configured(sberbank={"base": base, "ca_file": right.file(tmp_path)}))

    assert [passed for passed, _ in believed] == [True, True]
    assert "its certificate is not believed" in doubted[1][1]
    assert "cannot be reached" in away[1][1]


async def test_the_doctor_names_a_root_that_is_not_valid_any_more(tmp_path: Path) -> None:
    old = make_authority(days=0).file(tmp_path)

    [(passed, said), _] = await told(configured(sberbank={"base": "https://127.0.0.1:1", "ca_file": old}))

    assert not passed
    assert "not valid now: CN=Made-up Root CA" in said


async def test_a_centre_without_an_acquirer_is_only_told_what_that_means() -> None:
    assert await told(configured()) == [
        (None, "acquirers: none is configured; residents can pay by QR and at cash desks only")
    ]


@pytest.mark.parametrize("content", [None, b"", b"not a certificate"])
def test_a_file_without_certificates_is_said_to_be_one(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "root.pem"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(CertificateFileError, match=r"root\.pem"):
        trusting(str(path))


def test_a_key_of_another_kind_signs_no_notices(tmp_path: Path) -> None:
    with pytest.raises(CertificateFileError, match="not an RSA key"):
        signer_in(make_authority().file(tmp_path))


def test_a_root_is_valid_at_its_time_alone(tmp_path: Path) -> None:
    path = make_authority().file(tmp_path)

    assert expired(path, now=NOW) == []
    assert expired(path, now=NOW + timedelta(days=60)) == ["CN=Made-up Root CA"]
