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
-- A ticket gets its reference and tool when it is opened. Who decides may put it off, give it more time and take
-- a resolution back; whoever sees first that its time has come puts a resolution into effect.
GRANT UPDATE (snoozed_until, extended_at) ON tickets TO handrail_app, handrail_inbox, handrail_desk, handrail_admin
;;
GRANT UPDATE (undone_at) ON decisions TO handrail_inbox
;;
GRANT INSERT, UPDATE (amounts, digest, tool) ON ledger TO handrail_desk
;;
GRANT SELECT ON pauses TO handrail_app, handrail_inbox, handrail_desk, handrail_admin
;;
GRANT INSERT, UPDATE, DELETE ON pauses TO handrail_inbox, handrail_admin
;;
GRANT SELECT, INSERT, UPDATE, DELETE ON saved_views, reviewers TO handrail_inbox
;;
GRANT SELECT, INSERT ON api_tokens TO handrail_inbox
;;
GRANT UPDATE (revoked_at, mac) ON api_tokens TO handrail_inbox
;;
GRANT SELECT, DELETE ON saved_views, reviewers, api_tokens TO handrail_admin
;;
ALTER TABLE pauses ENABLE ROW LEVEL SECURITY
;;
CREATE POLICY own_tenant ON pauses TO handrail_app, handrail_inbox
  USING (tenant = current_setting('handrail.tenant', true))
;;
CREATE POLICY every_tenant ON pauses TO handrail_desk, handrail_admin USING (true)
;;
ALTER TABLE saved_views ENABLE ROW LEVEL SECURITY
;;
CREATE POLICY own_tenant ON saved_views TO handrail_inbox
  USING (tenant = current_setting('handrail.tenant', true))
;;
CREATE POLICY every_tenant ON saved_views TO handrail_admin USING (true)
;;
ALTER TABLE reviewers ENABLE ROW LEVEL SECURITY
;;
CREATE POLICY own_tenant ON reviewers TO handrail_inbox
  USING (tenant = current_setting('handrail.tenant', true))
;;
CREATE POLICY every_tenant ON reviewers TO handrail_admin USING (true)
;;
ALTER TABLE api_tokens ENABLE ROW LEVEL SECURITY
;;
CREATE POLICY own_tenant ON api_tokens TO handrail_inbox
  USING (tenant = current_setting('handrail.tenant', true))
;;
CREATE POLICY every_tenant ON api_tokens TO handrail_admin USING (true)
;;
