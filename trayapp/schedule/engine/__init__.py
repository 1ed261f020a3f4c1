"""What runs when: the planner and the pure functions it decides by. No threads, no clock, no Qt."""
