"""When runs happen: due times, constraints, back-off, queue, and what drives them, with Qt or without."""
