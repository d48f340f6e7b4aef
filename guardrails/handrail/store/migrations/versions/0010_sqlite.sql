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
  content BLOB NOT NULL,
  mac VARCHAR(64),
  PRIMARY KEY (tenant, ticket, person)
)
