"""CSV and its kin: how rows are written, where their names are, what their cells stand for; `reading` has it all."""
