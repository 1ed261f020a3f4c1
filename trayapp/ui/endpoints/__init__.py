"""The list of endpoints, and the chosen one in full."""
