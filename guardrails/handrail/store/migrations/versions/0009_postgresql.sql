GRANT INSERT ON tickets TO handrail_inbox
