"""Finding out how an endpoint's response is read and how its listing goes on; the preview."""
