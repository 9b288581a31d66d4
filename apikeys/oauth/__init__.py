"""OAuth 2.0: applications, what people let them do, and the tokens that come of it."""
