"""``gateway report``: a file to send with a question, in which no secret is."""
