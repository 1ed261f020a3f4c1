"""Times: the clock, when an endpoint is due by its schedule, and schedules in words. Pure but for the clock."""
