"""Words that every app shares and that know no app: errors, clock, ids, text rules, database helpers."""
