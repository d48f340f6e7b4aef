CREATE TABLE tickets (
  tenant VARCHAR(64) NOT NULL,
  id VARCHAR(64) NOT NULL,
  dedupe_key VARCHAR(128) NOT NULL,
  conversation VARCHAR(64),
  subject VARCHAR(64) NOT NULL,
  state VARCHAR(16) NOT NULL,
  is_open BOOLEAN NOT NULL,
  version INTEGER NOT NULL,
  round INTEGER NOT NULL,
  role VARCHAR(64) NOT NULL,
  slot VARCHAR(64) NOT NULL,
  waiting_for TEXT NOT NULL,
  agreed TEXT NOT NULL,
  chain TEXT NOT NULL,
  on_expiry VARCHAR(16) NOT NULL,
  level INTEGER NOT NULL,
  severity INTEGER NOT NULL,
  "trigger" VARCHAR(32) NOT NULL,
  reason_code VARCHAR(128) NOT NULL,
  policy_sha256 VARCHAR(64) NOT NULL,
  digest VARCHAR(64) NOT NULL,
  claimed_by VARCHAR(128),
  is_taken_over BOOLEAN NOT NULL,
  lease_until BIGINT,
  start_by BIGINT,
  warn_at BIGINT,
  decide_by BIGINT,
  paused_at BIGINT,
  leg_at BIGINT NOT NULL,
  next_timer BIGINT,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  closed_at BIGINT,
  content BLOB,
  sealed BLOB,
  PRIMARY KEY (tenant, id)
)
;;
CREATE INDEX ix_tickets_conversation ON tickets (tenant, conversation, created_at)
;;
CREATE INDEX ix_tickets_open_by_role ON tickets (tenant, role, decide_by, id) WHERE is_open IS 1
;;
CREATE INDEX ix_tickets_state ON tickets (tenant, state, created_at, id)
;;
CREATE INDEX ix_tickets_subject ON tickets (tenant, subject)
;;
CREATE INDEX ix_tickets_timer ON tickets (next_timer) WHERE next_timer IS NOT NULL
;;
CREATE UNIQUE INDEX uq_tickets_open_conversation ON tickets (tenant, conversation) WHERE is_open IS 1
;;
CREATE UNIQUE INDEX uq_tickets_open_dedupe ON tickets (tenant, dedupe_key) WHERE is_open IS 1
;;
CREATE TABLE attempts (
  tenant VARCHAR(64) NOT NULL,
  ticket VARCHAR(64) NOT NULL,
  exchange VARCHAR(64) NOT NULL,
  alias VARCHAR(64),
  at BIGINT NOT NULL,
  content BLOB,
  PRIMARY KEY (tenant, ticket, exchange)
)
;;
CREATE INDEX ix_attempts_alias ON attempts (tenant, alias)
;;
CREATE TABLE decisions (
  tenant VARCHAR(64) NOT NULL,
  id VARCHAR(64) NOT NULL,
  ticket VARCHAR(64) NOT NULL,
  round INTEGER NOT NULL,
  turn INTEGER NOT NULL,
  verdict VARCHAR(16) NOT NULL,
  is_final BOOLEAN NOT NULL,
  person VARCHAR(128) NOT NULL,
  role VARCHAR(64) NOT NULL,
  slot VARCHAR(64) NOT NULL,
  agreed TEXT NOT NULL,
  digest VARCHAR(64) NOT NULL,
  content_sha256 VARCHAR(64) NOT NULL,
  decided_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  idempotency_key VARCHAR(128) NOT NULL,
  content BLOB,
  key_id VARCHAR(64) NOT NULL,
  signature BLOB,
  PRIMARY KEY (tenant, id),
  CONSTRAINT uq_decisions_tenant_ticket_round_turn UNIQUE (tenant, ticket, round, turn),
  CONSTRAINT uq_decisions_tenant_ticket_idempotency_key UNIQUE (tenant, ticket, idempotency_key)
)
;;
CREATE TABLE uses (
  tenant VARCHAR(64) NOT NULL,
  ticket VARCHAR(64) NOT NULL,
  round INTEGER NOT NULL,
  kind VARCHAR(16) NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (tenant, ticket, round)
)
;;
CREATE TABLE ledger (
  tenant VARCHAR(64) NOT NULL,
  id VARCHAR(160) NOT NULL,
  tool VARCHAR(128) NOT NULL,
  at BIGINT NOT NULL,
  customer VARCHAR(64),
  conversation VARCHAR(64),
  digest VARCHAR(64) NOT NULL,
  ticket VARCHAR(64),
  state VARCHAR(16) NOT NULL,
  amounts TEXT NOT NULL,
  PRIMARY KEY (tenant, id)
)
;;
CREATE INDEX ix_ledger_conversation ON ledger (tenant, tool, conversation, at)
;;
CREATE INDEX ix_ledger_customer ON ledger (tenant, tool, customer, at)
;;
CREATE INDEX ix_ledger_tenant ON ledger (tenant, tool, at)
;;
CREATE TABLE outbox (
  id VARCHAR(64) NOT NULL,
  tenant VARCHAR(64) NOT NULL,
  ticket VARCHAR(64) NOT NULL,
  version INTEGER NOT NULL,
  kind VARCHAR(32) NOT NULL,
  role VARCHAR(64) NOT NULL,
  severity INTEGER NOT NULL,
  "trigger" VARCHAR(32) NOT NULL,
  decide_by BIGINT,
  at BIGINT NOT NULL,
  state VARCHAR(16) NOT NULL,
  available_at BIGINT NOT NULL,
  attempts INTEGER NOT NULL,
  error VARCHAR(64) NOT NULL,
  PRIMARY KEY (id),
  CONSTRAINT uq_outbox_tenant_ticket_version UNIQUE (tenant, ticket, version)
)
;;
CREATE INDEX ix_outbox_pending ON outbox (available_at) WHERE state = 'pending'
;;
CREATE TABLE audit (
  writer VARCHAR(64) NOT NULL,
  seq BIGINT NOT NULL,
  tenant VARCHAR(64) NOT NULL,
  ticket VARCHAR(64) NOT NULL,
  version INTEGER NOT NULL,
  kind VARCHAR(32) NOT NULL,
  actor VARCHAR(128) NOT NULL,
  role VARCHAR(64) NOT NULL,
  at BIGINT NOT NULL,
  data TEXT NOT NULL,
  prev VARCHAR(64) NOT NULL,
  hash VARCHAR(64) NOT NULL,
  PRIMARY KEY (writer, seq)
)
;;
CREATE INDEX ix_audit_at ON audit (tenant, at)
;;
CREATE INDEX ix_audit_ticket ON audit (tenant, ticket, version)
;;
CREATE TABLE audit_heads (
  writer VARCHAR(64) NOT NULL,
  seq BIGINT NOT NULL,
  hash VARCHAR(64) NOT NULL,
  floor_seq BIGINT NOT NULL,
  floor_hash VARCHAR(64) NOT NULL,
  PRIMARY KEY (writer)
)
;;
CREATE TABLE erasures (
  tenant VARCHAR(64) NOT NULL,
  subject VARCHAR(64) NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (tenant, subject, at)
)
;;
