CREATE TABLE passkeys (
  tenant VARCHAR(64) NOT NULL,
  id VARCHAR(1400) NOT NULL,
  person VARCHAR(128) NOT NULL,
  name VARCHAR(128) NOT NULL,
  public_key TEXT NOT NULL,
  uses BIGINT NOT NULL,
  made_at BIGINT NOT NULL,
  mac VARCHAR(64),
  PRIMARY KEY (tenant, id)
)
;;
CREATE INDEX ix_passkeys_person ON passkeys (tenant, person)
;;
GRANT SELECT, INSERT, DELETE ON passkeys TO handrail_inbox
;;
GRANT UPDATE (uses, mac) ON passkeys TO handrail_inbox
;;
GRANT SELECT, DELETE ON passkeys TO handrail_admin
;;
ALTER TABLE passkeys ENABLE ROW LEVEL SECURITY
;;
CREATE POLICY own_tenant ON passkeys TO handrail_inbox
  USING (tenant = current_setting('handrail.tenant', true))
;;
CREATE POLICY every_tenant ON passkeys TO handrail_admin USING (true)
