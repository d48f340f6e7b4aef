DROP INDEX ix_tickets_conversation
;;
CREATE INDEX ix_tickets_conversation ON tickets (tenant, conversation, is_open, updated_at)
;;
CREATE INDEX ix_tickets_open_due ON tickets (tenant, decide_by, id) WHERE is_open IS 1
;;
CREATE INDEX ix_tickets_applying ON tickets (next_timer) WHERE state = 'applying'
;;
CREATE INDEX ix_audits_waiting ON audits (tenant, at, exchange) WHERE verdict IS NULL
;;
CREATE INDEX ix_audits_judged ON audits (tenant, judged_at)
;;
