"""What the machine is like: network, power, idle time, programs, files.

What each system tells in its own way is a package (`fullscreen`, `idle`, `wifi`) with one module per system.
"""
