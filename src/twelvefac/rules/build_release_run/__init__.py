"""Rules of factor V, build, release, run."""
