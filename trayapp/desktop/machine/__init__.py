"""What the machine is like: network, power, idle time, programs, files. Each module tells the systems apart itself."""
