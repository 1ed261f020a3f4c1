"""The mirrored tables: whose they are, their columns, and the transaction that makes one equal to its listing."""
