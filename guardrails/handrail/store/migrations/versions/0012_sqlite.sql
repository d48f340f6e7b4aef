CREATE TABLE sign_ins (
  tenant VARCHAR(64) NOT NULL,
  client VARCHAR(64) NOT NULL,
  until BIGINT NOT NULL,
  PRIMARY KEY (tenant, client)
)
;;
CREATE INDEX sign_ins_by_until ON sign_ins (tenant, until)
