"""One run of one endpoint from its first request to its report."""
