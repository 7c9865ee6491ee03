"""The acquirers: how each one is built, and how an operator sees that it can be reached.

An adapter is imported only if its acquirer is on.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from datetime import datetime
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import aiohttp
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from bots.configuration import (
    Configuration,
    ConfigurationError,
    MissingSecretError,
    PaymentsSection,
    Secrets,
)
from bots.payment_sections import SberbankReceiptSection, SberbankSection, YookassaSection
from bots.trust import signer_in, told_of_roots, trusting
from core.acquiring import Acquirer
from core.errors import KvitokError
from core.fiscal import ReceiptNeed
from core.requisites import Requisites

if TYPE_CHECKING:
    from adapters.sberbank import Fiscal

SIMULATED_SECRET: Final = "KVITOK_SIMULATED_SECRET"  # noqa: S105  # the name of a secret, not a secret
YOOKASSA_KEY: Final = "KVITOK_YOOKASSA_KEY"
SBER_LOGIN: Final = "KVITOK_SBER_LOGIN"
SBER_PASSWORD: Final = "KVITOK_SBER_PASSWORD"  # noqa: S105  # as above
SBER_TOKEN: Final = "KVITOK_SBER_TOKEN"  # noqa: S105  # as above
SBER_CALLBACK_KEY: Final = "KVITOK_SBER_CALLBACK_KEY"

REACHED_S: Final = 10.0


def acquirers_of(
    configuration: Configuration, secrets: Secrets, http: aiohttp.ClientSession
) -> dict[str, Acquirer]:
    """The acquirers that are on, in the order in which the pay page offers them.

    Raises MissingSecretError, ConfigurationError or CertificateFileError.
    """
    payments = configuration.payments
    acquirers: dict[str, Acquirer] = {}
    if (yookassa := payments.yookassa) is not None:
        acquirers["yookassa"] = _yookassa(yookassa, configuration, secrets, http)
    if (sberbank := payments.sberbank) is not None:
        acquirers["sberbank"] = _sberbank(sberbank, configuration, secrets, http)
    if (simulated := payments.simulated) is not None:
        from adapters.simulated import SimulatedAcquirer  # noqa: PLC0415  # only if on

        secret = secrets.need(SIMULATED_SECRET, "payments.simulated")
        acquirers["simulated"] = SimulatedAcquirer(http, base_url=simulated.base, secret=secret)
    return acquirers


def _yookassa(
    section: YookassaSection, configuration: Configuration, secrets: Secrets, http: aiohttp.ClientSession
) -> Acquirer:
    from adapters.yookassa import BASE, SENDERS, Yookassa, YookassaSettings  # noqa: PLC0415  # only if on

    settings = YookassaSettings(
        shop_id=section.shop_id,
        secret=secrets.need(YOOKASSA_KEY, "payments.yookassa"),
        title=section.title,
        base_url=section.base.rstrip("/") or BASE,
        recipient=_requisites(configuration, "payments.yookassa.utilities") if section.utilities else None,
        receipt=ReceiptNeed(section.receipt),
        vat_code=section.vat_code,
        vat_codes=section.vat_codes,
        tax_system_code=section.tax_system_code,
        senders=section.notices_from or SENDERS,
        ssl=trusting(section.ca_file) if section.ca_file else None,
    )
    return Yookassa(http, settings)


def _sberbank(
    section: SberbankSection, configuration: Configuration, secrets: Secrets, http: aiohttp.ClientSession
) -> Acquirer:
    from adapters.sberbank import Gateway, Sberbank, SberbankSettings  # noqa: PLC0415  # only if on

    token = secrets.find(SBER_TOKEN)
    settings = SberbankSettings(
        gateway=Gateway(section.gateway),
        login="" if token else secrets.need(SBER_LOGIN, "payments.sberbank"),
        password=token or secrets.need(SBER_PASSWORD, "payments.sberbank"),
        base_url=section.base,
        title=section.title,
        notice_key=_notice_key(section, secrets),
        fiscal=_fiscal(section.receipt, configuration) if section.receipt else None,
        ssl=trusting(section.ca_file) if section.ca_file else None,
    )
    return Sberbank(http, settings)


def _fiscal(section: SberbankReceiptSection, configuration: Configuration) -> Fiscal:
    from adapters.sberbank import Fiscal  # noqa: PLC0415  # only if on

    return Fiscal(
        email=section.email,
        sno=section.sno,
        inn=_requisites(configuration, "payments.sberbank.receipt").inn,
        address=section.address,
        ffd=section.ffd,
        tax_type=section.tax_type,
        tax_types=section.tax_types,
        agent=section.agent,
    )


def _notice_key(section: SberbankSection, secrets: Secrets) -> bytes | RSAPublicKey | None:
    match section.callback:
        case "none":
            return None
        case "hmac":
            return secrets.need(SBER_CALLBACK_KEY, "payments.sberbank.callback: hmac").encode()
        case "rsa":
            return signer_in(section.callback_certificate)


def _requisites(configuration: Configuration, wanted_by: str) -> Requisites:
    if (requisites := configuration.as_centre.requisites) is None:
        raise ConfigurationError("config.yaml", [f"{wanted_by}: needs centre.requisites"])
    return requisites


# --- What an operator is told -----------------------------------------------------------------------


def missing_secrets(payments: PaymentsSection, secrets: Secrets) -> list[MissingSecretError]:
    """The secrets that the acquirers which are on want and that cannot be had, all of them."""
    missing: list[MissingSecretError] = []
    if payments.yookassa is not None:
        missing += secrets.missing(YOOKASSA_KEY, "payments.yookassa")
    if payments.sberbank is not None:
        if secrets.missing(SBER_TOKEN, "payments.sberbank"):
            missing += secrets.missing(SBER_LOGIN, "payments.sberbank")
            missing += secrets.missing(SBER_PASSWORD, "payments.sberbank")
        if payments.sberbank.callback == "hmac":
            missing += secrets.missing(SBER_CALLBACK_KEY, "payments.sberbank.callback: hmac")
    if payments.simulated is not None:
        missing += secrets.missing(SIMULATED_SECRET, "payments.simulated")
    return missing


async def checks(
    configuration: Configuration, secrets: Secrets, *, now: datetime
) -> AsyncIterator[tuple[bool | None, str]]:
    """A line an acquirer and a matter: whether it passed (None: to be minded), and what is so."""
    missing = missing_secrets(configuration.payments, secrets)
    for error in missing:
        yield False, f"acquirers: {error}"
    if not missing:
        async with aiohttp.ClientSession() as http:
            try:
                acquirers = acquirers_of(configuration, secrets, http)
            except KvitokError as error:
                yield False, f"acquirers: {error}"
                return
        if not acquirers:
            yield None, "acquirers: none is configured; residents can pay by QR and at cash desks only"
    for name, base, ca_file in _reached(configuration):
        if ca_file:
            yield told_of_roots(name, ca_file, now=now)
        yield await _handshake(name, base, ca_file)


def _reached(configuration: Configuration) -> list[tuple[str, str, str]]:
    """Each real acquirer that is on: its name, its address, the file with its root."""
    from adapters.sberbank import BASES, Gateway  # noqa: PLC0415  # not for those who serve
    from adapters.yookassa import BASE  # noqa: PLC0415  # as above

    yookassa, sberbank = configuration.payments.yookassa, configuration.payments.sberbank
    reached = []
    if yookassa is not None:
        reached.append(("yookassa", yookassa.base or BASE, yookassa.ca_file))
    if sberbank is not None:
        base = sberbank.base or BASES[Gateway(sberbank.gateway)]
        reached.append(("sberbank", base, sberbank.ca_file))
    return reached


async def _handshake(name: str, base: str, ca_file: str) -> tuple[bool, str]:
    """Whether the acquirer shows a certificate that we believe; nothing is asked of it."""
    where = urlsplit(base)
    if where.scheme != "https" or where.hostname is None:
        return False, f"{name}: {base} is not https"
    context = trusting(ca_file) if ca_file else ssl.create_default_context()
    try:
        async with asyncio.timeout(REACHED_S):
            _, writer = await asyncio.open_connection(where.hostname, where.port or 443, ssl=context)
        writer.close()
    except ssl.SSLCertVerificationError as error:
        return False, f"{name}: its certificate is not believed ({error.verify_message}); see ca_file"
    except (OSError, TimeoutError) as error:
        return False, f"{name}: cannot be reached at {where.hostname} ({type(error).__name__})"
    return True, f"{name}: {where.hostname} is reached, and its certificate believed"
