CREATE TABLE kept_answers (
  tenant VARCHAR(64) NOT NULL,
  person VARCHAR(128) NOT NULL,
  key VARCHAR(200) NOT NULL,
  digest VARCHAR(64) NOT NULL,
  answer TEXT,
  at BIGINT NOT NULL,
  PRIMARY KEY (tenant, person, key)
)
