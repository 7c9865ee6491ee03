"""Create every table of the first release."""

from alembic import op

revision = "2026_11_24"
down_revision = None

STATEMENTS = (
    """
CREATE TABLE bucket (
    channel TEXT NOT NULL,
    rate FLOAT NOT NULL,
    burst FLOAT NOT NULL,
    tokens FLOAT NOT NULL,
    refilled_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    held_until TIMESTAMP WITH TIME ZONE,
    stopped_why TEXT,
    CONSTRAINT bucket_pkey PRIMARY KEY (channel)
)
""",
    """
CREATE TABLE charge (
    account_id BIGINT NOT NULL,
    period DATE NOT NULL,
    service_code TEXT NOT NULL,
    provider_id TEXT NOT NULL,
    tariff NUMERIC(14, 6) NOT NULL,
    volume_individual NUMERIC(14, 6) NOT NULL,
    volume_common NUMERIC(14, 6) NOT NULL,
    method TEXT NOT NULL,
    charged_individual BIGINT NOT NULL,
    charged_common BIGINT NOT NULL,
    multiplier NUMERIC(7, 3) DEFAULT '1' NOT NULL,
    multiplier_sum BIGINT DEFAULT '0' NOT NULL,
    recalculation BIGINT NOT NULL,
    recalculation_reason TEXT DEFAULT '' NOT NULL,
    benefit BIGINT NOT NULL,
    payable BIGINT NOT NULL,
    opening BIGINT NOT NULL,
    penalty BIGINT NOT NULL,
    CONSTRAINT charge_pkey PRIMARY KEY (account_id, period, service_code, provider_id)
)
""",
    """
CREATE TABLE house (
    id TEXT NOT NULL,
    fias_guid TEXT,
    city TEXT NOT NULL,
    street TEXT NOT NULL,
    house TEXT NOT NULL,
    block TEXT DEFAULT '' NOT NULL,
    kind TEXT DEFAULT 'apartment_house' NOT NULL,
    area_total NUMERIC(14, 2),
    area_common NUMERIC(14, 2),
    CONSTRAINT house_pkey PRIMARY KEY (id)
)
""",
    """
CREATE TABLE imported_file (
    sha256 BYTEA NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    rows INTEGER NOT NULL,
    imported_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT imported_file_pkey PRIMARY KEY (sha256)
)
""",
    """
CREATE TABLE inbox (
    day DATE NOT NULL,
    channel TEXT NOT NULL,
    key TEXT NOT NULL,
    CONSTRAINT inbox_pkey PRIMARY KEY (day, channel, key)
)
 PARTITION BY RANGE (day)
""",
    """
CREATE TABLE layer (
    ledger_account_id BIGINT NOT NULL,
    period DATE NOT NULL,
    account_id BIGINT NOT NULL,
    service_code TEXT NOT NULL,
    penalty BOOLEAN NOT NULL,
    kopecks BIGINT NOT NULL,
    CONSTRAINT layer_pkey PRIMARY KEY (ledger_account_id, period)
)
""",
    """
CREATE INDEX layer_open_idx ON layer (account_id) WHERE kopecks != 0
""",
    """
CREATE TABLE link_hold (
    scope TEXT NOT NULL,
    key BYTEA NOT NULL,
    until TIMESTAMP WITH TIME ZONE NOT NULL,
    lasted_s BIGINT NOT NULL,
    CONSTRAINT link_hold_pkey PRIMARY KEY (scope, key),
    CONSTRAINT link_hold_scope_check CHECK (scope in ('number', 'channel'))
)
""",
    """
CREATE TABLE position (
    channel TEXT NOT NULL,
    position TEXT NOT NULL,
    CONSTRAINT position_pkey PRIMARY KEY (channel)
)
""",
    """
CREATE TABLE proof (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    began_at TIMESTAMP WITH TIME ZONE NOT NULL,
    took_s FLOAT NOT NULL,
    faults INTEGER NOT NULL,
    CONSTRAINT proof_pkey PRIMARY KEY (id)
)
""",
    """
CREATE TABLE provider (
    id TEXT NOT NULL,
    inn TEXT NOT NULL,
    kpp TEXT DEFAULT '' NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    bank_account TEXT NOT NULL,
    bik TEXT NOT NULL,
    corr_account TEXT NOT NULL,
    bank_name TEXT DEFAULT '' NOT NULL,
    contract_no TEXT NOT NULL,
    fee_percent NUMERIC(7, 4) NOT NULL,
    valid_from DATE,
    valid_to DATE,
    CONSTRAINT provider_pkey PRIMARY KEY (id)
)
""",
    """
CREATE TABLE reconciliation (
    acquirer TEXT NOT NULL,
    day DATE NOT NULL,
    began_at TIMESTAMP WITH TIME ZONE NOT NULL,
    differences INTEGER,
    CONSTRAINT reconciliation_pkey PRIMARY KEY (acquirer, day)
)
""",
    """
CREATE TABLE resident (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    erased_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT resident_pkey PRIMARY KEY (id)
)
""",
    """
CREATE TABLE seal (
    day DATE NOT NULL,
    postings INTEGER NOT NULL,
    previous BYTEA NOT NULL,
    hash BYTEA NOT NULL,
    sealed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT seal_pkey PRIMARY KEY (day)
)
""",
    """
CREATE TABLE service (
    code TEXT NOT NULL,
    name TEXT NOT NULL,
    unit TEXT NOT NULL,
    kind TEXT NOT NULL,
    optional BOOLEAN DEFAULT false NOT NULL,
    sort INTEGER NOT NULL,
    CONSTRAINT service_pkey PRIMARY KEY (code)
)
""",
    """
CREATE TABLE stored_file (
    sha256 BYTEA NOT NULL,
    body BYTEA NOT NULL,
    media_type TEXT NOT NULL,
    kept_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT stored_file_pkey PRIMARY KEY (sha256)
)
""",
    """
CREATE TABLE transfer (
    posting_id BIGINT NOT NULL,
    no INTEGER NOT NULL,
    from_id BIGINT NOT NULL,
    to_id BIGINT NOT NULL,
    kopecks BIGINT NOT NULL,
    period DATE,
    service_code TEXT,
    line_check BYTEA NOT NULL,
    CONSTRAINT transfer_pkey PRIMARY KEY (posting_id, no),
    CONSTRAINT transfer_kopecks_check CHECK (kopecks > 0),
    CONSTRAINT transfer_to_itself_check CHECK (from_id <> to_id)
)
""",
    """
CREATE TABLE upload (
    channel TEXT NOT NULL,
    sha256 BYTEA NOT NULL,
    file TEXT NOT NULL,
    uploaded_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT upload_pkey PRIMARY KEY (channel, sha256)
)
""",
    """
CREATE TABLE chat (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    channel TEXT NOT NULL,
    address_hash BYTEA,
    address BYTEA,
    private BOOLEAN NOT NULL,
    resident_id BIGINT,
    language TEXT DEFAULT 'ru' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    last_seen_at TIMESTAMP WITH TIME ZONE NOT NULL,
    unreachable_at TIMESTAMP WITH TIME ZONE,
    muted_at TIMESTAMP WITH TIME ZONE,
    erased_at TIMESTAMP WITH TIME ZONE,
    stage TEXT,
    offered TEXT,
    last_order BIGINT DEFAULT '-1' NOT NULL,
    CONSTRAINT chat_pkey PRIMARY KEY (id),
    CONSTRAINT chat_resident_id_fkey FOREIGN KEY(resident_id) REFERENCES resident (id)
)
""",
    """
CREATE UNIQUE INDEX chat_address_key ON chat (channel, address_hash)
""",
    """
CREATE INDEX chat_resident_id_idx ON chat (resident_id)
""",
    """
CREATE TABLE premises (
    id TEXT NOT NULL,
    house_id TEXT NOT NULL,
    flat TEXT DEFAULT '' NOT NULL,
    room TEXT DEFAULT '' NOT NULL,
    area_total NUMERIC(10, 2),
    area_living NUMERIC(10, 2),
    area_heated NUMERIC(10, 2),
    registered_count INTEGER,
    resident_count INTEGER,
    closed_on DATE,
    CONSTRAINT premises_pkey PRIMARY KEY (id),
    CONSTRAINT premises_house_id_fkey FOREIGN KEY(house_id) REFERENCES house (id)
)
""",
    """
CREATE INDEX premises_house_id_idx ON premises (house_id)
""",
    """
CREATE TABLE provider_fee (
    provider_id TEXT NOT NULL,
    valid_from DATE NOT NULL,
    fee_percent NUMERIC(7, 4) NOT NULL,
    CONSTRAINT provider_fee_pkey PRIMARY KEY (provider_id, valid_from),
    CONSTRAINT provider_fee_provider_id_fkey FOREIGN KEY(provider_id) REFERENCES provider (id)
)
""",
    """
CREATE TABLE receipt_contact (
    resident_id BIGINT NOT NULL,
    contact BYTEA NOT NULL,
    consented_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT receipt_contact_pkey PRIMARY KEY (resident_id),
    CONSTRAINT receipt_contact_resident_id_fkey FOREIGN KEY(resident_id) REFERENCES resident (id)
)
""",
    """
CREATE TABLE tariff (
    service_code TEXT NOT NULL,
    provider_id TEXT NOT NULL,
    register_no INTEGER DEFAULT '0' NOT NULL,
    valid_from DATE NOT NULL,
    valid_to DATE,
    rate NUMERIC(14, 6) NOT NULL,
    CONSTRAINT tariff_pkey PRIMARY KEY (service_code, provider_id, register_no, valid_from),
    CONSTRAINT tariff_service_code_fkey FOREIGN KEY(service_code) REFERENCES service (code),
    CONSTRAINT tariff_provider_id_fkey FOREIGN KEY(provider_id) REFERENCES provider (id)
)
""",
    """
CREATE TABLE account (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    number TEXT NOT NULL,
    payment_code TEXT,
    gis_account_id TEXT,
    premises_id TEXT NOT NULL,
    share_percent NUMERIC(7, 4),
    payer_kind TEXT DEFAULT 'person' NOT NULL,
    payer_name_masked TEXT DEFAULT '' NOT NULL,
    payer_name_hash BYTEA,
    management_inn TEXT,
    opened_on DATE,
    closed_on DATE,
    link_secret_hash BYTEA,
    phone_hashes BYTEA[] DEFAULT '{}' NOT NULL,
    status TEXT DEFAULT 'open' NOT NULL,
    differs BOOLEAN DEFAULT false NOT NULL,
    CONSTRAINT account_pkey PRIMARY KEY (id),
    CONSTRAINT account_number_key UNIQUE (number),
    CONSTRAINT account_premises_id_fkey FOREIGN KEY(premises_id) REFERENCES premises (id)
)
""",
    """
CREATE INDEX account_phone_hashes_idx ON account USING gin (phone_hashes)
""",
    """
CREATE INDEX account_premises_id_idx ON account (premises_id)
""",
    """
CREATE TABLE consent (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    resident_id BIGINT NOT NULL,
    chat_id BIGINT NOT NULL,
    channel TEXT NOT NULL,
    version TEXT NOT NULL,
    text_hash TEXT NOT NULL,
    given_at TIMESTAMP WITH TIME ZONE NOT NULL,
    withdrawn_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT consent_pkey PRIMARY KEY (id),
    CONSTRAINT consent_resident_id_fkey FOREIGN KEY(resident_id) REFERENCES resident (id),
    CONSTRAINT consent_chat_id_fkey FOREIGN KEY(chat_id) REFERENCES chat (id)
)
""",
    """
CREATE INDEX consent_chat_id_idx ON consent (chat_id)
""",
    """
CREATE INDEX consent_resident_id_idx ON consent (resident_id)
""",
    """
CREATE TABLE event (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    chat_id BIGINT NOT NULL,
    body TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    done_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT event_pkey PRIMARY KEY (id),
    CONSTRAINT event_chat_id_fkey FOREIGN KEY(chat_id) REFERENCES chat (id)
)
""",
    """
CREATE INDEX event_chat_id_idx ON event (chat_id)
""",
    """
CREATE INDEX event_waiting_idx ON event (id) WHERE done_at is null
""",
    """
CREATE TABLE file_address (
    token_hash BYTEA NOT NULL,
    sha256 BYTEA NOT NULL,
    chat_id BIGINT NOT NULL,
    name TEXT NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT file_address_pkey PRIMARY KEY (token_hash),
    CONSTRAINT file_address_sha256_fkey FOREIGN KEY(sha256) REFERENCES stored_file (sha256),
    CONSTRAINT file_address_chat_id_fkey FOREIGN KEY(chat_id) REFERENCES chat (id) ON DELETE CASCADE
)
""",
    """
CREATE INDEX file_address_chat_id_idx ON file_address (chat_id)
""",
    """
CREATE INDEX file_address_expires_at_idx ON file_address (expires_at)
""",
    """
CREATE INDEX file_address_sha256_idx ON file_address (sha256)
""",
    """
CREATE TABLE invitation (
    chat_id BIGINT NOT NULL,
    code_hash BYTEA NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT invitation_pkey PRIMARY KEY (chat_id),
    CONSTRAINT invitation_chat_id_fkey FOREIGN KEY(chat_id) REFERENCES chat (id),
    CONSTRAINT invitation_code_hash_key UNIQUE (code_hash)
)
""",
    """
CREATE TABLE lane (
    chat_id BIGINT NOT NULL,
    channel TEXT NOT NULL,
    epoch BIGINT DEFAULT '0' NOT NULL,
    leased_until TIMESTAMP WITH TIME ZONE,
    due_at TIMESTAMP WITH TIME ZONE,
    head_class SMALLINT DEFAULT '0' NOT NULL,
    free_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT lane_pkey PRIMARY KEY (chat_id),
    CONSTRAINT lane_chat_id_fkey FOREIGN KEY(chat_id) REFERENCES chat (id)
)
""",
    """
CREATE INDEX lane_due_idx ON lane (channel, head_class, due_at) WHERE due_at is not null
""",
    """
CREATE TABLE link_try (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    channel TEXT NOT NULL,
    chat_id BIGINT,
    chat_hash BYTEA NOT NULL,
    number_hash BYTEA NOT NULL,
    proven BOOLEAN NOT NULL,
    CONSTRAINT link_try_pkey PRIMARY KEY (id),
    CONSTRAINT link_try_chat_id_fkey FOREIGN KEY(chat_id) REFERENCES chat (id)
)
""",
    """
CREATE INDEX link_try_at_idx ON link_try (at)
""",
    """
CREATE INDEX link_try_channel_idx ON link_try (channel, at)
""",
    """
CREATE INDEX link_try_chat_hash_idx ON link_try (chat_hash, at)
""",
    """
CREATE INDEX link_try_chat_idx ON link_try (chat_id, at)
""",
    """
CREATE INDEX link_try_number_idx ON link_try (number_hash, at)
""",
    """
CREATE TABLE outbox (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    chat_id BIGINT NOT NULL,
    channel TEXT NOT NULL,
    message_class SMALLINT NOT NULL,
    body TEXT,
    state TEXT DEFAULT 'queued' NOT NULL,
    queued_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    attempts INTEGER DEFAULT '0' NOT NULL,
    first_tried_at TIMESTAMP WITH TIME ZONE,
    without TEXT DEFAULT '' NOT NULL,
    platform_message TEXT,
    sent_at TIMESTAMP WITH TIME ZONE,
    reason TEXT,
    event_id BIGINT,
    CONSTRAINT outbox_pkey PRIMARY KEY (id),
    CONSTRAINT outbox_chat_id_fkey FOREIGN KEY(chat_id) REFERENCES chat (id)
)
""",
    """
CREATE INDEX outbox_chat_id_idx ON outbox (chat_id)
""",
    """
CREATE INDEX outbox_dead_idx ON outbox (queued_at) WHERE state = 'dead' and body is not null
""",
    """
CREATE INDEX outbox_sent_idx ON outbox (sent_at) WHERE state = 'sent' and body is not null
""",
    """
CREATE INDEX outbox_waiting_idx ON outbox (chat_id, id) WHERE state in ('queued', 'sending', 'unknown')
""",
    """
CREATE TABLE shown_page (
    token_hash BYTEA NOT NULL,
    chat_id BIGINT NOT NULL,
    resident_id BIGINT,
    link_ids BIGINT[] DEFAULT '{}' NOT NULL,
    body BYTEA NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    spent_at TIMESTAMP WITH TIME ZONE,
    cookie_hash BYTEA,
    fetches INTEGER DEFAULT '0' NOT NULL,
    CONSTRAINT shown_page_pkey PRIMARY KEY (token_hash),
    CONSTRAINT shown_page_chat_id_fkey FOREIGN KEY(chat_id) REFERENCES chat (id) ON DELETE CASCADE,
    CONSTRAINT shown_page_resident_id_fkey FOREIGN KEY(resident_id) REFERENCES resident (id)
)
""",
    """
CREATE INDEX shown_page_chat_id_idx ON shown_page (chat_id)
""",
    """
CREATE INDEX shown_page_expires_at_idx ON shown_page (expires_at)
""",
    """
CREATE INDEX shown_page_resident_id_idx ON shown_page (resident_id)
""",
    """
CREATE TABLE account_link (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    resident_id BIGINT NOT NULL,
    account_id BIGINT NOT NULL,
    chat_id BIGINT NOT NULL,
    name TEXT DEFAULT '' NOT NULL,
    proof TEXT NOT NULL,
    current BOOLEAN NOT NULL,
    linked_at TIMESTAMP WITH TIME ZONE NOT NULL,
    frozen_at TIMESTAMP WITH TIME ZONE,
    frozen_hashes BYTEA[] DEFAULT '{}' NOT NULL,
    unlinked_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT account_link_pkey PRIMARY KEY (id),
    CONSTRAINT account_link_resident_id_fkey FOREIGN KEY(resident_id) REFERENCES resident (id),
    CONSTRAINT account_link_account_id_fkey FOREIGN KEY(account_id) REFERENCES account (id),
    CONSTRAINT account_link_chat_id_fkey FOREIGN KEY(chat_id) REFERENCES chat (id)
)
""",
    """
CREATE INDEX account_link_account_idx ON account_link (account_id) WHERE unlinked_at is null
""",
    """
CREATE INDEX account_link_chat_id_idx ON account_link (chat_id)
""",
    """
CREATE INDEX account_link_frozen_idx ON account_link (account_id) WHERE frozen_at is not null
""",
    """
CREATE UNIQUE INDEX account_link_live_key ON account_link (resident_id, account_id) WHERE unlinked_at is null
""",
    """
CREATE INDEX account_link_resident_id_idx ON account_link (resident_id)
""",
    """
CREATE TABLE balance (
    account_id BIGINT NOT NULL,
    owed BIGINT DEFAULT '0' NOT NULL,
    advance BIGINT DEFAULT '0' NOT NULL,
    CONSTRAINT balance_pkey PRIMARY KEY (account_id),
    CONSTRAINT balance_advance_check CHECK (advance >= 0),
    CONSTRAINT balance_account_id_fkey FOREIGN KEY(account_id) REFERENCES account (id)
)
""",
    """
CREATE TABLE bill (
    account_id BIGINT NOT NULL,
    period DATE NOT NULL,
    opening BIGINT NOT NULL,
    payments_counted BIGINT NOT NULL,
    counted_until DATE NOT NULL,
    charged BIGINT NOT NULL,
    recalculation BIGINT NOT NULL,
    benefit BIGINT NOT NULL,
    penalty BIGINT NOT NULL,
    total_due BIGINT NOT NULL,
    gis_document_id TEXT DEFAULT '' NOT NULL,
    pdf_ref TEXT DEFAULT '' NOT NULL,
    posting_id BIGINT,
    CONSTRAINT bill_pkey PRIMARY KEY (account_id, period),
    CONSTRAINT bill_account_id_fkey FOREIGN KEY(account_id) REFERENCES account (id)
)
""",
    """
CREATE TABLE ledger_account (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    kind TEXT NOT NULL,
    account_id BIGINT,
    service_code TEXT,
    provider_id TEXT,
    way TEXT,
    key TEXT GENERATED ALWAYS AS (kind || coalesce(':' || account_id::text, '') || coalesce(':' || service_code, '') || coalesce(':' || provider_id, '') || coalesce(':' || way, '')) STORED NOT NULL,
    CONSTRAINT ledger_account_pkey PRIMARY KEY (id),
    CONSTRAINT ledger_account_service_code_check CHECK (service_code not like '%:%'),
    CONSTRAINT ledger_account_account_id_fkey FOREIGN KEY(account_id) REFERENCES account (id),
    CONSTRAINT ledger_account_key_key UNIQUE (key)
)
""",
    """
CREATE TABLE meter (
    id TEXT NOT NULL,
    account_id BIGINT NOT NULL,
    service_code TEXT NOT NULL,
    serial TEXT NOT NULL,
    brand TEXT DEFAULT '' NOT NULL,
    model TEXT DEFAULT '' NOT NULL,
    place TEXT DEFAULT '' NOT NULL,
    registers INTEGER DEFAULT '1' NOT NULL,
    register_labels TEXT[] DEFAULT '{}' NOT NULL,
    integer_digits INTEGER NOT NULL,
    fraction_digits INTEGER NOT NULL,
    accepts_fraction BOOLEAN DEFAULT false NOT NULL,
    ratio NUMERIC(10, 3) DEFAULT '1' NOT NULL,
    installed_on DATE,
    commissioned_on DATE,
    verified_on DATE,
    verification_due_on DATE,
    seal_no TEXT DEFAULT '' NOT NULL,
    smart BOOLEAN DEFAULT false NOT NULL,
    closed_on DATE,
    window_open INTEGER DEFAULT '15' NOT NULL,
    window_close INTEGER DEFAULT '25' NOT NULL,
    CONSTRAINT meter_pkey PRIMARY KEY (id),
    CONSTRAINT meter_registers_check CHECK (registers between 1 and 3),
    CONSTRAINT meter_account_id_fkey FOREIGN KEY(account_id) REFERENCES account (id),
    CONSTRAINT meter_service_code_fkey FOREIGN KEY(service_code) REFERENCES service (code)
)
""",
    """
CREATE INDEX meter_account_id_idx ON meter (account_id)
""",
    """
CREATE TABLE pay_link (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    token_hash BYTEA NOT NULL,
    source_ref TEXT NOT NULL,
    account_id BIGINT NOT NULL,
    chat_id BIGINT,
    amount BIGINT NOT NULL,
    whole BOOLEAN NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pay_link_pkey PRIMARY KEY (id),
    CONSTRAINT pay_link_amount_check CHECK (amount > 0),
    CONSTRAINT pay_link_token_hash_key UNIQUE (token_hash),
    CONSTRAINT pay_link_source_ref_key UNIQUE (source_ref),
    CONSTRAINT pay_link_account_id_fkey FOREIGN KEY(account_id) REFERENCES account (id),
    CONSTRAINT pay_link_chat_id_fkey FOREIGN KEY(chat_id) REFERENCES chat (id)
)
""",
    """
CREATE INDEX pay_link_account_id_idx ON pay_link (account_id)
""",
    """
CREATE INDEX pay_link_chat_id_idx ON pay_link (chat_id)
""",
    """
CREATE TABLE posting (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    content_hash BYTEA NOT NULL,
    transfers INTEGER NOT NULL,
    happened_at TIMESTAMP WITH TIME ZONE NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    business_day DATE NOT NULL,
    source TEXT NOT NULL,
    account_id BIGINT,
    origin_id BIGINT,
    reverses_id BIGINT,
    xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
    CONSTRAINT posting_pkey PRIMARY KEY (id),
    CONSTRAINT posting_key_key UNIQUE (key),
    CONSTRAINT posting_account_id_fkey FOREIGN KEY(account_id) REFERENCES account (id),
    CONSTRAINT posting_origin_id_fkey FOREIGN KEY(origin_id) REFERENCES posting (id),
    CONSTRAINT posting_reverses_id_key UNIQUE (reverses_id),
    CONSTRAINT posting_reverses_id_fkey FOREIGN KEY(reverses_id) REFERENCES posting (id)
)
""",
    """
CREATE INDEX posting_account_idx ON posting (account_id, id)
""",
    """
CREATE INDEX posting_business_day_idx ON posting (business_day, id)
""",
    """
CREATE INDEX posting_origin_id_idx ON posting (origin_id)
""",
    """
CREATE TABLE settled_account (
    account_id BIGINT NOT NULL,
    since DATE NOT NULL,
    number TEXT NOT NULL,
    address TEXT NOT NULL,
    CONSTRAINT settled_account_pkey PRIMARY KEY (account_id, since),
    CONSTRAINT settled_account_account_id_fkey FOREIGN KEY(account_id) REFERENCES account (id)
)
""",
    """
CREATE TABLE staff_case (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    kind TEXT NOT NULL,
    account_id BIGINT,
    chat_id BIGINT,
    facts JSONB NOT NULL,
    state TEXT DEFAULT 'open' NOT NULL,
    answer TEXT,
    opened_at TIMESTAMP WITH TIME ZONE NOT NULL,
    answered_at TIMESTAMP WITH TIME ZONE,
    closed_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT staff_case_pkey PRIMARY KEY (id),
    CONSTRAINT staff_case_state_check CHECK (state in ('open', 'answered', 'closed')),
    CONSTRAINT staff_case_account_id_fkey FOREIGN KEY(account_id) REFERENCES account (id),
    CONSTRAINT staff_case_chat_id_fkey FOREIGN KEY(chat_id) REFERENCES chat (id)
)
""",
    """
CREATE INDEX staff_case_chat_id_idx ON staff_case (chat_id)
""",
    """
CREATE INDEX staff_case_open_idx ON staff_case (id) WHERE state = 'open'
""",
    """
CREATE TABLE advance (
    origin_id BIGINT NOT NULL,
    account_id BIGINT NOT NULL,
    kopecks BIGINT NOT NULL,
    CONSTRAINT advance_pkey PRIMARY KEY (origin_id),
    CONSTRAINT advance_kopecks_check CHECK (kopecks >= 0),
    CONSTRAINT advance_origin_id_fkey FOREIGN KEY(origin_id) REFERENCES posting (id),
    CONSTRAINT advance_account_id_fkey FOREIGN KEY(account_id) REFERENCES account (id)
)
""",
    """
CREATE INDEX advance_open_idx ON advance (account_id) WHERE kopecks != 0
""",
    """
CREATE TABLE bank_document (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    key TEXT NOT NULL,
    day DATE NOT NULL,
    number TEXT NOT NULL,
    incoming BOOLEAN NOT NULL,
    amount BIGINT NOT NULL,
    kind TEXT NOT NULL,
    way TEXT,
    inn TEXT NOT NULL,
    purpose TEXT,
    matched BOOLEAN NOT NULL,
    posting_id BIGINT,
    kept_posting_id BIGINT,
    CONSTRAINT bank_document_pkey PRIMARY KEY (id),
    CONSTRAINT bank_document_kind_check CHECK (kind in ('remittance', 'transfer', 'charge', 'outgoing', 'own')),
    CONSTRAINT bank_document_amount_check CHECK (amount > 0),
    CONSTRAINT bank_document_way_check CHECK ((kind in ('remittance', 'charge')) = (way is not null)),
    CONSTRAINT bank_document_key_key UNIQUE (key),
    CONSTRAINT bank_document_posting_id_key UNIQUE (posting_id),
    CONSTRAINT bank_document_posting_id_fkey FOREIGN KEY(posting_id) REFERENCES posting (id),
    CONSTRAINT bank_document_kept_posting_id_key UNIQUE (kept_posting_id),
    CONSTRAINT bank_document_kept_posting_id_fkey FOREIGN KEY(kept_posting_id) REFERENCES posting (id)
)
""",
    """
CREATE INDEX bank_document_waiting_idx ON bank_document (id) WHERE kind = 'remittance' and not matched
""",
    """
CREATE TABLE checkpoint (
    ledger_account_id BIGINT NOT NULL,
    day DATE NOT NULL,
    kopecks BIGINT NOT NULL,
    CONSTRAINT checkpoint_pkey PRIMARY KEY (ledger_account_id, day),
    CONSTRAINT checkpoint_ledger_account_id_fkey FOREIGN KEY(ledger_account_id) REFERENCES ledger_account (id)
)
""",
    """
CREATE TABLE payment (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    posting_id BIGINT NOT NULL,
    source_name TEXT NOT NULL,
    external_id TEXT NOT NULL,
    way TEXT NOT NULL,
    account_id BIGINT,
    amount BIGINT NOT NULL,
    paid_at TIMESTAMP WITH TIME ZONE NOT NULL,
    paid_on DATE NOT NULL,
    purpose TEXT DEFAULT '' NOT NULL,
    named JSONB DEFAULT '[]' NOT NULL,
    reverses_payment_id BIGINT,
    CONSTRAINT payment_pkey PRIMARY KEY (id),
    CONSTRAINT payment_source_name_external_id_key UNIQUE (source_name, external_id),
    CONSTRAINT payment_amount_check CHECK (case when reverses_payment_id is null then amount > 0 else amount < 0 end),
    CONSTRAINT payment_posting_id_key UNIQUE (posting_id),
    CONSTRAINT payment_posting_id_fkey FOREIGN KEY(posting_id) REFERENCES posting (id),
    CONSTRAINT payment_account_id_fkey FOREIGN KEY(account_id) REFERENCES account (id),
    CONSTRAINT payment_reverses_payment_id_fkey FOREIGN KEY(reverses_payment_id) REFERENCES payment (id)
)
""",
    """
CREATE INDEX payment_account_idx ON payment (account_id, paid_on)
""",
    """
CREATE INDEX payment_reverses_payment_id_idx ON payment (reverses_payment_id)
""",
    """
CREATE TABLE payment_attempt (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    pay_link_id BIGINT NOT NULL,
    acquirer TEXT NOT NULL,
    idempotence_key TEXT NOT NULL,
    operation_id TEXT,
    url TEXT,
    amount BIGINT NOT NULL,
    description TEXT NOT NULL,
    state TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    asked_at TIMESTAMP WITH TIME ZONE NOT NULL,
    payment_id BIGINT,
    details TEXT DEFAULT '{}' NOT NULL,
    contact BYTEA,
    paid_at TIMESTAMP WITH TIME ZONE,
    refunded BIGINT DEFAULT '0' NOT NULL,
    refunds TEXT DEFAULT '[]' NOT NULL,
    case_id BIGINT,
    CONSTRAINT payment_attempt_pkey PRIMARY KEY (id),
    CONSTRAINT payment_attempt_state_check CHECK (state in ('created', 'pending', 'unknown', 'paid', 'canceled', 'expired', 'refunded_in_part', 'refunded')),
    CONSTRAINT payment_attempt_amount_check CHECK (amount > 0),
    CONSTRAINT payment_attempt_refunded_check CHECK (refunded between 0 and amount),
    CONSTRAINT payment_attempt_pay_link_id_fkey FOREIGN KEY(pay_link_id) REFERENCES pay_link (id),
    CONSTRAINT payment_attempt_idempotence_key_key UNIQUE (idempotence_key),
    CONSTRAINT payment_attempt_case_id_fkey FOREIGN KEY(case_id) REFERENCES staff_case (id)
)
""",
    """
CREATE INDEX payment_attempt_created_idx ON payment_attempt (created_at)
""",
    """
CREATE INDEX payment_attempt_open_idx ON payment_attempt (acquirer, asked_at) WHERE state in ('created', 'pending', 'unknown') and case_id is null
""",
    """
CREATE UNIQUE INDEX payment_attempt_operation_key ON payment_attempt (acquirer, operation_id)
""",
    """
CREATE INDEX payment_attempt_pay_link_id_idx ON payment_attempt (pay_link_id)
""",
    """
CREATE INDEX payment_attempt_payment_id_idx ON payment_attempt (payment_id)
""",
    """
CREATE TABLE reading (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    meter_id TEXT NOT NULL,
    register_no INTEGER NOT NULL,
    value NUMERIC(22, 7) NOT NULL,
    previous_value NUMERIC(22, 7),
    taken_on DATE NOT NULL,
    received_at TIMESTAMP WITH TIME ZONE NOT NULL,
    kind TEXT DEFAULT 'current' NOT NULL,
    source TEXT NOT NULL,
    source_ref TEXT NOT NULL,
    submission_no BIGINT,
    chat_id BIGINT,
    resident_id BIGINT,
    status TEXT NOT NULL,
    counted_period DATE NOT NULL,
    supersedes_id BIGINT,
    flags TEXT[] DEFAULT '{}' NOT NULL,
    reject_reason TEXT,
    billing_ref TEXT,
    CONSTRAINT reading_pkey PRIMARY KEY (id),
    CONSTRAINT reading_value_check CHECK (value >= 0),
    CONSTRAINT reading_meter_id_fkey FOREIGN KEY(meter_id) REFERENCES meter (id),
    CONSTRAINT reading_source_ref_key UNIQUE (source_ref),
    CONSTRAINT reading_supersedes_id_fkey FOREIGN KEY(supersedes_id) REFERENCES reading (id)
)
""",
    """
CREATE INDEX reading_meter_idx ON reading (meter_id, register_no, counted_period, id)
""",
    """
CREATE INDEX reading_received_idx ON reading (received_at)
""",
    """
CREATE TABLE settlement (
    day DATE NOT NULL,
    provider_id TEXT NOT NULL,
    register_no INTEGER NOT NULL,
    since DATE NOT NULL,
    fee_percent NUMERIC(7, 4) NOT NULL,
    gross BIGINT NOT NULL,
    corrections BIGINT NOT NULL,
    fee BIGINT NOT NULL,
    carried BIGINT NOT NULL,
    rows INTEGER NOT NULL,
    head BYTEA NOT NULL,
    pay_on DATE NOT NULL,
    payee JSONB NOT NULL,
    payer JSONB NOT NULL,
    fee_posting_id BIGINT,
    payout_posting_id BIGINT,
    CONSTRAINT settlement_pkey PRIMARY KEY (day, provider_id),
    CONSTRAINT settlement_signs_check CHECK (gross >= 0 and corrections <= 0 and carried <= 0),
    CONSTRAINT settlement_provider_id_fkey FOREIGN KEY(provider_id) REFERENCES provider (id),
    CONSTRAINT settlement_register_no_key UNIQUE (register_no),
    CONSTRAINT settlement_fee_posting_id_key UNIQUE (fee_posting_id),
    CONSTRAINT settlement_fee_posting_id_fkey FOREIGN KEY(fee_posting_id) REFERENCES posting (id),
    CONSTRAINT settlement_payout_posting_id_key UNIQUE (payout_posting_id),
    CONSTRAINT settlement_payout_posting_id_fkey FOREIGN KEY(payout_posting_id) REFERENCES posting (id)
)
""",
    """
CREATE TABLE staff_action (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    who TEXT NOT NULL,
    action TEXT NOT NULL,
    account_id BIGINT,
    link_id BIGINT,
    case_id BIGINT,
    why TEXT DEFAULT '' NOT NULL,
    CONSTRAINT staff_action_pkey PRIMARY KEY (id),
    CONSTRAINT staff_action_account_id_fkey FOREIGN KEY(account_id) REFERENCES account (id),
    CONSTRAINT staff_action_link_id_fkey FOREIGN KEY(link_id) REFERENCES account_link (id),
    CONSTRAINT staff_action_case_id_fkey FOREIGN KEY(case_id) REFERENCES staff_case (id)
)
""",
    """
CREATE INDEX staff_action_account_idx ON staff_action (account_id, id)
""",
    """
CREATE INDEX staff_action_case_idx ON staff_action (case_id, id) WHERE case_id is not null
""",
    """
CREATE TABLE allocation (
    posting_id BIGINT NOT NULL,
    no INTEGER NOT NULL,
    payment_id BIGINT,
    account_id BIGINT NOT NULL,
    period DATE NOT NULL,
    service_code TEXT NOT NULL,
    provider_id TEXT NOT NULL,
    penalty BOOLEAN NOT NULL,
    kopecks BIGINT NOT NULL,
    algorithm_version SMALLINT NOT NULL,
    CONSTRAINT allocation_pkey PRIMARY KEY (posting_id, no),
    CONSTRAINT allocation_kopecks_check CHECK (kopecks <> 0),
    CONSTRAINT allocation_payment_id_fkey FOREIGN KEY(payment_id) REFERENCES payment (id)
)
""",
    """
CREATE INDEX allocation_account_id_idx ON allocation (account_id)
""",
    """
CREATE INDEX allocation_payment_id_idx ON allocation (payment_id)
""",
    """
CREATE TABLE clearance (
    payment_id BIGINT NOT NULL,
    day DATE NOT NULL,
    document_id BIGINT,
    CONSTRAINT clearance_pkey PRIMARY KEY (payment_id),
    CONSTRAINT clearance_payment_id_fkey FOREIGN KEY(payment_id) REFERENCES payment (id),
    CONSTRAINT clearance_document_id_fkey FOREIGN KEY(document_id) REFERENCES bank_document (id)
)
""",
    """
CREATE INDEX clearance_day_idx ON clearance (day)
""",
    """
CREATE INDEX clearance_document_id_idx ON clearance (document_id)
""",
    """
CREATE TABLE remittance (
    payment_id BIGINT NOT NULL,
    order_no TEXT NOT NULL,
    sent BIGINT,
    CONSTRAINT remittance_pkey PRIMARY KEY (payment_id),
    CONSTRAINT remittance_payment_id_fkey FOREIGN KEY(payment_id) REFERENCES payment (id)
)
""",
    """
create table inbox_rest partition of inbox default
""",
    """
create function inbox_roll() returns void language plpgsql security definer set search_path from current as $$
declare
  the_day date;
  old text;
begin
  perform pg_advisory_xact_lock(hashtext('inbox_roll'));
  delete from inbox_rest where inbox_rest.day < current_date - 6;
  for the_day in select generate_series(current_date, current_date + 2, interval '1 day')::date loop
    if to_regclass('inbox_' || to_char(the_day, 'YYYYMMDD')) is null
      and not exists (select from inbox_rest where inbox_rest.day = the_day)
    then
      execute format('create table %I partition of inbox for values from (%L) to (%L)',
        'inbox_' || to_char(the_day, 'YYYYMMDD'), the_day, the_day + 1);
    end if;
  end loop;
  for old in
    select child.relname from pg_inherits
    join pg_class child on child.oid = inhrelid
    where inhparent = 'inbox'::regclass and child.relname ~ '^inbox_[0-9]{8}$'
      and to_date(right(child.relname, 8), 'YYYYMMDD') < current_date - 6
  loop
    execute format('drop table %I', old);
  end loop;
end
$$
""",
    """
select inbox_roll()
""",
    """
alter table lane set (fillfactor = 70)
""",
    """
alter table chat set (fillfactor = 70)
""",
    """
alter table outbox set (fillfactor = 85)
""",
    """
create function refuse_charges() returns trigger language plpgsql as $$
begin
    perform from service where code in (select service_code from added) for key share;
    perform from provider where id in (select provider_id from added) for key share;
    if exists (
        select from (select distinct service_code from added) a
        where not exists (select from service s where s.code = a.service_code)
    ) or exists (
        select from (select distinct provider_id from added) a
        where not exists (select from provider p where p.id = a.provider_id)
    ) then
        raise exception 'a charge is for a service of a provider'
            using errcode = 'foreign_key_violation', constraint = 'charge_of_nothing';
    end if;
    return null;
end
$$
""",
    """
create function refuse_services() returns trigger language plpgsql as $$
begin
    if exists (
        select from was
        where not exists (select from service s where s.code = was.code)
            and exists (select from charge c where c.service_code = was.code)
    ) then
        raise exception 'a service that was charged stays'
            using errcode = 'foreign_key_violation', constraint = 'charge_of_nothing';
    end if;
    return null;
end
$$
""",
    """
create function refuse_providers() returns trigger language plpgsql as $$
begin
    if exists (
        select from was
        where not exists (select from provider p where p.id = was.id)
            and exists (select from charge c where c.provider_id = was.id)
    ) then
        raise exception 'a provider that charged stays'
            using errcode = 'foreign_key_violation', constraint = 'charge_of_nothing';
    end if;
    return null;
end
$$
""",
    """
create trigger charge_insert_guarded after insert on charge referencing new table as added
for each statement execute function refuse_charges()
""",
    """
create trigger charge_update_guarded after update on charge referencing new table as added
for each statement execute function refuse_charges()
""",
    """
create trigger service_delete_guarded after delete on service referencing old table as was
for each statement execute function refuse_services()
""",
    """
create trigger service_update_guarded after update on service referencing old table as was
for each statement execute function refuse_services()
""",
    """
create trigger provider_delete_guarded after delete on provider referencing old table as was
for each statement execute function refuse_providers()
""",
    """
create trigger provider_update_guarded after update on provider referencing old table as was
for each statement execute function refuse_providers()
""",
    """
create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception '% is never changed: what was wrong is answered by another posting', tg_table_name
        using errcode = 'restrict_violation', constraint = 'append_only', table = tg_table_name;
end
$$
""",
    """
create function refuse_postings() returns trigger language plpgsql as $$
begin
    perform pg_advisory_xact_lock_shared('seal'::regclass::oid::bigint);
    if exists (select from added where xid <> pg_current_xact_id()) then
        raise exception 'a posting belongs to the transaction that writes it'
            using errcode = 'restrict_violation', constraint = 'posting_of_another_transaction';
    end if;
    if exists (select from added where business_day <= (select max(day) from seal)) then
        raise exception 'a sealed day takes no more postings'
            using errcode = 'restrict_violation', constraint = 'posting_of_a_sealed_day';
    end if;
    return null;
end
$$
""",
    """
create function refuse_transfers() returns trigger language plpgsql as $$
begin
    if exists (
        select from (select distinct posting_id from added) a
        left join posting p on p.id = a.posting_id
        where p.xid is distinct from pg_current_xact_id()
    ) then
        raise exception 'a transfer belongs to the transaction of its posting'
            using errcode = 'restrict_violation', constraint = 'transfer_of_another_transaction';
    end if;
    if exists (
        select from (select from_id as id from added union select to_id from added) a
        where not exists (select from ledger_account l where l.id = a.id)
    ) then
        raise exception 'a transfer is between ledger accounts'
            using errcode = 'restrict_violation', constraint = 'transfer_of_no_ledger_account';
    end if;
    return null;
end
$$
""",
    """
create function refuse_seals() returns trigger language plpgsql as $$
begin
    perform pg_advisory_xact_lock('seal'::regclass::oid::bigint);
    if exists (
        select from added a
        where a.day <= (select max(s.day) from seal s where not exists (select from added b where b.day = s.day))
    ) then
        raise exception 'days are sealed in their order'
            using errcode = 'restrict_violation', constraint = 'seal_out_of_order';
    end if;
    return null;
end
$$
""",
    """
create function refuse_payment_change() returns trigger language plpgsql as $$
begin
    if exists (
        select from was join became using (id)
        where was.account_id is not null or to_jsonb(was) - 'account_id' <> to_jsonb(became) - 'account_id'
    ) or (select count(*) from was join became using (id)) <> (select count(*) from was) then
        raise exception 'a payment is never changed; only its account may be filled in, once'
            using errcode = 'restrict_violation', constraint = 'append_only', table = tg_table_name;
    end if;
    return null;
end
$$
""",
    """
create trigger settlement_never_changed before update or delete or truncate on settlement
for each statement execute function refuse_change()
""",
    """
create trigger settled_account_never_changed before update or delete or truncate on settled_account
for each statement execute function refuse_change()
""",
    """
create trigger ledger_account_never_changed before update or delete or truncate on ledger_account
for each statement execute function refuse_change()
""",
    """
create trigger posting_never_changed before update or delete or truncate on posting
for each statement execute function refuse_change()
""",
    """
create trigger transfer_never_changed before update or delete or truncate on transfer
for each statement execute function refuse_change()
""",
    """
create trigger allocation_never_changed before update or delete or truncate on allocation
for each statement execute function refuse_change()
""",
    """
create trigger clearance_never_changed before update or delete or truncate on clearance
for each statement execute function refuse_change()
""",
    """
create trigger checkpoint_never_changed before update or delete or truncate on checkpoint
for each statement execute function refuse_change()
""",
    """
create trigger seal_never_changed before update or delete or truncate on seal
for each statement execute function refuse_change()
""",
    """
create trigger proof_never_changed before update or delete or truncate on proof
for each statement execute function refuse_change()
""",
    """
create trigger posting_guarded after insert on posting referencing new table as added
for each statement execute function refuse_postings()
""",
    """
create trigger transfer_guarded after insert on transfer referencing new table as added
for each statement execute function refuse_transfers()
""",
    """
create trigger seal_guarded after insert on seal referencing new table as added
for each statement execute function refuse_seals()
""",
    """
create trigger payment_never_removed before delete or truncate on payment
for each statement execute function refuse_change()
""",
    """
create trigger payment_never_changed after update on payment referencing old table as was new table as became
for each statement execute function refuse_payment_change()
""",
    """
create function refuse_clearance() returns trigger language plpgsql as $$
begin
    if exists (select from added where day <= (select max(day) from settlement)) then
        raise exception 'a settled day clears no more payments'
            using errcode = 'restrict_violation', constraint = 'clearance_of_a_settled_day';
    end if;
    return null;
end
$$
""",
    """
create trigger clearance_guarded after insert on clearance referencing new table as added
for each statement execute function refuse_clearance()
""",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.get_bind().exec_driver_sql(statement)
