"""The system's secret store.

The program uses `store`. `entries` and `parts` are how secrets lie in a keyring; `keyrings` chooses each system's.
"""
