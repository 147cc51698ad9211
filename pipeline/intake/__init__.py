"""What was seen, whose it is, what is kept: inbox, archive, ledger, raw rows, owners, restatements, erasure."""
