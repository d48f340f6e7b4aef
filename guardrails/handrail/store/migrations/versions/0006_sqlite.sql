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
) WITHOUT ROWID
;;
-- An entry as it is added up. The row without a name counts it. An amount is kept as a whole number of its last
-- decimal place; one that cannot be is of scale -1, and who needs it reads the entries themselves.
CREATE VIEW ledger_parts AS
WITH
  amounts (tenant, id, name, currency, number, body, digits) AS (
    SELECT tenant, id, name, currency, number, body, replace(body, '.', '') FROM (
      SELECT tenant, id, name, currency, number,
        CASE WHEN number GLOB '-*' THEN substr(number, 2) ELSE number END AS body
      FROM (
        SELECT l.tenant, l.id, a."key" AS name,
          CASE a.type WHEN 'array' THEN coalesce(json_extract(a.value, '$[1]'), '') ELSE '' END AS currency,
          CASE a.type WHEN 'array' THEN coalesce(json_extract(a.value, '$[0]'), '') ELSE '' END AS number
        FROM ledger AS l, json_each(CASE WHEN json_valid(l.amounts) THEN l.amounts ELSE '{}' END) AS a
        WHERE a.type <> 'null'
      )
    )
  ),
  parts (tenant, id, name, currency, scale, units) AS (
    SELECT tenant, id, '', '', 0, 0 FROM ledger
    UNION ALL
    SELECT tenant, id, name, currency,
      CASE
        WHEN digits = '' OR digits GLOB '*[^0-9]*' OR length(digits) > 12 THEN -1
        WHEN length(body) - length(digits) > 1 THEN -1
        WHEN instr(body, '.') = 0 THEN 0
        ELSE length(body) - instr(body, '.')
      END,
      CASE
        WHEN digits = '' OR digits GLOB '*[^0-9]*' OR length(digits) > 12 THEN 0
        WHEN length(body) - length(digits) > 1 THEN 0
        ELSE CAST(replace(number, '.', '') AS INTEGER)
      END
    FROM amounts
  ),
  levels (level) AS (VALUES (22), (28), (34), (40)),
  scopes (per) AS (VALUES ('customer'), ('conversation'), ('tenant'))
SELECT l.tenant, l.id, l.tool, s.per,
  CASE s.per WHEN 'customer' THEN l.customer WHEN 'conversation' THEN l.conversation ELSE '' END AS "key",
  v.level, l.at >> v.level AS bucket, p.name, p.currency, p.scale, 1 AS entries, p.units
FROM ledger AS l
JOIN parts AS p ON p.tenant = l.tenant AND p.id = l.id
CROSS JOIN levels AS v
CROSS JOIN scopes AS s
WHERE l.state IN ('reserved', 'done', 'unknown')
  AND CASE s.per WHEN 'customer' THEN l.customer WHEN 'conversation' THEN l.conversation ELSE '' END IS NOT NULL
;;
INSERT INTO ledger_totals
SELECT tenant, tool, per, "key", level, bucket, name, currency, scale, sum(entries), sum(units) FROM ledger_parts GROUP BY tenant, tool, per, "key", level, bucket, name, currency, scale
;;
CREATE TRIGGER ledger_totals_insert AFTER INSERT ON ledger
BEGIN
  INSERT INTO ledger_totals
  SELECT tenant, tool, per, "key", level, bucket, name, currency, scale, entries, units FROM ledger_parts WHERE tenant = NEW.tenant AND id = NEW.id
  ON CONFLICT (tenant, tool, per, "key", level, bucket, name, currency, scale)
  DO UPDATE SET entries = entries + excluded.entries, units = units + excluded.units;
END
;;
CREATE TRIGGER ledger_totals_leave BEFORE UPDATE OF state, tenant, id, tool, at, customer, conversation, amounts ON ledger
WHEN (OLD.state IN ('reserved', 'done', 'unknown')) <> (NEW.state IN ('reserved', 'done', 'unknown'))
  OR OLD.tenant IS NOT NEW.tenant
  OR OLD.id IS NOT NEW.id
  OR OLD.tool IS NOT NEW.tool
  OR OLD.at IS NOT NEW.at
  OR OLD.customer IS NOT NEW.customer
  OR OLD.conversation IS NOT NEW.conversation
  OR OLD.amounts IS NOT NEW.amounts
BEGIN
  INSERT INTO ledger_totals
  SELECT tenant, tool, per, "key", level, bucket, name, currency, scale, -entries, -units FROM ledger_parts WHERE tenant = OLD.tenant AND id = OLD.id
  ON CONFLICT (tenant, tool, per, "key", level, bucket, name, currency, scale)
  DO UPDATE SET entries = entries + excluded.entries, units = units + excluded.units;
END
;;
CREATE TRIGGER ledger_totals_enter AFTER UPDATE OF state, tenant, id, tool, at, customer, conversation, amounts ON ledger
WHEN (OLD.state IN ('reserved', 'done', 'unknown')) <> (NEW.state IN ('reserved', 'done', 'unknown'))
  OR OLD.tenant IS NOT NEW.tenant
  OR OLD.id IS NOT NEW.id
  OR OLD.tool IS NOT NEW.tool
  OR OLD.at IS NOT NEW.at
  OR OLD.customer IS NOT NEW.customer
  OR OLD.conversation IS NOT NEW.conversation
  OR OLD.amounts IS NOT NEW.amounts
BEGIN
  INSERT INTO ledger_totals
  SELECT tenant, tool, per, "key", level, bucket, name, currency, scale, entries, units FROM ledger_parts WHERE tenant = NEW.tenant AND id = NEW.id
  ON CONFLICT (tenant, tool, per, "key", level, bucket, name, currency, scale)
  DO UPDATE SET entries = entries + excluded.entries, units = units + excluded.units;
END
;;
CREATE TRIGGER ledger_totals_delete BEFORE DELETE ON ledger
BEGIN
  INSERT INTO ledger_totals
  SELECT tenant, tool, per, "key", level, bucket, name, currency, scale, -entries, -units FROM ledger_parts WHERE tenant = OLD.tenant AND id = OLD.id
  ON CONFLICT (tenant, tool, per, "key", level, bucket, name, currency, scale)
  DO UPDATE SET entries = entries + excluded.entries, units = units + excluded.units;
END
;;
