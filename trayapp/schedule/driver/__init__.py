"""What drives the engine: its thread, its alarm clock, and the saving of its state."""
