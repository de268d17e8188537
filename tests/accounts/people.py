"""What is true of everybody in these tests."""

PASSWORD = "correct horse battery staple"
