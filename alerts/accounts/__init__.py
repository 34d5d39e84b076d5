"""Who works here: people, their roles and what each role may do, passwords, sessions."""
