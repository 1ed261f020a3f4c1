"""How a listing goes on: the signs of more, the requests that follow, and the walk from the first page to the end."""
