ALTER TABLE tickets ADD COLUMN reference VARCHAR(16)
;;
ALTER TABLE tickets ADD COLUMN tool VARCHAR(128)
;;
ALTER TABLE tickets ADD COLUMN snoozed_until BIGINT
;;
ALTER TABLE tickets ADD COLUMN extended_at BIGINT
;;
CREATE UNIQUE INDEX uq_tickets_reference ON tickets (tenant, reference)
;;
CREATE INDEX ix_tickets_rule ON tickets (tenant, reason_code, is_open, created_at)
;;
ALTER TABLE decisions ADD COLUMN undone_at BIGINT
;;
CREATE TABLE pauses (
  tenant VARCHAR(64) NOT NULL,
  role VARCHAR(64) NOT NULL,
  person VARCHAR(128) NOT NULL,
  at BIGINT NOT NULL,
  why VARCHAR(128) NOT NULL,
  mac VARCHAR(64),
  PRIMARY KEY (tenant, role)
)
;;
CREATE TABLE api_tokens (
  tenant VARCHAR(64) NOT NULL,
  id VARCHAR(64) NOT NULL,
  person VARCHAR(128) NOT NULL,
  name VARCHAR(128) NOT NULL,
  scopes VARCHAR(128) NOT NULL,
  secret VARCHAR(64) NOT NULL,
  made_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  revoked_at BIGINT,
  mac VARCHAR(64),
  PRIMARY KEY (tenant, id)
)
;;
CREATE TABLE saved_views (
  tenant VARCHAR(64) NOT NULL,
  person VARCHAR(128) NOT NULL,
  name VARCHAR(64) NOT NULL,
  query TEXT NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (tenant, person, name)
)
;;
CREATE TABLE reviewers (
  tenant VARCHAR(64) NOT NULL,
  person VARCHAR(128) NOT NULL,
  seen_at BIGINT,
  signed_out_at BIGINT,
  PRIMARY KEY (tenant, person)
)
;;
