-- Put a record in place of whatever was there; without fields, remove it.
-- KEYS: record, log, agenda
-- ARGV: name, time to live in milliseconds or '', due time or '', then field, value, ...
-- Returns 1.
replace(KEYS, ARGV)
return 1
