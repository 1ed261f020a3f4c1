"""This process: its folders, log, lock, crashes and memory."""
