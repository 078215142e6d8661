"""Steps of `dossier`: one customer on one page."""
