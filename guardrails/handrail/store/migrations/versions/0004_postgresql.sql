ALTER TABLE tickets ADD COLUMN duplicate_of VARCHAR(64)
;;
CREATE TABLE policy_texts (
  sha256 VARCHAR(64) NOT NULL,
  name VARCHAR(128) NOT NULL,
  version VARCHAR(128) NOT NULL,
  content TEXT NOT NULL,
  PRIMARY KEY (sha256)
)
;;
CREATE TABLE policy_changes (
  id VARCHAR(64) NOT NULL,
  change VARCHAR(64) NOT NULL,
  kind VARCHAR(16) NOT NULL,
  name VARCHAR(128) NOT NULL,
  sha256 VARCHAR(64) NOT NULL,
  person VARCHAR(128) NOT NULL,
  role VARCHAR(64) NOT NULL,
  at BIGINT NOT NULL,
  effective_from BIGINT NOT NULL,
  source TEXT NOT NULL,
  key_id VARCHAR(64) NOT NULL,
  signature BYTEA,
  mac VARCHAR(64),
  PRIMARY KEY (id)
)
;;
CREATE INDEX ix_policy_changes_name ON policy_changes (name, at)
;;
-- Only who decides may put a policy in force or say that a ticket is a duplicate; a customer may withdraw.
GRANT SELECT, INSERT ON policy_texts TO handrail_app, handrail_inbox, handrail_desk, handrail_admin
;;
GRANT SELECT ON policy_changes TO handrail_app, handrail_inbox, handrail_desk, handrail_admin
;;
GRANT INSERT ON policy_changes TO handrail_inbox
;;
GRANT UPDATE (duplicate_of) ON tickets TO handrail_inbox
;;
GRANT UPDATE (policy_sha256) ON tickets TO handrail_app, handrail_inbox, handrail_desk
;;
GRANT UPDATE (claimed_by, is_taken_over) ON tickets TO handrail_app
;;
