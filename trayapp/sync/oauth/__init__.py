"""OAuth 2.0: tokens from a client's own credentials or from a person's sign-in, kept, renewed and never shown."""
