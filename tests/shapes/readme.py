"""Writes the table of shapes into README.md: python -m tests.shapes.readme"""

from tests.readme import write_table
from tests.shapes.table import as_markdown

if __name__ == "__main__":
    write_table("shapes", as_markdown())
