"""What a run has read and not yet published, and what the last run published."""
