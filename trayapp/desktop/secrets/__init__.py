"""The system's secret store."""
