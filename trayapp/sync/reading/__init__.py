"""Listings on their way into the staging: one, one for each row of a query, records that come in parts, and the journal
from which a run that broke off goes on."""
