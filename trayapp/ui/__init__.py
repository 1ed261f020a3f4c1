"""Widgets and their models, nothing else."""
