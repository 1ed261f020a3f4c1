"""Widgets, looks and words that several windows share."""
