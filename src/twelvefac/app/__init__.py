"""One function per command, Request -> Result: joins the parts; no typer, no rich, no print."""
