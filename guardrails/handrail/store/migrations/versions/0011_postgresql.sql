CREATE TABLE kept_answers (
  tenant VARCHAR(64) NOT NULL,
  person VARCHAR(128) NOT NULL,
  key VARCHAR(200) NOT NULL,
  digest VARCHAR(64) NOT NULL,
  answer TEXT,
  at BIGINT NOT NULL,
  PRIMARY KEY (tenant, person, key)
)
;;
GRANT SELECT, INSERT, UPDATE, DELETE ON kept_answers TO handrail_inbox
;;
GRANT SELECT, DELETE ON kept_answers TO handrail_admin
;;
ALTER TABLE kept_answers ENABLE ROW LEVEL SECURITY
;;
CREATE POLICY own_tenant ON kept_answers TO handrail_inbox
  USING (tenant = current_setting('handrail.tenant', true))
;;
CREATE POLICY every_tenant ON kept_answers TO handrail_admin USING (true)
