CREATE TABLE audits (
  tenant VARCHAR(64) NOT NULL,
  exchange VARCHAR(64) NOT NULL,
  roles TEXT NOT NULL,
  model VARCHAR(128) NOT NULL,
  at BIGINT NOT NULL,
  masked BLOB,
  plain BLOB,
  verdict VARCHAR(16),
  judged_by VARCHAR(128),
  judged_at BIGINT,
  PRIMARY KEY (tenant, exchange)
)
;;
