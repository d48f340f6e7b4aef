-- What past actions come to, kept as they are written: every entry that counts is added up under its customer,
-- its conversation and its tenant, in stretches of time of four lengths (2^22 to 2^40 microseconds, each 64 of
-- the one before). What came since any moment is then a few dozen rows, however many entries there are.
-- Triggers keep the totals, so that no program that writes the ledger can leave them behind.
CREATE TABLE ledger_totals (
  tenant VARCHAR(64) NOT NULL,
  tool VARCHAR(128) NOT NULL,
  per VARCHAR(16) NOT NULL,
  "key" VARCHAR(64) NOT NULL,
  level INTEGER NOT NULL,
  bucket BIGINT NOT NULL,
  name TEXT NOT NULL,
  currency TEXT NOT NULL,
  scale INTEGER NOT NULL,
  entries BIGINT NOT NULL,
  units NUMERIC NOT NULL,
  PRIMARY KEY (tenant, tool, per, "key", level, bucket, name, currency, scale)
)
;;
-- An entry as it is added up. The row without a name counts it. An amount that is no plain decimal number is of
-- scale -1, and who needs it reads the entries themselves. A tenant's rows are kept in eight parts, so that
-- actions of different customers seldom wait for each other.
CREATE FUNCTION handrail_ledger_parts(l ledger) RETURNS TABLE (
  per text, "key" text, level integer, bucket bigint, name text, currency text, scale integer, units numeric
) LANGUAGE sql IMMUTABLE AS $$
  SELECT s.per, s."key", v.level, l.at >> v.level, p.name, p.currency,
    CASE WHEN p.is_plain THEN 0 ELSE -1 END, CASE WHEN p.is_plain THEN p.number::numeric ELSE 0 END
  FROM (
    SELECT '' AS name, '' AS currency, '0' AS number, true AS is_plain
    UNION ALL
    SELECT a.key, coalesce(a.value ->> 1, ''), a.value ->> 0,
      coalesce(a.value ->> 0 ~ '^-?[0-9]+([.][0-9]*)?$' AND length(a.value ->> 0) <= 14, false)
    FROM json_each(l.amounts::json) AS a
    WHERE json_typeof(a.value) <> 'null'
  ) AS p
  CROSS JOIN (VALUES (22), (28), (34), (40)) AS v (level)
  CROSS JOIN (
    VALUES ('customer', l.customer), ('conversation', l.conversation), ('tenant', (ascii(right(l.id, 1)) & 7)::text)
  ) AS s (per, "key")
  WHERE l.state IN ('reserved', 'done', 'unknown') AND s."key" IS NOT NULL
$$
;;
CREATE VIEW ledger_parts AS
SELECT l.tenant, l.id, l.tool, p.per, p."key", p.level, p.bucket, p.name, p.currency, p.scale,
  1::bigint AS entries, p.units
FROM ledger AS l CROSS JOIN LATERAL handrail_ledger_parts(l) AS p
;;
INSERT INTO ledger_totals
SELECT tenant, tool, per, "key", level, bucket, name, currency, scale, sum(entries), sum(units) FROM ledger_parts GROUP BY tenant, tool, per, "key", level, bucket, name, currency, scale
;;
CREATE FUNCTION handrail_ledger_leave() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
  -- In one order everywhere, so that no two transactions wait for each other.
  INSERT INTO ledger_totals
  SELECT OLD.tenant, OLD.tool, p.per, p."key", p.level, p.bucket, p.name, p.currency, p.scale, -1, -p.units
  FROM handrail_ledger_parts(OLD) AS p
  ORDER BY tenant, tool, per, "key", level, bucket, name, currency, scale
  ON CONFLICT (tenant, tool, per, "key", level, bucket, name, currency, scale)
  DO UPDATE SET entries = ledger_totals.entries + excluded.entries, units = ledger_totals.units + excluded.units;
  RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$
;;
CREATE FUNCTION handrail_ledger_enter() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
  -- In one order everywhere, so that no two transactions wait for each other.
  INSERT INTO ledger_totals
  SELECT NEW.tenant, NEW.tool, p.per, p."key", p.level, p.bucket, p.name, p.currency, p.scale, 1, p.units
  FROM handrail_ledger_parts(NEW) AS p
  ORDER BY tenant, tool, per, "key", level, bucket, name, currency, scale
  ON CONFLICT (tenant, tool, per, "key", level, bucket, name, currency, scale)
  DO UPDATE SET entries = ledger_totals.entries + excluded.entries, units = ledger_totals.units + excluded.units;
  RETURN NULL;
END $$
;;
CREATE TRIGGER ledger_totals_insert AFTER INSERT ON ledger FOR EACH ROW
EXECUTE FUNCTION handrail_ledger_enter()
;;
CREATE TRIGGER ledger_totals_leave BEFORE UPDATE OF state, tenant, id, tool, at, customer, conversation, amounts ON ledger FOR EACH ROW
WHEN ((OLD.state IN ('reserved', 'done', 'unknown')) <> (NEW.state IN ('reserved', 'done', 'unknown'))
  OR OLD.tenant IS DISTINCT FROM NEW.tenant
  OR OLD.id IS DISTINCT FROM NEW.id
  OR OLD.tool IS DISTINCT FROM NEW.tool
  OR OLD.at IS DISTINCT FROM NEW.at
  OR OLD.customer IS DISTINCT FROM NEW.customer
  OR OLD.conversation IS DISTINCT FROM NEW.conversation
  OR OLD.amounts IS DISTINCT FROM NEW.amounts)
EXECUTE FUNCTION handrail_ledger_leave()
;;
CREATE TRIGGER ledger_totals_enter AFTER UPDATE OF state, tenant, id, tool, at, customer, conversation, amounts ON ledger FOR EACH ROW
WHEN ((OLD.state IN ('reserved', 'done', 'unknown')) <> (NEW.state IN ('reserved', 'done', 'unknown'))
  OR OLD.tenant IS DISTINCT FROM NEW.tenant
  OR OLD.id IS DISTINCT FROM NEW.id
  OR OLD.tool IS DISTINCT FROM NEW.tool
  OR OLD.at IS DISTINCT FROM NEW.at
  OR OLD.customer IS DISTINCT FROM NEW.customer
  OR OLD.conversation IS DISTINCT FROM NEW.conversation
  OR OLD.amounts IS DISTINCT FROM NEW.amounts)
EXECUTE FUNCTION handrail_ledger_enter()
;;
CREATE TRIGGER ledger_totals_delete BEFORE DELETE ON ledger FOR EACH ROW
EXECUTE FUNCTION handrail_ledger_leave()
;;
-- Totals are read; only the triggers write them.
GRANT SELECT ON ledger_totals TO handrail_app, handrail_inbox, handrail_desk, handrail_admin
;;
GRANT SELECT ON ledger_parts TO handrail_admin
;;
ALTER TABLE ledger_totals ENABLE ROW LEVEL SECURITY
;;
CREATE POLICY own_tenant ON ledger_totals TO handrail_app, handrail_inbox
  USING (tenant = current_setting('handrail.tenant', true))
;;
CREATE POLICY every_tenant ON ledger_totals TO handrail_desk, handrail_admin USING (true)
;;
