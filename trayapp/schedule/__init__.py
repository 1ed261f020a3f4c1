"""When runs happen: due times, constraints, back-off, queue, and the thread that drives them."""
