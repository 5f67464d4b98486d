"""Contract suites that any provider, sink or ledger must pass, and a rehearsal stage for the flows. Needs pytest."""
