"""Requests and their responses: connections, credentials, redirects, retries, rate limits, failures in words. It knows
no listing and no record."""
