"""The only code that speaks SQL: connections, migrations, mirrored tables, runs and changes."""
