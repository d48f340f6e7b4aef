ALTER TABLE tickets ADD COLUMN is_seeded BOOLEAN
;;
CREATE TABLE seeded_cases (
  tenant VARCHAR(64) NOT NULL,
  ticket VARCHAR(64) NOT NULL,
  source VARCHAR(64) NOT NULL,
  expected VARCHAR(16) NOT NULL,
  placed_by VARCHAR(128) NOT NULL,
  placed_at BIGINT NOT NULL,
  person VARCHAR(128),
  verdict VARCHAR(16),
  decided_at BIGINT,
  mac VARCHAR(64),
  PRIMARY KEY (tenant, ticket)
)
;;
CREATE TABLE own_answers (
  tenant VARCHAR(64) NOT NULL,
  ticket VARCHAR(64) NOT NULL,
  person VARCHAR(128) NOT NULL,
  at BIGINT NOT NULL,
  content BYTEA NOT NULL,
  mac VARCHAR(64),
  PRIMARY KEY (tenant, ticket, person)
)
;;
GRANT SELECT, INSERT ON seeded_cases, own_answers TO handrail_inbox
;;
GRANT UPDATE (person, verdict, decided_at, mac) ON seeded_cases TO handrail_inbox
;;
GRANT SELECT, DELETE ON seeded_cases, own_answers TO handrail_admin
;;
ALTER TABLE seeded_cases ENABLE ROW LEVEL SECURITY
;;
ALTER TABLE own_answers ENABLE ROW LEVEL SECURITY
;;
CREATE POLICY own_tenant ON seeded_cases TO handrail_inbox
  USING (tenant = current_setting('handrail.tenant', true))
;;
CREATE POLICY every_tenant ON seeded_cases TO handrail_admin USING (true)
;;
CREATE POLICY own_tenant ON own_answers TO handrail_inbox
  USING (tenant = current_setting('handrail.tenant', true))
;;
CREATE POLICY every_tenant ON own_answers TO handrail_admin USING (true)
;;
GRANT UPDATE (state, available_at, attempts) ON outbox TO handrail_inbox
