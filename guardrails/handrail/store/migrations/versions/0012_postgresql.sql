CREATE TABLE sign_ins (
  tenant VARCHAR(64) NOT NULL,
  client VARCHAR(64) NOT NULL,
  until BIGINT NOT NULL,
  PRIMARY KEY (tenant, client)
)
;;
CREATE INDEX sign_ins_by_until ON sign_ins (tenant, until)
;;
GRANT SELECT, INSERT, UPDATE, DELETE ON sign_ins TO handrail_inbox
;;
GRANT SELECT, DELETE ON sign_ins TO handrail_admin
;;
ALTER TABLE sign_ins ENABLE ROW LEVEL SECURITY
;;
CREATE POLICY own_tenant ON sign_ins TO handrail_inbox
  USING (tenant = current_setting('handrail.tenant', true))
;;
CREATE POLICY every_tenant ON sign_ins TO handrail_admin USING (true)
