"""One run: fetch, decode, stage, publish, report."""
