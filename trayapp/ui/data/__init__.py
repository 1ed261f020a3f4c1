"""The rows of mirrored tables."""
