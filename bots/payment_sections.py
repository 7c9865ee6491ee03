"""The sections of config.yaml about real acquirers."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

# By YooKassa's numbers: 1 none, 2 0 %, 3 10 %, 4 20 %, 7 5 %, 8 7 %, 11 22 %, and those included in a price.
VatCode = Annotated[int, msgspec.Meta(ge=1, le=12)]
# By the register.do gateway's: 0 none, 1 0 %, 2 10 %, 4 10/110, 6 20 %, 7 20/120; of 22 % the bank tells.
TaxType = Annotated[int, msgspec.Meta(ge=0, le=30)]
BaseUrl = Annotated[str, msgspec.Meta(pattern=r"^(https?://\S+)?$")]


class YookassaSection(msgspec.Struct, frozen=True):
    """The shop at YooKassa; its secret key is KVITOK_YOOKASSA_KEY.

    *utilities*: the shop is registered for utilities, so that every payment names the centre's requisites.
    *receipt*: what whoever makes the fiscal receipts needs of the customer: `email` for «Чеки от ЮKassa»,
    `email_or_phone` for a cash register of one's own, `none` where no receipt is made by YooKassa.
    *vat_codes*: of services that differ from *vat_code*, by the service's code. *notices_from*: the networks
    that notices come from, where they are not the published ones.
    """

    shop_id: str
    title: str = "Карта или СБП"
    base: BaseUrl = ""
    ca_file: str = ""
    utilities: bool = True
    receipt: Literal["none", "email", "email_or_phone"] = "none"
    vat_code: VatCode = 1
    vat_codes: dict[str, VatCode] = {}
    tax_system_code: Annotated[int, msgspec.Meta(ge=1, le=6)] | None = None
    notices_from: tuple[str, ...] = ()


class SberbankReceiptSection(msgspec.Struct, frozen=True):
    """The fiscal receipts that the bank's gateway has made. *agent*: the centre sells for the providers."""

    email: str
    sno: Literal["osn", "usn_income", "usn_income_outcome", "esn", "patent"]
    address: str
    ffd: Literal["1.05", "1.2"] = "1.2"
    tax_type: TaxType = 0
    tax_types: dict[str, TaxType] = {}
    agent: bool = True


class SberbankSection(msgspec.Struct, frozen=True):
    """The merchant at a register.do gateway: Sberbank's, or another bank's by its *base*.

    Secrets: KVITOK_SBER_LOGIN and KVITOK_SBER_PASSWORD, or KVITOK_SBER_TOKEN. *callback*: how notices are
    signed: `hmac` by KVITOK_SBER_CALLBACK_KEY, `rsa` by the bank's *callback_certificate* (a PEM file).
    """

    gateway: Literal["ecommerce", "legacy", "yookassa"] = "ecommerce"
    title: str = "Сбербанк: карта или СБП"
    base: BaseUrl = ""
    ca_file: str = ""
    callback: Literal["none", "hmac", "rsa"] = "none"
    callback_certificate: str = ""
    receipt: SberbankReceiptSection | None = None
