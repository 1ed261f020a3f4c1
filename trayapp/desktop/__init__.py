"""The operating system: secrets, network, sleep, autostart, notifications, single instance."""
