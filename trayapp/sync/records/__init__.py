"""Where a response's records are, and what tells them apart. Pure: nothing is fetched here."""
