"""The commands: each module is one, its docstring the help text, its `run` the program."""
