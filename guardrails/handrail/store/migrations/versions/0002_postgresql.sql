CREATE TABLE audits (
  tenant VARCHAR(64) NOT NULL,
  exchange VARCHAR(64) NOT NULL,
  roles TEXT NOT NULL,
  model VARCHAR(128) NOT NULL,
  at BIGINT NOT NULL,
  masked BYTEA,
  plain BYTEA,
  verdict VARCHAR(16),
  judged_by VARCHAR(128),
  judged_at BIGINT,
  PRIMARY KEY (tenant, exchange)
)
;;
-- The application keeps answers and cannot say whether they were right; the inbox says it and changes no words.
GRANT SELECT ON audits TO handrail_app, handrail_inbox, handrail_desk, handrail_admin
;;
GRANT INSERT (tenant, exchange, roles, model, at, masked, plain) ON audits TO handrail_app
;;
GRANT UPDATE (verdict, judged_by, judged_at) ON audits TO handrail_inbox
;;
GRANT UPDATE (masked, plain) ON audits TO handrail_admin
;;
ALTER TABLE audits ENABLE ROW LEVEL SECURITY
;;
CREATE POLICY own_tenant ON audits TO handrail_app, handrail_inbox
  USING (tenant = current_setting('handrail.tenant', true))
;;
CREATE POLICY every_tenant ON audits TO handrail_desk, handrail_admin USING (true)
;;
