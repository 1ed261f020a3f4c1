"""Records as values, cells and digests: what SQLite stores of them. No SQL."""
