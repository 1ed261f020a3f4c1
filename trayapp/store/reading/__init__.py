"""Reading the user's file: stretches of tables, the user's own SQL, exports."""
