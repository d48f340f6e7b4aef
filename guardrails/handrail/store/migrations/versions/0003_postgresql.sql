-- Here signatures and grants say what counts, so nothing writes these columns; the tables stay alike.
ALTER TABLE tickets ADD COLUMN mac VARCHAR(64)
;;
ALTER TABLE decisions ADD COLUMN mac VARCHAR(64)
;;
ALTER TABLE ledger ADD COLUMN mac VARCHAR(64)
;;
ALTER TABLE audit_heads ADD COLUMN mac VARCHAR(64)
;;
ALTER TABLE audit_heads ADD COLUMN floor_mac VARCHAR(64)
;;
