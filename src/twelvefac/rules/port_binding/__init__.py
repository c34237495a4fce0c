"""Rules of factor VII, port binding."""
