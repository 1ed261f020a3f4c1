"""What must hold for a run to start and go on, and what is known of the machine. Pure."""
