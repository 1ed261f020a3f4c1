"""What the user configures: typed data, validation and the settings file."""
