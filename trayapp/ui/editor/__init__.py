"""Adding and editing one endpoint: its form, its test, its schedule."""
